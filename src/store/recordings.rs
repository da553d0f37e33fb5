//! What was heard in recordings: one reading for each place and way of reading.

use sqlx::{PgConnection, PgExecutor, types::Json};

use crate::domain::{
    id::{AccountId, CallId},
    recording::Reading,
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

/// Keeps a reading; answers whether it is the first of its key, or the first since there is a speech-to-text service.
pub async fn insert(
    conn: &mut PgConnection,
    (account_id, call_id): (AccountId, CallId),
    key: &[u8; 32],
    (reading, attempts): (&Reading, i32),
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        "insert into recording_readings (account_id, call_id, reading_key, reading, attempts)
         values ($1, $2, $3, $4, $5)
         on conflict on constraint recording_readings_pkey do update
         set reading = excluded.reading, attempts = excluded.attempts, created_at = now()
         where recording_readings.reading -> 'transcription' ->> 'reason' = 'NOT_CONFIGURED'",
        account_id.uuid(),
        call_id.uuid(),
        key.as_slice(),
        Json(reading) as Json<&Reading>,
        attempts
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() > 0)
}
