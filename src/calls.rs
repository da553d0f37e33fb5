//! The verbs: each does one thing to a call, in a transaction of its own, and answers with an outcome.
//!
//! [`ingest`] takes reports, [`end`] ends calls; what a change sets in motion stands in [`effects`].

pub mod effects;
pub mod ingest;
