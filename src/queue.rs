//! Durable work on Postgres: it knows kinds and bytes, never a call.
//!
//! A job is enqueued in the transaction that makes it necessary. A worker *claims* it: a lease with a fence that rises
//! with every claim, never an open transaction. Whoever finishes must carry the newest fence, so a worker that was
//! thought dead changes nothing. Leases are kept up by a heartbeat, and the rescuer gives expired ones back. Work is
//! tried at most `attempts_max` times, then it is dead and stays to be seen.
//!
//! [`job`] has the words, [`store`] the SQL, [`runner`] the loop.

pub mod job;
pub mod periodic;
pub mod runner;
pub mod store;

pub use job::{Claim, Job, Lane, NewJob, Outcome};
