//! What a client is told when a connection is not added or changed.

use crate::{
    api::error::{Code, Error, FieldError},
    calls::connect::ConnectError,
    domain::connection::{CONNECTIONS_MAX, NUMBERS_MAX},
};

/// The connection is needed.
fn needed(what: &str) -> Error {
    Error::new(
        Code::InvalidTransition,
        format!("{what}; end them first, or remove it with force=true"),
    )
}

/// The vendor was tried, and this is what it said.
pub(in crate::api) fn not_accepted(said: &str) -> FieldError {
    FieldError::invalid("credentials", format!("are not kept, because {said}"))
}

/// The connection in the body is none of the account's.
pub(in crate::api) fn unknown_connection() -> FieldError {
    FieldError::invalid("connection_id", "is not a connection of the account")
}

/// The fields that it is about; nothing if it is about none.
fn fields(error: &ConnectError) -> Option<Vec<FieldError>> {
    let url =
        |field: &str, why: &dyn ToString| Some(vec![FieldError::invalid(field, why.to_string())]);
    match error {
        ConnectError::UnknownVendor => url("provider", &error),
        ConnectError::BaseUrlMissing => url("base_url", &"is required: everybody's is their own"),
        ConnectError::BaseUrl(refusal) => url("base_url", refusal),
        ConnectError::Query => url("base_url", &"must not contain a query"),
        ConnectError::AnswerUrl(refusal) => url("answer_url", refusal),
        ConnectError::PlacesNone => url("answer_url", &error),
        ConnectError::Answer(why) => url("answer_application", why),
        ConnectError::HasNoNumbers => url(
            "connection_id",
            &"is a connection to a room server, which has no numbers",
        ),
        ConnectError::TooManyNumbers => url(
            "numbers",
            &format!("must be at most {NUMBERS_MAX}: no more may be routed to a connection"),
        ),
        ConnectError::Tried(probed) => Some(vec![not_accepted(&probed.detail)]),
        ConnectError::Several(errors) => Some(errors.iter().filter_map(fields).flatten().collect()),
        ConnectError::NotFound
        | ConnectError::TooMany
        | ConnectError::InUse(_)
        | ConnectError::Sealed(_)
        | ConnectError::Store(_) => None,
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        if let Some(fields) = fields(&error) {
            return Self::fields(Code::Unprocessable, fields);
        }
        match error {
            ConnectError::NotFound => Self::not_found("connection"),
            ConnectError::InUse(_) => needed(&error.to_string()),
            ConnectError::TooMany => Self::new(
                Code::Unprocessable,
                format!("an account may have at most {CONNECTIONS_MAX} connections"),
            ),
            ConnectError::Store(error) => error.into(),
            other => Self::internal().caused_by(other),
        }
    }
}
