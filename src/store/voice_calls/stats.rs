//! How many calls there are of each status in a span of time.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::domain::{
    id::AccountId,
    state::{CallState, VoiceCallStatus},
};

/// Which calls are counted.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    /// First heard of at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// First heard of before this time.
    pub before: Option<DateTime<Utc>>,
    /// Only this client's.
    pub client_uid: Option<&'a str>,
}

/// The calls that stand at one place, as telephony and as staff say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What telephony says.
    pub state: CallState,
    /// What staff have set.
    pub set: Option<VoiceCallStatus>,
    /// How many.
    pub count: i64,
    /// When the first of them was first heard of.
    pub first: DateTime<Utc>,
}

/// Counts the calls of a span, read by the index on when they were first heard of.
pub async fn groups(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    span: Span<'_>,
) -> sqlx::Result<Vec<Group>> {
    sqlx::query_as!(
        Group,
        r#"select state as "state: CallState", voice_call_status as "set: VoiceCallStatus", count(*) as "count!",
                  min(created_at) as "first!"
           from calls
           where account_id = $1 and deleted_at is null and created_at >= coalesce($2, '-infinity'::timestamptz)
             and created_at < coalesce($3, 'infinity'::timestamptz) and ($4::text is null or client_uid = $4)
           group by state, voice_call_status"#,
        account_id.uuid(),
        span.from,
        span.before,
        span.client_uid
    )
    .fetch_all(db)
    .await
}
