//! Telling endpoints what happens to calls: Standard Webhooks, at least once, in the transaction that made it true.
//!
//! An *event* is what happened, serialised once by [`envelope`]. [`emit`] makes a *delivery* of it to every endpoint that
//! subscribes, and says why `call.ended` is told first. A delivery is one *attempt* after another until the endpoint takes
//! it or the schedule of `domain::backoff` is spent. What staff systems are told is in the words of their platform: [`platform`], [`subscribe`].

pub mod deliver;
pub mod emit;
pub mod engine;
pub mod envelope;
pub mod explain;
pub mod keys;
pub mod manage;
pub mod operational;
pub mod platform;
pub mod recover;
pub mod redacted;
pub mod request;
pub mod settings;
pub mod signature;
pub mod subscribe;
pub mod trial;
