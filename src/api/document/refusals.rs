//! What each operation says when it refuses, one refusal a status: the same errors as the operations make, by the same
//! constructors where there are any. `tests/it/openapi_refusals.rs` holds them against what is really answered.

use utoipa::openapi::{RefOr, path::Operation};

use crate::{
    api::{
        auth, calls, connections,
        error::{Code, Error, FieldError, Place},
        extract::{too_large, too_slow, unsupported},
        guard, idempotency, inbound, limits, voice_calls,
    },
    calls::{
        annotate::AnnotateError, connect::ConnectError, reanalyze::RequestError,
        record::RecordError, update::UpdateError,
    },
    domain::{party::NotE164, voice_call::update::InvalidTransition},
    store::connections::InUse,
    webhooks::recover,
};

/// An operation, as far as its refusals depend on it.
#[derive(Debug)]
pub(super) struct Refusing<'a> {
    method: &'a str,
    /// The path, without the version that some paths have.
    place: &'a str,
    body_bytes_max: usize,
    media: Vec<String>,
}

impl<'a> Refusing<'a> {
    pub(super) fn new(method: &'a str, path: &'a str, operation: &Operation) -> Self {
        let versioned = [
            "/v1/calls/{id}/",
            "/v1/calls/export",
            "/v1/webhook",
            "/v1/deliveries",
            "/v1/e",
            "/v1/con",
            "/v1/account",
            "/v1/numbers",
            "/v1/recoveries",
            "/v1/analysis-settings",
        ];
        let native = versioned.iter().any(|begin| path.starts_with(begin));
        let place = match path.strip_prefix("/v1") {
            Some(place) if !native => place,
            _ => path,
        };
        let bound = operation.extensions.as_ref();
        let bound = bound.and_then(|all| all.get("x-body-bytes-max")?.as_u64()?.try_into().ok());
        let media = match &operation.request_body {
            Some(RefOr::T(body)) => body.content.keys().cloned().collect(),
            _ => Vec::new(),
        };
        Self {
            method,
            place,
            body_bytes_max: bound.unwrap_or_default(),
            media,
        }
    }

    fn at(&self) -> (&str, &str) {
        (self.method, self.place)
    }
}

/// The refusal with this status.
pub(super) fn refusal(at: &Refusing<'_>, status: &str) -> Option<Error> {
    let error = match status {
        "400" => invalid(at),
        "401" if at.place.starts_with("/inbound/") => inbound::unverified(),
        "401" => auth::unauthenticated(),
        "403" => auth::forbidden(),
        "404" => Error::not_found(what(at)),
        "406" => calls::export::not_acceptable(),
        "408" => too_slow(),
        "409" => return conflict(at),
        "410" if at.place == "/calls" => RecordError::Erased.into(),
        "410" => voice_calls::erased(),
        "412" => UpdateError::Changed.into(),
        "413" => too_large(at.body_bytes_max),
        "415" => {
            let media: Vec<&str> = at.media.iter().map(String::as_str).collect();
            unsupported(&media)
        }
        "422" => unprocessable(at),
        "429" if at.place.starts_with("/api/v1/voip/") => limits::too_many(6000, "reports", 3),
        "429" => limits::too_many(6000, "requests", 3),
        "500" => Error::internal(),
        "503" => Error::unavailable(),
        _ => return None,
    };
    Some(error)
}

fn invalid(at: &Refusing<'_>) -> Error {
    if let Some(field) = of_an_endpoint(at) {
        return Error::fields(Code::InvalidInput, vec![field]);
    }
    let one_to_a_hundred = "must be a whole number from 1 to 100";
    let (field, place) = match at.at() {
        ("post", "/calls/end") => (FieldError::invalid("call_id", "must be a UUID"), None),
        ("post", "/calls" | "/calls/make-call") => (FieldError::missing("call_to"), None),
        ("get", "/calls/query") => (FieldError::invalid("per_page", one_to_a_hundred), None),
        ("post", place) if place.starts_with("/api/v1/voip") => {
            (FieldError::missing("CallId"), None)
        }
        ("post", place) if place.starts_with("/inbound/") => {
            return Error::new(Code::InvalidInput, "CallStatus is missing");
        }
        ("get", "/v3/communication/voice_calls") => {
            (FieldError::invalid("per_page", one_to_a_hundred), None)
        }
        ("get", place) if place.ends_with("/voice_call_stats") => {
            let wrong = "must be a day, such as 2026-03-01";
            (FieldError::invalid("start_date", wrong), None)
        }
        ("put", "/v3/communication/voice_call_recordings/{uid}") => (
            wrong_type("recording_played", "must be true or false"),
            None,
        ),
        ("post" | "put" | "patch", place) if place.starts_with("/v3/") => {
            (wrong_type("rate", "must be a string"), None)
        }
        ("post", place) if place.starts_with("/platform/") => {
            (wrong_type("target_url", "must be a string"), None)
        }
        ("get", "/v1/calls/export") => (
            FieldError::invalid("format", "must be one of ndjson, csv, csv-safe"),
            Some(Place::Query),
        ),
        (
            "get",
            "/v1/deliveries"
            | "/v1/events"
            | "/v1/webhook-endpoints"
            | "/v1/erasures"
            | "/v1/recoveries",
        ) => (
            FieldError::invalid("limit", one_to_a_hundred),
            Some(Place::Query),
        ),
        ("get", "/v1/numbers") => {
            let told = "must be a whole number from 1 to 1000";
            (FieldError::invalid("limit", told), Some(Place::Query))
        }
        (_, "/v1/numbers/{number}") => (FieldError::invalid("number", NotE164), Some(Place::Path)),
        ("post", "/v1/connections") => (FieldError::missing("provider"), None),
        ("post", "/v1/erasures") => (FieldError::invalid("call_id", "must be a UUID"), None),
        (_, place) if place.contains("/{id}") => (
            FieldError::invalid("id", "must be a UUID"),
            Some(Place::Path),
        ),
        _ => return guard::no_one_host(),
    };
    let error = Error::fields(Code::InvalidInput, vec![field]);
    match place {
        Some(place) => error.at(place),
        None => error,
    }
}

/// What is wrong in the body of a request about webhook endpoints.
fn of_an_endpoint(at: &Refusing<'_>) -> Option<FieldError> {
    Some(match at.at() {
        ("post", "/v1/webhook-endpoints") => FieldError::missing("url"),
        ("patch", "/v1/webhook-endpoints/{id}") => {
            FieldError::invalid("max_per_second", "must be a whole number from 1 to 1000")
        }
        ("post", "/v1/webhook-endpoints/{id}/rotate-secret") => {
            FieldError::invalid("overlap_s", "must be a whole number from 0 to 604800")
        }
        ("post", "/v1/webhook-endpoints/{id}/explain-signature") => {
            FieldError::missing("webhook_id")
        }
        ("post", "/v1/webhook-endpoints/{id}/recover") => FieldError::missing("since"),
        _ => return None,
    })
}

fn wrong_type(field: &str, message: &str) -> FieldError {
    FieldError {
        code: "wrong_type",
        ..FieldError::invalid(field, message)
    }
}

/// What of the path is not there.
fn what(at: &Refusing<'_>) -> &'static str {
    match at.place {
        place if place.starts_with("/inbound/") => "provider",
        place if place.starts_with("/v1/connections/") => "connection",
        place if place.starts_with("/v1/numbers/") => "number",
        place if place.starts_with("/v1/deliveries/") => "delivery",
        place if place.starts_with("/v1/events/") => "event",
        place if place.starts_with("/v1/erasures/") => "erasure",
        place if place.starts_with("/v1/recoveries/") => "recovery",
        place if place.starts_with("/v1/webhook-endpoints/") => "endpoint",
        place if place.starts_with("/v3/communication/voice_call_recordings/") => "recording",
        place if place.starts_with("/v3/communication/") => "voice call",
        _ => "call",
    }
}

fn conflict(at: &Refusing<'_>) -> Option<Error> {
    let error = match at.at() {
        ("post", "/calls") => RecordError::NameTaken.into(),
        ("delete", "/calls/{id}") => AnnotateError::Live.into(),
        ("post", "/v1/calls/{id}/analysis") => RequestError::CallLive.into(),
        ("put", "/v1/calls/{id}/room" | "/v1/calls/{id}/limits") => {
            Error::new(Code::InvalidTransition, "the call has ended")
        }
        ("delete", "/v1/connections/{id}") => {
            let by_live_calls = ConnectError::InUse(InUse {
                by_live_calls: true,
                by_terminations: false,
            });
            by_live_calls.into()
        }
        ("post", "/v1/deliveries/{id}/resend") => Error::new(
            Code::InvalidTransition,
            "the delivery is on its way already",
        ),
        ("post", "/v1/webhook-endpoints/{id}/recover") => recover::RequestError::Disabled.into(),
        ("post", "/v3/communication/voice_calls") => voice_calls::source_id_taken(),
        ("put" | "patch", place) if place.starts_with("/v3/") => {
            InvalidTransition::RingsAgain.into()
        }
        (
            "post",
            "/calls/make-call"
            | "/v1/webhook-endpoints"
            | "/v1/webhook-endpoints/{id}/rotate-secret"
            | "/v1/connections",
        ) => idempotency::in_progress(),
        _ => return None,
    };
    Some(error)
}

fn unprocessable(at: &Refusing<'_>) -> Error {
    let field = match at.at() {
        ("put", "/v1/calls/{id}/transcript") => {
            FieldError::invalid("utterances", "must have at least one utterance")
        }
        ("put", "/v1/analysis-settings") => {
            FieldError::invalid("short_call_seconds", "must be a whole number from 0 to 600")
        }
        ("patch", "/v1/account/retention") => {
            FieldError::invalid("payload_days", "must be a whole number from 1 to 36500")
        }
        ("put", "/v1/calls/{id}/room") => {
            FieldError::invalid("connection_id", "is not a connection to a room server")
        }
        ("put", "/v1/calls/{id}/limits") => FieldError::invalid("end_at", "must be in the future"),
        ("post", "/v1/connections") => {
            FieldError::invalid("base_url", "must begin with http:// or https://")
        }
        ("patch", "/v1/connections/{id}") => {
            FieldError::invalid("answer_url", "must begin with http:// or https://")
        }
        ("put", "/v1/connections/{id}/credentials") => {
            connections::not_accepted("Twilio does not accept the credentials (401 Unauthorized)")
        }
        ("put", "/v1/numbers/{number}") => connections::unknown_connection(),
        ("post", "/v1/webhook-endpoints") | ("patch", "/v1/webhook-endpoints/{id}") => {
            FieldError::invalid("url", "must begin with http:// or https://")
        }
        ("post", "/v1/webhook-endpoints/{id}/recover") => {
            return recover::RequestError::Window.into();
        }
        ("post", place) if place.starts_with("/platform/") => FieldError::invalid(
            "event",
            "must be one of voice_call/create, voice_call/update",
        ),
        ("put", "/v3/communication/voice_call_recordings/{uid}") => {
            FieldError::missing("recording_played")
        }
        (_, place) if place.starts_with("/v3/") => {
            FieldError::invalid("direction", "must be one of INBOUND, OUTBOUND")
        }
        _ => return idempotency::key_reused(),
    };
    Error::fields(Code::Unprocessable, vec![field])
}
