//! What handlers share.

use std::{ops::Deref, sync::Arc};

use axum::extract::FromRef;
use sqlx::PgPool;

use crate::{
    calls::{Tools, ingest::Ingest, insights::Model},
    domain::retention::Windows,
    egress::Egress,
    metrics::Metrics,
    providers::Providers,
    queue::runner::Wake,
    recordings::read::Recordings,
    rooms::Rooms,
    seal::SealingKey,
    supervisor::Supervisor,
};

use super::{auth::Authenticator, calls::export::Exports, health::Health};

/// The state of the API: one pointer, since every layer and every extractor of every request clones it.
#[derive(Debug, Clone)]
pub struct ApiState(Arc<Parts>);

impl ApiState {
    /// Shares the parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for ApiState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the state consists of.
#[derive(Debug)]
pub struct Parts {
    /// The database.
    pub db: PgPool,
    /// The one way in for reports.
    pub ingest: Ingest,
    /// Wakes the workers of this process after a commit that enqueued something.
    pub wake: Wake,
    /// Who callers are.
    pub authenticator: Arc<Authenticator>,
    /// Whether this process is well.
    pub health: Arc<Health>,
    /// Seals and opens stored secrets.
    pub sealing_key: Arc<SealingKey>,
    /// The one HTTP client.
    pub egress: Egress,
    /// Telephony providers.
    pub providers: Providers,
    /// Recordings, and what is said in them.
    pub recordings: Recordings,
    /// Media room servers.
    pub rooms: Rooms,
    /// The URL by which the world reaches us, without a trailing slash: what providers sign.
    pub public_url: Arc<str>,
    /// How many live calls an account may have that were placed here.
    pub live_calls_max: i64,
    /// For how long things are kept where an account has not said so.
    pub retention: Windows,
    /// `{account}.{base_domain}` names the account of an open voip post.
    pub base_domain: Option<Arc<str>>,
    /// The language model that jobs ask, if there is one.
    pub model: Option<Model>,
    /// The exports that are running.
    pub exports: Exports,
    /// Takes work that goes on after its request was answered.
    pub supervisor: Supervisor,
    /// What is counted.
    pub metrics: Metrics,
}

impl Parts {
    /// What verbs work with.
    pub fn tools(&self) -> Tools {
        Tools {
            db: self.db.clone(),
            egress: self.egress.clone(),
            sealing_key: Arc::clone(&self.sealing_key),
            providers: self.providers,
            recordings: self.recordings.clone(),
            rooms: self.rooms,
            wake: self.wake.clone(),
            // Requests never wait for a model: jobs do.
            llm: None,
            metrics: self.metrics.clone(),
        }
    }
}

impl FromRef<ApiState> for Arc<Authenticator> {
    fn from_ref(state: &ApiState) -> Self {
        Self::clone(&state.authenticator)
    }
}

impl FromRef<ApiState> for Arc<Health> {
    fn from_ref(state: &ApiState) -> Self {
        Self::clone(&state.health)
    }
}
