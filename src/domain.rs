//! Words of the business: no async, no I/O, no SQL.
//!
//! Read [`lifecycle`] first: it is the state machine that decides what a report does to a call. [`report`] is what comes
//! in, [`call`] what is kept, [`call_object`] what goes out.

pub mod account;
pub mod analysis;
pub mod backoff;
pub mod call;
pub mod call_export;
pub mod call_object;
pub mod call_query;
pub mod campaign;
pub mod circuit;
pub mod connection;
pub mod connection_object;
pub mod delivery;
pub mod dialled;
pub mod endpoint;
pub mod erasure;
pub mod event;
pub mod fault;
pub mod id;
pub mod json;
pub mod key;
pub mod lifecycle;
pub mod limits;
pub mod money;
pub mod party;
pub mod placement;
pub mod reconcile;
pub mod recording;
pub mod recovery;
pub mod report;
pub mod retention;
pub mod sound;
pub mod state;
pub mod termination;
pub mod text;
pub mod transcript;
pub mod voice_call;
