//! What telephony providers and room servers post to us: verified on the raw bytes, committed, then answered.
//!
//! The connection in the path says whose secret verifies and whose account it is; nothing in the request does. For a while
//! after a rotation the former secret verifies, too. Whatever is not verified is told the same, whether the connection exists
//! or not.
//!
//! Whatever the database does to a true callback, the answer is 503: providers send it again after that, and lose it after a 500.

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode, Uri},
};
use url::form_urlencoded;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    calls::{connect::Vendor, hear, ingest::IngestError, legs, place, room},
    domain::{
        connection::{Connection, Credentials},
        id::{CallId, ConnectionId},
    },
    providers::{InboundError, InboundReport, InboundRequest, Provider},
    store::{self, connections::SealedConnection},
};

use super::{
    error::{Code, Error, Problem},
    extract::{Body, PathPair},
    state::ApiState,
};

/// The largest callback. A call detail record of FreeSWITCH has every variable of the call, percent-encoded twice.
const CALLBACK_BYTES_MAX: usize = 256 * 1024;

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(inbound))
}

/// Takes a provider's callback
///
/// The URL is the connection's `status_callback_url`. What a callback must contain, and how it is signed, is the
/// provider's; see the page on it. It is committed before it is answered; the same callback again changes nothing.
#[utoipa::path(
    post,
    path = "/inbound/{provider}/{connection_id}",
    tag = "inbound",
    params(
        ("provider" = String, Path, description = "The vendor's name, such as `twilio` or `livekit`"),
        ("connection_id" = String, Path, description = "The connection's id"),
        ("call" = Option<uuid::Uuid>, Query, description = "The call that was placed here, in the callback URL that the provider was given for it"),
    ),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        example = "CallSid=CA12345678904567890&CallStatus=completed&CallDuration=12&From=%2B14155550148&To=%2B14155550901"),
    responses(
        (status = 200, description = "Taken, from a room server: some of them want this status"),
        (status = 204, description = "Taken, also if it was known or says nothing that we keep"),
        (status = 400, description = "Verified, but it cannot be read", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Not verified", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such vendor", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Cannot be taken now; send it again", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-body-bytes-max" = json!(CALLBACK_BYTES_MAX))),
)]
async fn inbound(
    State(state): State<ApiState>,
    PathPair(provider, connection_id): PathPair,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Body(body): Body<CALLBACK_BYTES_MAX>,
) -> Result<StatusCode, Error> {
    let vendor = Vendor::named(&provider).ok_or_else(|| Error::not_found("provider"))?;
    let sealed = sealed(&state, vendor, &connection_id).await?;
    // The operator must bring the key back; until then, vendors that try again should.
    let connection = sealed.open(&state.sealing_key).map_err(|error| {
        Error::new(Code::Unavailable, "the request cannot be verified now").caused_by(error)
    })?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = InboundRequest {
        url: &format!("{}{path}", state.public_url),
        headers: &headers,
        body: &body,
        received_at: sealed.read_at(),
    };
    let with = Verifying {
        state: &state,
        sealed: &sealed,
        connection: &connection,
    };
    match vendor {
        Vendor::Provider(provider) => {
            let reports = with.read(|credentials| provider.read(&request, credentials))?;
            take(&state, (provider, &connection), placed_here(&uri), reports).await?;
            Ok(StatusCode::NO_CONTENT)
        }
        Vendor::Room(server) => {
            let reports = with.read(|credentials| server.read(&request, credentials))?;
            for report in &reports {
                let heard = room::hear(&state.tools(), &connection, server.name(), report).await;
                heard.map_err(not_kept)?;
            }
            Ok(StatusCode::OK)
        }
    }
}

/// Takes what a provider told. `placed` is the call that its callback URL names.
async fn take(
    state: &ApiState,
    (provider, connection): (&'static dyn Provider, &Connection),
    placed: Option<CallId>,
    reports: Vec<InboundReport>,
) -> Result<(), Error> {
    let tools = state.tools();
    for report in reports {
        let placed = placed.or_else(|| hear::our_name(provider, &report));
        if let Some(call_id) = placed {
            let of = (connection.account_id, call_id);
            let connection_id = connection.connection_id;
            let bound = place::bind(&state.db, &state.wake, of, connection_id, &report);
            bound.await.map_err(not_kept)?;
        }
        let leg = report.leg.clone();
        let report = hear::told(provider, connection, report);
        let taken = Box::pin(legs::take(&tools, &state.ingest, report, &leg));
        taken.await.map_err(|error| match error {
            IngestError::Busy => error.into(),
            IngestError::Unavailable(error) | IngestError::Refused(error) => not_kept(error),
        })?;
    }
    Ok(())
}

/// The database did not do it, whatever the reason: the provider is to send it again.
fn not_kept(error: store::Error) -> Error {
    Error::unavailable().caused_by(error)
}

/// The call that the callback URL names: part of what the provider was given, and of what it signs.
fn placed_here(uri: &Uri) -> Option<CallId> {
    let pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    let (_, call) = pairs.into_iter().find(|(name, _)| name == "call")?;
    call.parse().ok()
}

/// The connection that the path names, if it is one to this vendor.
async fn sealed(
    state: &ApiState,
    vendor: Vendor,
    connection_id: &str,
) -> Result<SealedConnection, Error> {
    let connection_id: ConnectionId = connection_id.parse().map_err(|_error| unverified())?;
    let found = store::ask(store::connections::find_inbound(&state.db, connection_id)).await;
    let found = found.map_err(not_kept)?;
    found
        .filter(|sealed| sealed.provider() == vendor.name())
        .ok_or_else(unverified)
}

/// What a request is verified with.
struct Verifying<'a> {
    state: &'a ApiState,
    sealed: &'a SealedConnection,
    connection: &'a Connection,
}

impl Verifying<'_> {
    /// Reads with the present credentials, or with the former ones while they still count.
    fn read<T>(&self, read: impl Fn(&Credentials) -> Result<T, InboundError>) -> Result<T, Error> {
        let told = match read(&self.connection.credentials) {
            Err(InboundError::Unverified) => match self.former() {
                Some(former) => read(&former.credentials),
                None => Err(InboundError::Unverified),
            },
            told => told,
        };
        told.map_err(|error| refused(self.connection, error))
    }

    fn former(&self) -> Option<Connection> {
        let opened = self.sealed.open_former(&self.state.sealing_key);
        opened.unwrap_or_else(|error| {
            let connection_id = self.connection.connection_id;
            tracing::error!(connection.id = %connection_id, error = %error, "former credentials cannot be opened");
            None
        })
    }
}

fn refused(connection: &Connection, error: InboundError) -> Error {
    let connection_id = connection.connection_id;
    match error {
        InboundError::Unverified => {
            tracing::info!(connection.id = %connection_id, "a callback was not verified");
            unverified()
        }
        InboundError::Malformed(what) => {
            tracing::warn!(connection.id = %connection_id, what, "a callback cannot be read");
            Error::new(Code::InvalidInput, what)
        }
        InboundError::TryAgain(why) => {
            tracing::warn!(connection.id = %connection_id, why, "a callback is to be sent again");
            Error::new(Code::Unavailable, why)
        }
    }
}

/// The request does not prove that it comes from the provider, whatever the reason.
pub(super) fn unverified() -> Error {
    Error::new(Code::Unauthenticated, "the request is not verified")
}
