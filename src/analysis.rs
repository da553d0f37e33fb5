//! What is made of a call: pure functions from the record and its transcript to the sections of [`crate::domain::analysis`].
//!
//! [`run`] puts the sections together; each of the others makes one. Nothing here waits, reads a clock or knows a database.

pub mod call_metrics;
pub mod categories;
pub mod digest;
pub mod heard;
pub mod highlights;
pub mod insights;
pub mod key_phrases;
pub mod language;
pub mod number;
pub mod outcome;
pub mod phrases;
pub mod privacy;
pub mod quality;
pub mod recording;
pub mod run;
pub mod sentiment;
pub mod summary;
pub mod timing;
pub mod voicemail;
pub mod words;
