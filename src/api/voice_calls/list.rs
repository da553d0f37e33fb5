//! `GET /v3/communication/voice_calls`.

use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    document::{VoiceCallQuery, example},
    envelope::{Refusals, Success, VoiceCallPage},
    query,
};
use crate::{
    api::{answer, auth::require, error::Error, extract::QueryFields, state::ApiState},
    domain::{
        account::{Caller, Scope},
        id::CallId,
        voice_call::{TranscriptStatus, VoiceCall},
    },
    store::{
        self,
        calls::total::Total,
        voice_calls::{
            filter::{Filter, Test, TextColumn},
            list::{self, List},
        },
    },
};

/// List voice calls
///
/// Last changed first unless asked otherwise. Filters are `filter[field]=value` and `filter[field][operator]=value` with the
/// operators `eq`, `gt`, `gte`, `lt`, `lte` and `in` (up to 100 values parted by commas); words such as the status know `eq` and
/// `in` only. Everything that is wrong is named at once.
///
/// A page costs more the farther it is from the first. To read everything, sort by `uid:asc` and ask for what follows the last uid
/// with `filter[uid][gt]`: that costs the same everywhere.
#[utoipa::path(
    get, path = "", tag = "voice_calls",
    params(VoiceCallQuery),
    responses(
        (status = 200, description = "A page of voice calls", body = Success<VoiceCallPage>, example = json!(example::page())),
        Refusals
    ),
    security(("bearer" = []))
)]
pub(super) async fn list_voice_calls(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(fields): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadVoiceCalls)?;
    let (mut list, page) = query::list(&fields)?;
    if let Some(own) = caller.client_uid.clone() {
        let own = Test::OneOf(vec![own]);
        list.filters.push(Filter::Text(TextColumn::ClientUid, own));
    }
    let page = store::within(load(&state, &caller, &list, page)).await?;
    Ok(answer::json(StatusCode::OK, &Success::new(page)))
}

async fn load(
    state: &ApiState,
    caller: &Caller,
    list: &List,
    page: i64,
) -> Result<VoiceCallPage, store::Error> {
    let account_id = caller.account_id;
    let mut conn = state.db.acquire().await?;
    let ids = list::ids(&mut conn, account_id, list).await?;
    let total = list::total(&mut conn, account_id, &list.filters).await?;
    let calls = store::calls::find_many(&mut *conn, account_id, &ids).await?;
    let keys: Vec<_> = ids.iter().map(|call_id| (account_id, *call_id)).collect();
    let besides = store::calls::beside_many(&mut conn, &keys).await?;
    let is_done = |call_id: &CallId| {
        let beside = besides.get(call_id);
        beside.is_some_and(|beside| beside.transcript.is_some())
    };
    let without: Vec<_> = ids
        .iter()
        .copied()
        .filter(|call_id| !is_done(call_id))
        .collect();
    let writing = store::recordings::writing(&mut *conn, account_id, &without).await?;
    let voice_calls = calls
        .iter()
        .map(|call| {
            let transcript = if is_done(&call.call_id) {
                Some(TranscriptStatus::Done)
            } else {
                writing.get(&call.call_id).copied()
            };
            VoiceCall::new(call, &caller.business_uid, transcript)
        })
        .collect();
    Ok(VoiceCallPage {
        voice_calls,
        page,
        per_page: list.limit,
        total_count: match total {
            Total::Exactly(count) | Total::About(count) => count,
        },
        total_count_is_estimate: matches!(total, Total::About(_)),
    })
}
