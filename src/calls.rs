//! The verbs: each does one thing to a call, in a transaction of its own, and answers with an outcome.
//!
//! [`ingest`] takes reports, [`hear`] listens for them, [`end`] ends calls, [`create`] and [`update`] are for staff systems, [`transcribe`] takes
//! transcripts, [`listen`] reads recordings, [`analyze`] makes something of them and [`insights`] asks a language model; [`legs`] keeps what belongs together, [`limits`] and [`reconcile`] see to it that
//! no call stays alive, and [`tend`] runs them; [`record`], [`annotate`] and [`place`] are for back ends; [`erase`] removes whatever is kept, [`retain`] what is old; what a change sets in motion stands in [`effects`].

use std::sync::Arc;

use sqlx::PgPool;

use crate::{
    egress::Egress, llm::Llm, metrics::Metrics, providers::Providers, queue::runner::Wake,
    recordings::read::Recordings, rooms::Rooms, seal::SealingKey, webhooks::deliver::Deliverer,
};

pub mod analyze;
pub mod annotate;
pub mod connect;
pub mod create;
pub mod effects;
pub mod end;
pub mod erase;
pub mod export;
pub mod hear;
pub mod ingest;
pub mod insights;
pub mod legs;
pub mod limits;
pub mod listen;
pub mod place;
pub mod reanalyze;
pub mod reconcile;
pub mod record;
pub mod retain;
pub mod room;
pub mod tend;
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
    /// Recordings, and what is said in them.
    pub recordings: Recordings,
    /// Media room servers.
    pub rooms: Rooms,
    /// Wakes the workers after a commit that enqueued something.
    pub wake: Wake,
    /// The language model, if the operator has named one.
    pub llm: Option<Llm>,
    /// What is counted.
    pub metrics: Metrics,
}

impl Tools {
    /// What delivering webhooks needs of these.
    pub fn deliverer(&self) -> Deliverer {
        Deliverer {
            db: self.db.clone(),
            egress: self.egress.clone(),
            sealing_key: Arc::clone(&self.sealing_key),
            wake: self.wake.clone(),
            metrics: self.metrics.clone(),
        }
    }
}

/// What makes a repetition of a receipt recognisable: its source and its content.
fn receipt_digest(source: &str, content: &serde_json::Value) -> [u8; 32] {
    use aws_lc_rs::digest::{SHA256, digest};
    let content = format!("{source}\0{content}");
    let digest = digest(&SHA256, content.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
