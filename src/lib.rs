//! onhook: hears of the end of every call, ends live calls, keeps one record of each, analyses it, tells who needs to know.
//!
//! Bands, each of which uses only those before it (`tests/it/architecture.rs` holds the table):
//!
//! 1. [`domain`]: words of the business. Read [`domain::lifecycle`] first.
//! 2. [`store`], [`queue`], [`jobs`], [`seal`]: what is kept, and durable work.
//! 3. [`egress`], [`providers`], [`rooms`], [`recordings`], [`audio`], [`analysis`], [`llm`]: the world outside, and what is made of a call.
//! 4. [`webhooks`], then [`calls`]: the verbs. [`calls::ingest`] is the only way in for reports.
//! 5. [`worker`] (job to verb) and [`api`] (HTTP to verb): two edges that do not know each other.
//! 6. [`app`], [`cli`]: put together; [`simulate`]: a provider on loopback to try it with.

pub mod access;
pub mod analysis;
pub mod api;
pub mod app;
pub mod audio;
pub mod calls;
pub mod cli;
pub mod config;
pub mod domain;
pub mod egress;
pub mod embedded;
pub mod jobs;
pub mod llm;
pub mod metrics;
pub mod providers;
pub mod queue;
pub mod recordings;
pub mod rooms;
pub mod seal;
pub mod simulate;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod webhooks;
pub mod worker;
