//! The HTTP edge: each surface verifies and parses, calls a verb, renders the answer in its own envelope.
//!
//! Here the routes are put together, once: [`router`] serves them, [`document`] describes them. What stands around every
//! route is in [`guard`] (refusals, headers, envelopes) and [`observe`] (ids, counters, logs).

use axum::{Router, middleware::from_fn};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

pub mod analyses;
pub mod answer;
pub mod auth;
pub mod calls;
pub mod connections;
pub mod deliveries;
pub mod document;
pub mod endpoints;
pub mod error;
pub mod extract;
pub mod guard;
pub mod health;
pub mod idempotency;
pub mod inbound;
pub mod limits;
pub mod native;
pub mod observe;
pub mod prefer;
pub mod serve;
pub mod state;
pub mod transcripts;
pub mod voice_calls;
pub mod voip;

use state::ApiState;

/// Everything that is documented.
fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(document::Document::openapi())
        .nest("/api/v1/voip", voip::routes())
        .nest("/calls", calls::routes())
        .nest("/v1/calls", calls::routes())
        .merge(calls::export::routes())
        .nest("/v3/communication", voice_calls::routes())
        .merge(transcripts::routes())
        .merge(analyses::routes())
        .merge(connections::routes())
        .merge(deliveries::routes())
        .merge(endpoints::routes())
        .merge(inbound::routes())
        .merge(health::routes())
        .merge(document::routes())
}

/// The service, as HTTP sees it.
pub fn router(state: ApiState) -> Router {
    let metrics = state.metrics.clone();
    let (routes, _) = routes().split_for_parts();
    routes
        .merge(document::pages())
        .fallback(guard::no_such_path)
        .method_not_allowed_fallback(guard::no_such_method)
        .layer(from_fn(guard::check))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn(guard::render))
        .layer(from_fn(limits::tell))
        .layer(from_fn(guard::headers))
        .layer(axum::middleware::from_fn_with_state(
            metrics,
            observe::observe,
        ))
        .with_state(state)
}
