//! The envelope of the calls surface: `{"status","message","data"}`.

use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::{
    api::{
        answer,
        error::{FieldError, Told},
    },
    domain::call_object::CallObject,
};

/// Whether it worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CallsStatus)]
pub enum Status {
    /// It did.
    Ok,
    /// It did not.
    Error,
}

/// A call was ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "status": "ok", "message": "Call ended successfully", "data": "550e8400-e29b-41d4-a716-446655440000"
}))]
pub struct EndedCall {
    /// Always `ok`.
    pub status: Status,
    /// In words.
    pub message: &'static str,
    /// The call's id.
    pub data: String,
}

/// A call, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneCall {
    /// `error` if there is no such call.
    pub status: Status,
    /// In words.
    pub message: &'static str,
    /// The call.
    pub data: Option<CallObject>,
}

/// A page of calls.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallPage {
    /// Always `ok`.
    pub status: Status,
    /// In words.
    pub message: &'static str,
    /// The calls.
    pub data: Vec<CallObject>,
    /// Where this page stands (ours).
    pub meta: Meta,
}

/// Where a page stands in its list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallPageMeta)]
pub struct Meta {
    /// The page, from 0; absent when paging by cursor.
    pub page: Option<i64>,
    /// At most so many calls a page.
    pub per_page: i64,
    /// How many calls there are on all pages; not counted when paging by cursor.
    pub total: Option<i64>,
    /// Whether `total` is an estimate: beyond 10,000 calls it is.
    pub total_is_estimate: bool,
    /// Give this as `cursor` for the next page; absent on the last.
    pub next_cursor: Option<String>,
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CallsRefused, example = json!({"status": "error", "message": "a valid credential is needed", "data": null}))]
pub struct Refused {
    /// Always `error`.
    pub status: Status,
    /// In words.
    pub message: String,
    /// Always null.
    #[schema(value_type = Option<String>)]
    pub data: (),
    /// Every field that was refused (ours).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// How a request may be refused.
#[derive(Debug, IntoResponses)]
pub enum Refusals {
    /// Fields or parameters are wrong; all of them are named.
    #[response(status = 400)]
    Invalid(Refused),
    /// No valid credential.
    #[response(status = 401)]
    Unauthorized(Refused),
    /// The credential may not do this.
    #[response(status = 403)]
    Forbidden(Refused),
    /// More requests than this credential may make; `Retry-After` says when to try again.
    #[response(status = 429)]
    TooMany(Refused),
    /// Our fault.
    #[response(status = 500)]
    Internal(Refused),
    /// The database is away: try again.
    #[response(status = 503)]
    Unavailable(Refused),
}

/// How a request with a body may be refused, besides.
#[derive(Debug, IntoResponses)]
pub enum BodyRefusals {
    /// The body did not arrive in time.
    #[response(status = 408)]
    TooSlow(Refused),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(Refused),
    /// Not JSON in UTF-8.
    #[response(status = 415)]
    MediaType(Refused),
}

/// An error in the words of this surface.
pub fn refused(told: &Told) -> Refused {
    Refused {
        status: Status::Error,
        message: told.detail.clone().into_owned(),
        data: (),
        errors: told.fields.clone(),
    }
}

/// Renders an error of this surface.
pub fn render(told: &Told) -> Response {
    answer::json(told.code.status(), &refused(told))
}
