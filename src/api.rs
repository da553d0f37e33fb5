//! The HTTP edge: each surface verifies and parses, calls a verb, renders the answer in its own envelope.
//!
//! Here the routes are put together, once: [`router`] serves them, [`document`] describes them. What stands around every
//! route is in [`guard`] (refusals, headers, envelopes) and [`observe`] (ids, counters, logs).

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

pub mod account;
pub mod analyses;
pub mod analysis_settings;
pub mod answer;
pub mod auth;
pub mod call_legs;
pub mod call_limits;
pub mod calls;
pub mod connections;
pub mod deliveries;
pub mod document;
pub mod endpoints;
pub mod erasures;
pub mod error;
pub mod events;
pub mod extract;
pub mod guard;
pub mod health;
pub mod idempotency;
pub mod inbound;
pub mod limits;
pub mod native;
pub mod observe;
pub mod platform;
pub mod prefer;
pub mod recoveries;
pub mod redact;
pub mod retention;
pub mod serve;
pub mod state;
pub mod transcripts;
pub mod voice_calls;
pub mod voip;

use crate::metrics::Metrics;
use state::ApiState;

/// Everything that is documented.
fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(document::Document::openapi())
        .merge(voip::routes())
        .nest("/calls", calls::routes())
        .nest("/v1/calls", calls::routes())
        .merge(calls::export::routes())
        .nest("/v3/communication", voice_calls::routes())
        .merge(transcripts::routes())
        .merge(analyses::routes())
        .merge(account::routes())
        .merge(call_legs::routes())
        .merge(analysis_settings::routes())
        .merge(call_limits::routes())
        .merge(connections::routes())
        .merge(deliveries::routes())
        .merge(endpoints::routes())
        .merge(erasures::routes())
        .merge(events::routes())
        .merge(recoveries::routes())
        .merge(retention::routes())
        .merge(inbound::routes())
        .merge(platform::routes())
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
        .layer(from_fn_with_state(metrics, around))
        .with_state(state)
}

/// What stands around every route, the outermost first.
///
/// One layer of the router: each is a box, and every request clones each of them with all that is in it.
pub async fn around(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let refused_or_handled = |request| guard::check(request, next);
    let rendered = |request| guard::render(request, refused_or_handled);
    let told = |request| limits::tell(request, rendered);
    let with_headers = |request| guard::headers(request, told);
    observe::observe(metrics, request, with_headers).await
}
