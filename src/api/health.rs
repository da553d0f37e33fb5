//! `/livez`, `/readyz` and `/metrics`: for whoever runs us. No credential, and nothing of any account.
//!
//! Alive means that this process answers, whatever the database does: a database that is away must not have every
//! replica restarted. Ready means that requests sent here will be served. Metrics are here and not on a port of their
//! own, so that there is one address to configure; the proxy in front keeps them inside.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{FromRef, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    metrics::{Metrics, QueueGauges, WebhookGauges},
    queue::store::{self as queue, Depth},
    store::{
        delivery_depth::{self, Depth as Deliveries},
        schema,
    },
};

/// How long a look at the database may take.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// How long what was seen holds: probes may come as often as they like.
const SEEN_MAX: Duration = Duration::from_secs(1);

/// A job that has been due for longer, while nobody works, is nobody's.
const DUE_MAX_S: f64 = 300.0;

/// A lease that has been over for longer should have been found, and an endpoint at which something is due should have been taken.
const LOST_MAX_S: f64 = 60.0;

/// What the probes know.
#[derive(Debug)]
pub struct Health {
    db: PgPool,
    metrics: Metrics,
    stopping: CancellationToken,
    /// Locked while one caller looks, so that the others wait for what it sees.
    seen: Mutex<Option<(Instant, Seen)>>,
}

/// What a look at the database saw.
#[derive(Debug, Clone)]
enum Seen {
    Unreachable,
    OldSchema,
    Queue(Depth, Deliveries),
}

/// Why this process should get no requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is stopping.
    Stopping,
    /// The database does not answer within a second.
    DatabaseUnreachable,
    /// The database has an older schema than this binary needs.
    MigrationsPending,
    /// Work is due and nobody does it.
    QueueStuck,
}

/// Whether this process should get requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether it should.
    pub ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl Health {
    /// Probes of one app; `stopping` is cancelled when it begins to stop.
    pub fn new(db: PgPool, metrics: Metrics, stopping: CancellationToken) -> Self {
        Self {
            db,
            metrics,
            stopping,
            seen: Mutex::new(None),
        }
    }

    async fn unready(&self) -> Option<Reason> {
        if self.stopping.is_cancelled() {
            return Some(Reason::Stopping);
        }
        match self.seen().await {
            Seen::Unreachable => Some(Reason::DatabaseUnreachable),
            Seen::OldSchema => Some(Reason::MigrationsPending),
            Seen::Queue(depth, deliveries) => {
                is_stuck(&depth, &deliveries).then_some(Reason::QueueStuck)
            }
        }
    }

    async fn seen(&self) -> Seen {
        let mut seen = self.seen.lock().await;
        if let Some((at, what)) = &*seen
            && at.elapsed() < SEEN_MAX
        {
            return what.clone();
        }
        let looked = tokio::time::timeout(LOOK_MAX, self.look()).await;
        let what = match looked {
            Ok(Ok(what)) => what,
            Ok(Err(error)) => {
                tracing::warn!(error = %error, "the database did not answer the probe");
                Seen::Unreachable
            }
            Err(_elapsed) => {
                tracing::warn!("the database did not answer the probe in time");
                Seen::Unreachable
            }
        };
        *seen = Some((Instant::now(), what.clone()));
        what
    }

    async fn look(&self) -> sqlx::Result<Seen> {
        let mut conn = self.db.acquire().await?;
        if !schema::look(&mut conn).await?.is_current() {
            return Ok(Seen::OldSchema);
        }
        let depth = queue::depth(&mut *conn).await?;
        let deliveries = delivery_depth::depth(&mut *conn).await?;
        Ok(Seen::Queue(depth, deliveries))
    }
}

/// Whether nobody does the work. A long queue is none: one slow endpoint's deliveries may be due for hours while everything
/// moves, and taking the service out of rotation for it would make one account's trouble everybody's.
fn is_stuck(depth: &Depth, deliveries: &Deliveries) -> bool {
    let nobody_works = depth.oldest_due_s > DUE_MAX_S && depth.running == 0;
    nobody_works || depth.oldest_lost_s > LOST_MAX_S || deliveries.unheld_s > LOST_MAX_S
}

/// The probes' routes.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Arc<Health>: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(metrics))
}

/// Whether the process is alive.
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, description = "Alive", body = String, example = "alive\n")))]
async fn live() -> &'static str {
    "alive\n"
}

/// Whether the process should get requests.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses(
        (status = 200, description = "It should", body = Readiness, example = json!({"ready": true})),
        (status = 503, description = "It should not, and why", body = Readiness,
            example = json!({"ready": false, "reason": "database_unreachable"})),
    )
)]
async fn ready(State(health): State<Arc<Health>>) -> Response {
    let reason = health.unready().await;
    let status = match reason {
        None => StatusCode::OK,
        Some(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let ready = reason.is_none();
    let body = serde_json::to_vec(&Readiness { ready, reason });
    let body = body.expect("two plain fields are JSON");
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Counters in the `OpenMetrics` text format.
#[utoipa::path(
    get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "Counters", body = String, content_type = "application/openmetrics-text",
        example = "# HELP onhook_reports Reports that were taken.\n# TYPE onhook_reports counter\nonhook_reports_total 42\n# EOF\n"))
)]
async fn metrics(State(health): State<Arc<Health>>) -> Response {
    // Without the database the queue's gauges keep their last values, and the other counters are still worth having.
    if let Seen::Queue(depth, deliveries) = health.seen().await {
        health.metrics.queue(QueueGauges {
            available: depth.available,
            running: depth.running,
            dead: depth.dead,
            oldest_due_s: depth.oldest_due_s,
        });
        health.metrics.webhooks(WebhookGauges {
            backlog: deliveries.backlog,
            circuits_open: deliveries.circuits_open,
            unheld: deliveries.unheld,
        });
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let body = health.metrics.encode();
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}
