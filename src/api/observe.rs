//! Around every request: its id, its counter, its line in the log.
//!
//! The line has the route's template and never the path or the query, which hold keys, numbers and whatever a stranger typed.
//! A request that succeeded is logged at debug: at tens of thousands a second the log would cost more than the work.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method},
    response::Response,
};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::metrics::Metrics;

/// What a request is called in its answer and in the log; an extension of the request.
#[derive(Debug, Clone)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from the request.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// Gives the request an id, counts it, logs how it ended.
pub async fn observe<F: Future<Output = Response>>(
    metrics: Metrics,
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let began = Instant::now();
    let id: Arc<str> = request_id(request.headers().get(&REQUEST_ID)).into();
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = tracing::info_span!("request", request.id = %id);
    let mut response = next(request).instrument(span.clone()).await;
    let took = began.elapsed();
    let status = response.status();
    metrics.request_answered(method, route, status.as_u16(), took);
    let took_ms = took.as_secs_f64() * 1000.0;
    let status_code = status.as_u16();
    span.in_scope(|| {
        if status.is_client_error() || status.is_server_error() {
            tracing::info!(method, route, status_code, took_ms, "request answered");
        } else {
            tracing::debug!(method, route, status_code, took_ms, "request answered");
        }
    });
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The id that the request brought, if it can stand in a log line as it is, else a new one.
fn request_id(brought: Option<&HeaderValue>) -> String {
    brought
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=REQUEST_ID_CHARS_MAX).contains(&id.len()))
        .filter(|id| {
            id.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        })
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// The method as a label: strangers may invent others.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderValue, request_id};

    #[test]
    fn only_a_plain_id_is_taken_over() {
        let taken = |id: &'static str| request_id(Some(&HeaderValue::from_static(id))) == id;
        assert!(taken("01J-a_b.c"));
        for bad in ["", "a b", "a\"b", "{\"level\":\"ERROR\"}", &"a".repeat(65)] {
            let value = HeaderValue::from_str(bad).unwrap();
            assert_ne!(request_id(Some(&value)), bad);
        }
        assert_ne!(request_id(None), request_id(None));
    }
}
