//! The calls surface: back ends read calls and end them. Mounted at `/calls` and, as some of the published examples have it,
//! at `/v1/calls`.
//!
//! The published document answers errors with 200. So do we where it says so, unless strict handling is asked for; what
//! it does not mention has its real status either way. See `docs/differences.md`.

use utoipa_axum::{router::OpenApiRouter, routes};

use super::state::ApiState;

pub mod cursor;
pub mod document;
pub mod end;
pub mod envelope;
pub mod get;
pub mod query;

/// The routes, for `/calls` and `/v1/calls`.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(end::end_call))
        .routes(routes!(query::query_calls))
        .routes(routes!(get::get_call))
}
