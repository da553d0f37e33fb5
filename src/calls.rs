//! The verbs: each does one thing to a call, in a transaction of its own, and answers with an outcome.
//!
//! [`ingest`] takes reports, [`end`] ends calls, [`create`] and [`update`] are for staff systems, [`transcribe`] takes
//! transcripts, [`analyze`] makes something of them; [`record`], [`annotate`] and [`place`] are for back ends; what a change sets in motion stands in [`effects`].

use std::sync::Arc;

use sqlx::PgPool;

use crate::{
    egress::Egress, providers::Providers, queue::runner::Wake, rooms::Rooms, seal::SealingKey,
};

pub mod analyze;
pub mod annotate;
pub mod connect;
pub mod create;
pub mod effects;
pub mod end;
pub mod export;
pub mod ingest;
pub mod place;
pub mod record;
pub mod room;
pub mod transcribe;
pub mod update;

/// What verbs work with. Cheap to clone: everything in it is a handle.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The database.
    pub db: PgPool,
    /// The one HTTP client.
    pub egress: Egress,
    /// Opens stored secrets.
    pub sealing_key: Arc<SealingKey>,
    /// Telephony providers.
    pub providers: Providers,
    /// Media room servers.
    pub rooms: Rooms,
    /// Wakes the workers after a commit that enqueued something.
    pub wake: Wake,
}
