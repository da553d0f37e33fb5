//! What stands around every route: what no route may get, what every answer carries, and in whose envelope an error
//! leaves that no handler made (an unknown path, a panic).

use std::any::Any;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower::{Layer as _, ServiceExt as _};
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    calls,
    error::{
        Code, Error, Told,
        problem::{self, Occasion},
        render_as,
    },
    prefer, voice_calls, voip,
};

/// The longest path; ours are far shorter.
const PATH_BYTES_MAX: usize = 2048;

/// For everything but the pages: nothing of an answer is to be run, framed or fetched.
const CSP_NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// For the pages at `/docs`: their own files, and the document they show.
const CSP_PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// Whose words an answer is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Surface {
    Voip,
    Calls,
    VoiceCalls,
    Native,
}

impl Surface {
    fn of(path: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        let first = [segments.next(), segments.next(), segments.next()];
        match first.map(Option::unwrap_or_default) {
            ["api", "v1", "voip"] => Self::Voip,
            ["v3", "communication", _] | ["platform", "v1", _] => Self::VoiceCalls,
            ["calls", _, ""] => Self::Calls,
            ["v1", "calls", "export"] => Self::Native,
            // What lies deeper is native.
            ["v1", "calls", _] if segments.next().is_none() => Self::Calls,
            _ => Self::Native,
        }
    }

    /// An error in its words.
    fn render(self, told: &Told, occasion: Option<&Occasion>) -> Response {
        match self {
            Self::Voip => voip::envelope::render(told),
            Self::Calls => calls::envelope::render(told),
            Self::VoiceCalls => voice_calls::envelope::render(told),
            Self::Native => problem::render(told, occasion),
        }
    }
}

/// Refuses what no route may get, and outlives a handler that panics.
pub async fn check(request: Request, next: Next) -> Response {
    if request.uri().path().len() > PATH_BYTES_MAX {
        return Error::new(Code::PathTooLong, "the path is too long").into_response();
    }
    // The host may name an account: two of them, and a proxy in front may have looked at the other.
    if request.headers().get_all(header::HOST).iter().count() != 1 {
        return no_one_host().into_response();
    }
    let caught = CatchPanicLayer::custom(panicked).layer(next);
    caught.oneshot(request).await.into_response()
}

/// The refusal that any route may answer.
pub(super) fn no_one_host() -> Error {
    Error::new(Code::InvalidInput, "one Host header is needed")
}

/// An error as requests of a path are told it, and whose words these are: for the examples of `openapi.yaml`.
pub(super) fn example(
    path: &str,
    told: &Told,
) -> serde_json::Result<(&'static str, serde_json::Value)> {
    Ok(match Surface::of(path) {
        Surface::Voip => ("voip", serde_json::to_value(voip::envelope::refused(told))?),
        Surface::Calls => (
            "calls",
            serde_json::to_value(calls::envelope::refused(told))?,
        ),
        Surface::VoiceCalls => (
            "voice_calls",
            serde_json::to_value(voice_calls::envelope::failure(told))?,
        ),
        Surface::Native => ("native", serde_json::to_value(problem::of(told, None))?),
    })
}

/// Puts errors into the envelope of the path's surface, and says which handling was applied where that can be asked for.
pub async fn render<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let surface = Surface::of(request.uri().path());
    let native = surface == Surface::Native;
    let occasion = native.then(|| Occasion::of(&request));
    let applied = (!native).then(|| prefer::Applied::to(request.headers()));
    let response = next(request).await;
    let mut response = render_as(|told| surface.render(told, occasion.as_ref()), response);
    if let Some((name, value)) = applied.and_then(prefer::Applied::header) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// An error as its request is told it, in the words of its surface.
pub fn told(occasion: &Occasion, error: Error) -> Response {
    let response = error.into_response();
    let Some(told) = response.extensions().get::<Told>() else {
        return response;
    };
    Surface::of(occasion.uri().path()).render(told, Some(occasion))
}

/// Headers that keep browsers and caches from doing anything with an answer.
pub async fn headers<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let pages = request.uri().path().starts_with("/docs");
    let mut response = next(request).await;
    let csp = if pages { CSP_PAGES } else { CSP_NOTHING };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, csp),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The answer where there is nothing.
pub async fn no_such_path() -> Error {
    Error::new(Code::NotFound, "there is nothing at this path")
}

/// The answer to a method that the path does not have.
pub async fn no_such_method() -> Error {
    Error::new(
        Code::MethodNotAllowed,
        "this path does not have that method",
    )
}

/// The answer of a handler that panicked. The panic's own message goes to the log by the panic hook.
fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    Error::internal().into_response()
}

#[cfg(test)]
mod tests {
    use super::Surface;

    #[test]
    fn every_path_has_one_surface() {
        for (path, surface) in [
            ("/api/v1/voip/call-end", Surface::Voip),
            ("/api/v1/voip", Surface::Voip),
            ("/calls/end", Surface::Calls),
            ("/calls", Surface::Calls),
            ("/v1/calls", Surface::Calls),
            ("/v1/calls/query", Surface::Calls),
            ("/v1/calls/export", Surface::Native),
            ("/calls/export", Surface::Calls),
            ("/v1/calls/x/transcript", Surface::Native),
            ("/v3/communication/voice_calls", Surface::VoiceCalls),
            ("/v3/communication/reports/x", Surface::VoiceCalls),
            ("/platform/v1/webhooks", Surface::VoiceCalls),
            ("/platform/v1/webhook/subscribe", Surface::VoiceCalls),
            ("/livez", Surface::Native),
            ("/", Surface::Native),
            ("", Surface::Native),
        ] {
            assert_eq!(Surface::of(path), surface, "{path}");
        }
    }
}
