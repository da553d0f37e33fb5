//! `GET …/reports/voice_call_stats`: how many calls there are of each status.

use std::collections::HashMap;

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{Days, NaiveDate};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    document::{StatsQuery, example},
    envelope::{Refusals, Success},
    parse,
    query::{day, first_moment},
};
use crate::{
    api::{
        answer,
        auth::require,
        error::{Error, FieldError},
        extract::{Field, Fields, QueryFields, Reader, Wrong},
        state::ApiState,
    },
    domain::{
        account::{Caller, Scope},
        state::VoiceCallStatus,
    },
    store::{
        self,
        voice_calls::stats::{self, Group, Span},
    },
};

/// The route; the published document and its own tests disagree where it is, so it is mounted twice.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(voice_call_stats))
}

/// How many calls there are.
#[derive(Debug, Serialize, ToSchema)]
struct VoiceCallStats {
    /// Of each status, or of the one that was asked for.
    status_counts: Vec<VoiceCallStatusCount>,
    /// All of these.
    total_voice_calls: i64,
    /// The first day (UTC): as asked for, else the first call's, else the last day.
    start_date: NaiveDate,
    /// The last day (UTC): as asked for, else today.
    end_date: NaiveDate,
}

/// How many calls have a status.
#[derive(Debug, Serialize, ToSchema)]
struct VoiceCallStatusCount {
    /// The status, as it is shown.
    status: VoiceCallStatus,
    /// How many.
    count: i64,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    start: Option<NaiveDate>,
    end: Option<NaiveDate>,
    status: Option<VoiceCallStatus>,
}

/// Count voice calls by status
///
/// By the day (UTC) on which a call was first heard of. A client's token counts its own calls. The same under
/// `/v3/communication/voice_calls/reports` and `/v3/communication/reports`.
#[utoipa::path(
    get, path = "/reports/voice_call_stats", tag = "voice_calls",
    params(StatsQuery),
    responses(
        (status = 200, description = "The counts", body = Success<VoiceCallStats>, example = json!(example::stats())),
        Refusals
    ),
    security(("bearer" = []))
)]
async fn voice_call_stats(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(fields): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ReadVoiceCalls)?;
    let asked = asked(&fields)?;
    let (groups, today) = store::within(async {
        let mut conn = state.db.acquire().await?;
        let span = Span {
            from: asked.start.map(first_moment),
            before: asked
                .end
                .and_then(|day| day.checked_add_days(Days::new(1)))
                .map(first_moment),
            client_uid: caller.client_uid.as_deref(),
        };
        let groups = stats::groups(&mut *conn, caller.account_id, span).await?;
        let today = store::now(&mut conn).await?.date_naive();
        Ok::<_, store::Error>((groups, today))
    })
    .await?;
    let stats = VoiceCallStats::of(asked, &groups, today);
    Ok(answer::json(StatusCode::OK, &Success::new(stats)))
}

fn asked(fields: &Fields<'_>) -> Result<Asked, Error> {
    let mut reader = Reader::new(fields);
    let date = |field: &Field<'_>| {
        let wrong = || Wrong::invalid("must be a day, such as 2026-03-01");
        day(field.text()?).ok_or_else(wrong)
    };
    let asked = Asked {
        start: reader.optional("start_date", date),
        end: reader.optional("end_date", date),
        status: reader.optional("status", parse::status),
    };
    if let (Some(start), Some(end)) = (asked.start, asked.end)
        && start > end
    {
        let message = "must not be before start_date";
        reader.refuse(FieldError::invalid("end_date", message));
    }
    reader.finish(Some(asked))
}

impl VoiceCallStats {
    fn of(asked: Asked, groups: &[Group], today: NaiveDate) -> Self {
        let mut counts: HashMap<VoiceCallStatus, i64> = HashMap::new();
        for group in groups {
            let shown = VoiceCallStatus::shown(group.set, group.state);
            *counts.entry(shown).or_default() += group.count;
        }
        let status_counts: Vec<VoiceCallStatusCount> = VoiceCallStatus::ALL
            .into_iter()
            .filter(|status| asked.status.is_none_or(|only| only == *status))
            .map(|status| VoiceCallStatusCount {
                status,
                count: counts.get(&status).copied().unwrap_or(0),
            })
            .collect();
        let first = groups.iter().map(|group| group.first).min();
        let end_date = asked.end.unwrap_or(today);
        let start_date = asked.start.or(first.map(|first| first.date_naive()));
        Self {
            total_voice_calls: status_counts.iter().map(|counted| counted.count).sum(),
            status_counts,
            start_date: start_date.unwrap_or(end_date),
            end_date,
        }
    }
}
