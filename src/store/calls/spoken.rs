//! What was said on calls and what was made of it, for many calls with one statement.

use sqlx::PgExecutor;
use uuid::Uuid;

use crate::domain::{
    call_object::ShownTranscript,
    id::{AccountId, CallId},
};

/// A call's newest transcript and newest analysis.
#[derive(Debug)]
pub(super) struct Spoken {
    /// The call.
    pub(super) call_id: CallId,
    /// Its newest transcript.
    pub(super) transcript: Option<ShownTranscript>,
    /// Its newest analysis.
    pub(super) analysis: Option<serde_json::Value>,
}

/// Those of the calls that have one or the other.
pub(super) async fn of_calls(
    db: impl PgExecutor<'_>,
    calls: &[(AccountId, CallId)],
) -> sqlx::Result<Vec<Spoken>> {
    let accounts: Vec<Uuid> = calls.iter().map(|(account, _)| account.uuid()).collect();
    let ids: Vec<Uuid> = calls.iter().map(|(_, call)| call.uuid()).collect();
    let rows = sqlx::query!(
        r#"select call.call_id as "call_id!: CallId", said.text as "text?", said.utterances as "utterances?",
                  said.language, made.result as "result?"
           from unnest($1::uuid[], $2::uuid[]) as call (account_id, call_id)
           left join lateral (
             select text, utterances, language from transcripts
             where transcripts.account_id = call.account_id and transcripts.call_id = call.call_id
             order by revision desc limit 1
           ) as said on true
           left join lateral (
             select result from analyses
             where analyses.account_id = call.account_id and analyses.call_id = call.call_id
             order by revision desc limit 1
           ) as made on true
           where said.text is not null or made.result is not null"#,
        &accounts,
        &ids
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Spoken {
            call_id: row.call_id,
            transcript: match (row.text, row.utterances) {
                (Some(text), Some(utterances)) => Some(ShownTranscript {
                    text,
                    utterances,
                    language: row.language,
                }),
                _ => None,
            },
            analysis: row.result,
        })
        .collect())
}
