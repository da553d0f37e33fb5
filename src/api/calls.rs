//! The calls surface: back ends read calls, place them, record them and end them. Mounted at `/calls` and, as some of the published examples have it,
//! at `/v1/calls`.
//!
//! The published document answers errors with 200. So do we where it says so, unless strict handling is asked for; what
//! it does not mention has its real status either way. See `docs/differences.md`.

use utoipa_axum::{router::OpenApiRouter, routes};

use super::state::ApiState;

pub mod annotate;
mod asked;
pub mod cursor;
pub mod document;
pub mod end;
pub mod envelope;
pub mod export;
pub mod get;
pub mod make_call;
pub mod parse;
pub mod query;
pub mod record;

/// The largest request with notes: three objects and four texts at their bounds, every character escaped.
const NOTES_BYTES_MAX: usize = 512 * 1024;

/// The routes, for `/calls` and `/v1/calls`.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(record::record_call))
        .routes(routes!(end::end_call))
        .routes(routes!(make_call::make_call))
        .routes(routes!(query::query_calls))
        .routes(routes!(
            get::get_call,
            annotate::patch_call,
            annotate::delete_call
        ))
}
