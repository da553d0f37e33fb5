//! The calls API of 2010-04-01: Twilio made it, SignalWire speaks it, too. Not an adapter: those say where the API is, which
//! of its answers mean that a call may be gone, and how its callbacks are signed.
//!
//! `wire` has the shapes and words, `place` places calls, `inbound` reads callbacks, `parameters` holds what was posted,
//! `spelling` writes URLs as signers do.

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use url::Url;

use crate::{
    domain::{connection::Credentials, report::ProviderCallId},
    egress::Answer,
};

use super::{Access, EndOutcome, LookUp, ProviderError};

pub(super) mod inbound;
pub(super) mod parameters;
mod place;
pub(super) mod spelling;
pub(super) mod wire;

use wire::{CallList, CallResource, ErrorBody};

/// What requests and callbacks are written in.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// What is one vendor's own about the API.
#[derive(Debug)]
pub(super) struct Api {
    /// The path above `Accounts`.
    pub(super) root: &'static [&'static str],
    /// Follows the status callback URL of a call that is placed.
    pub(super) callback_overrides: &'static str,
    /// The longest `TimeLimit`, in seconds, if it knows that parameter.
    pub(super) time_limit_s_max: Option<u64>,
    /// Whether an unsuccessful answer may mean that there is no such call, or not any more.
    pub(super) may_be_gone: fn(&Answer) -> bool,
}

impl Api {
    /// Hangs up.
    pub(super) async fn end(
        &self,
        access: &Access<'_>,
        call: &ProviderCallId,
    ) -> Result<EndOutcome, ProviderError> {
        // `completed` ends a ringing call, too; `canceled` would do nothing to one in progress, and DELETE would remove
        // the record of a call that goes on.
        let body = (FORM, Bytes::from_static(b"Status=completed"));
        let answer = self.request(access, Method::POST, call, Some(body)).await?;
        if answer.status == StatusCode::OK {
            CallResource::parse(&answer)?;
            return Ok(EndOutcome::Ended);
        }
        if !(self.may_be_gone)(&answer) {
            return Err(error(&answer));
        }
        // Said of calls that never were and of calls that had just ended: only the record tells.
        match self.resource(access, call).await? {
            None => Ok(EndOutcome::NotFound),
            Some(found) if found.is_over() => Ok(EndOutcome::AlreadyOver),
            Some(_) => Err(ProviderError::garbled(
                "cannot be ended, yet the call is live",
            )),
        }
    }

    /// What the vendor knows of a call.
    pub(super) async fn look_up(
        &self,
        access: &Access<'_>,
        call: &ProviderCallId,
    ) -> Result<LookUp, ProviderError> {
        Ok(match self.resource(access, call).await? {
            None => LookUp::Unknown,
            Some(found) => match found.report(call) {
                Some(report) => LookUp::Known(Box::new(report)),
                None => LookUp::Unclear,
            },
        })
    }

    /// Lists calls: a key that may not even do that is of no use here.
    pub(super) async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        let mut url = self.calls_url(access);
        url.query_pairs_mut().append_pair("PageSize", "1");
        let authorization = basic(&access.connection.credentials)?;
        let answer = access.send(Method::GET, url, authorization, None).await?;
        match answer.status {
            StatusCode::OK => CallList::parse(&answer).map(|_list| ()),
            _ => Err(error(&answer)),
        }
    }

    /// The vendor's record of a call.
    async fn resource(
        &self,
        access: &Access<'_>,
        call: &ProviderCallId,
    ) -> Result<Option<CallResource>, ProviderError> {
        let answer = self.request(access, Method::GET, call, None).await?;
        match answer.status {
            StatusCode::OK => CallResource::parse(&answer).map(Some),
            StatusCode::NOT_FOUND if (self.may_be_gone)(&answer) => Ok(None),
            _ => Err(error(&answer)),
        }
    }

    async fn request(
        &self,
        access: &Access<'_>,
        method: Method,
        call: &ProviderCallId,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Answer, ProviderError> {
        let authorization = basic(&access.connection.credentials)?;
        let resource = format!("{}.json", call.as_str());
        let url = self.url(access, &["Calls", &resource]);
        access.send(method, url, authorization, body).await
    }

    fn calls_url(&self, access: &Access<'_>) -> Url {
        self.url(access, &["Calls.json"])
    }

    /// A URL below the account's.
    fn url(&self, access: &Access<'_>, below: &[&str]) -> Url {
        let account = access.connection.credentials.account.as_str();
        let above = self.root.iter().chain(&["Accounts"]);
        let segments: Vec<&str> = above
            .copied()
            .chain([account])
            .chain(below.iter().copied())
            .collect();
        access.url(&segments)
    }
}

fn basic(credentials: &Credentials) -> Result<HeaderValue, ProviderError> {
    let user = credentials.key_id.as_ref().unwrap_or(&credentials.account);
    super::basic(user, &credentials.secret)
}

/// What an unsuccessful answer means.
fn error(answer: &Answer) -> ProviderError {
    let refusal = matches!(
        answer.status,
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY
    );
    match ErrorBody::parse(answer) {
        Some(body) if refusal => ProviderError::refused(&body.to_string()),
        Some(_) | None => ProviderError::of(answer),
    }
}
