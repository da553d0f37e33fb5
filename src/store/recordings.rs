//! What was heard in recordings: one reading for each place and way of reading.

use std::collections::HashMap;

use sqlx::{PgConnection, PgExecutor, types::Json};
use uuid::Uuid;

use crate::domain::{
    id::{AccountId, CallId},
    recording::Reading,
    voice_call::TranscriptStatus,
};

/// The reading of a key, if there is one.
pub async fn find(
    db: impl PgExecutor<'_>,
    (account_id, call_id): (AccountId, CallId),
    key: &[u8; 32],
) -> sqlx::Result<Option<Reading>> {
    let reading = sqlx::query_scalar!(
        r#"select reading as "reading: Json<Reading>" from recording_readings
           where account_id = $1 and call_id = $2 and reading_key = $3"#,
        account_id.uuid(),
        call_id.uuid(),
        key.as_slice()
    )
    .fetch_optional(db)
    .await?;
    Ok(reading.map(|reading| reading.0))
}

/// Which of these calls, if they have no transcript, are being written down, and of which that was given up. One is being written down
/// while the job (`calls::listen` names its key) is there that does it; given up is what the newest reading says.
pub async fn writing(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    calls: &[CallId],
) -> sqlx::Result<HashMap<CallId, TranscriptStatus>> {
    if calls.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = calls.iter().map(|call_id| call_id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select call_id as "call_id!: CallId",
                  exists (select from jobs where unique_key = 'read-recording/' || call_id and state <> 'dead'
                    and account_id = $1 and args -> 'transcribes' = 'true') as "in_progress!",
                  coalesce((select reading #>> '{transcription,status}' from recording_readings as reading
                    where reading.account_id = $1 and reading.call_id = call.call_id
                    order by created_at desc limit 1) = 'failed', false) as "failed!"
           from unnest($2::uuid[]) as call (call_id)"#,
        account_id.uuid(),
        &ids
    )
    .fetch_all(db)
    .await?;
    let status = |in_progress, failed| match (in_progress, failed) {
        (true, _) => Some(TranscriptStatus::InProgress),
        (false, true) => Some(TranscriptStatus::Failed),
        (false, false) => None,
    };
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.call_id, status(row.in_progress, row.failed)?)))
        .collect())
}

/// Keeps a reading in place of the one of its key. The caller holds the call's row.
pub async fn put(
    conn: &mut PgConnection,
    (account_id, call_id): (AccountId, CallId),
    key: &[u8; 32],
    (reading, attempts): (&Reading, i32),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recording_readings (account_id, call_id, reading_key, reading, attempts)
         values ($1, $2, $3, $4, $5)
         on conflict on constraint recording_readings_pkey do update
         set reading = excluded.reading, attempts = excluded.attempts, created_at = now()",
        account_id.uuid(),
        call_id.uuid(),
        key.as_slice(),
        Json(reading) as Json<&Reading>,
        attempts
    )
    .execute(conn)
    .await?;
    Ok(())
}
