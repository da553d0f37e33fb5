//! Reading back what became of a call: as a live one, as a record of one that ended, as one that waits to be dialled.

use http::{Method, StatusCode};

use crate::{
    domain::report::ProviderCallId,
    egress::Answer,
    providers::{Access, LookUp, ProviderError},
};

use super::{
    error, request,
    wire::{CallRecord, ErrorBody, LiveCall},
};

/// What Plivo knows of a call.
pub(super) async fn look_up(
    access: &Access<'_>,
    call: &ProviderCallId,
) -> Result<LookUp, ProviderError> {
    if let Some(found) = live(access, call).await? {
        return Ok(known(found, call));
    }
    if let Some(found) = record(access, call).await? {
        return Ok(LookUp::Known(Box::new(found.report(call))));
    }
    let answer = get(access, call, &[("status", "queued")]).await?;
    if present(&answer)? {
        Ok(known(LiveCall::parse(&answer)?, call))
    } else {
        Ok(LookUp::Unknown)
    }
}

/// A call that is ringing or in progress.
pub(super) async fn live(
    access: &Access<'_>,
    call: &ProviderCallId,
) -> Result<Option<LiveCall>, ProviderError> {
    let answer = get(access, call, &[("status", "live")]).await?;
    if present(&answer)? {
        LiveCall::parse(&answer).map(Some)
    } else {
        Ok(None)
    }
}

/// The record of a call that has ended. Plivo keeps it for ninety days.
pub(super) async fn record(
    access: &Access<'_>,
    call: &ProviderCallId,
) -> Result<Option<CallRecord>, ProviderError> {
    let answer = get(access, call, &[]).await?;
    if present(&answer)? {
        CallRecord::parse(&answer).map(Some)
    } else {
        Ok(None)
    }
}

fn known(found: LiveCall, call: &ProviderCallId) -> LookUp {
    match found.report(call) {
        Some(report) => LookUp::Known(Box::new(report)),
        None => LookUp::Unclear,
    }
}

async fn get(
    access: &Access<'_>,
    call: &ProviderCallId,
    query: &[(&str, &str)],
) -> Result<Answer, ProviderError> {
    let below = ["Call", call.as_str(), ""];
    request(access, Method::GET, &below, query, None).await
}

/// Whether it is there.
fn present(answer: &Answer) -> Result<bool, ProviderError> {
    match answer.status {
        StatusCode::OK => Ok(true),
        StatusCode::NOT_FOUND if ErrorBody::parse(answer).is_some() => Ok(false),
        _ => Err(error(answer)),
    }
}
