//! The HTTP edge: each surface verifies and parses, calls a verb, renders the answer in its own envelope.

pub mod analyses;
pub mod answer;
pub mod auth;
pub mod connections;
pub mod deliveries;
pub mod endpoints;
pub mod error;
pub mod extract;
pub mod health;
pub mod inbound;
pub mod native;
pub mod observe;
pub mod prefer;
pub mod serve;
pub mod state;
pub mod transcripts;
pub mod voice_calls;
pub mod voip;

use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;

use self::state::ApiState;

/// Every route, with its place in the document.
fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .merge(analyses::routes())
        .merge(connections::routes())
        .merge(deliveries::routes())
        .merge(endpoints::routes())
        .merge(health::routes())
        .merge(inbound::routes())
        .merge(transcripts::routes())
}

/// The service.
pub fn router(state: ApiState) -> Router {
    let observed = middleware::from_fn_with_state(state.metrics.clone(), observe::observe);
    let (router, _document) = routes().with_state(state).split_for_parts();
    // Outermost: it sees every answer, also those of the layers within.
    router.layer(observed)
}
