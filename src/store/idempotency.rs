//! What was answered to requests with an `Idempotency-Key`, and who works on those that have no answer yet.
//!
//! A claim has a lease: if its process dies, the same request takes it over once the lease is out, with the same
//! `resource_id`. The effect is made under that id, in a transaction of its own, so that the effect's own primary key says
//! whether it was committed.

use std::{fmt::Write as _, time::Duration};

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::interval;
use crate::domain::id::AccountId;

/// For how long an answer is kept.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// A SHA-256.
pub type Sha256 = [u8; 32];

/// A request that wants to be worked on once.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Whose it is.
    pub account_id: AccountId,
    /// Who asked, for what, by which key.
    pub name: Sha256,
    /// What else the request says.
    pub fingerprint: Sha256,
}

/// The hold on a request that is worked on.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Whose it is.
    pub account_id: AccountId,
    /// Which request.
    pub name: Sha256,
    /// The id of what the request makes.
    pub resource_id: Uuid,
    lease: Uuid,
}

/// What came of a claim.
#[derive(Debug)]
pub enum Claimed {
    /// It is ours to be worked on.
    Ours(Claim),
    /// It was worked on: this is the sealed answer.
    Answered(Vec<u8>),
    /// Somebody works on it.
    InProgress,
    /// The key was used for another request.
    Other,
}

/// Claims a request for `lease`, unless it was answered, is worked on, or its key is another's.
pub async fn claim(
    conn: &mut PgConnection,
    wanted: &Wanted,
    lease: Duration,
) -> sqlx::Result<Claimed> {
    let Wanted {
        account_id,
        name,
        fingerprint,
    } = *wanted;
    let holder = Uuid::now_v7();
    let claimed = sqlx::query_scalar!(
        "insert into idempotency_keys as kept
           (account_id, name, fingerprint, resource_id, lease, leased_until, expires_at)
         values ($1, $2, $3, $4, $5, now() + $6, now() + $7)
         on conflict (account_id, name) do update set
           fingerprint = excluded.fingerprint,
           resource_id = case when kept.expires_at <= now() then excluded.resource_id else kept.resource_id end,
           lease = excluded.lease, leased_until = excluded.leased_until, sealed_answer = null,
           expires_at = case when kept.expires_at <= now() then excluded.expires_at else kept.expires_at end
         where kept.expires_at <= now()
            or kept.sealed_answer is null and kept.leased_until <= now() and kept.fingerprint = excluded.fingerprint
         returning resource_id",
        account_id.uuid(),
        name.as_slice(),
        fingerprint.as_slice(),
        Uuid::now_v7(),
        holder,
        interval(lease),
        interval(KEPT_FOR)
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(resource_id) = claimed {
        return Ok(Claimed::Ours(Claim {
            account_id,
            name,
            resource_id,
            lease: holder,
        }));
    }
    let kept = sqlx::query!(
        r#"select fingerprint = $3 as "same!", sealed_answer from idempotency_keys where account_id = $1 and name = $2"#,
        account_id.uuid(),
        name.as_slice(),
        fingerprint.as_slice()
    )
    .fetch_optional(conn)
    .await?;
    Ok(match kept {
        Some(kept) if !kept.same => Claimed::Other,
        Some(kept) => kept
            .sealed_answer
            .map_or(Claimed::InProgress, Claimed::Answered),
        // Given up since: the next try will find it free.
        None => Claimed::InProgress,
    })
}

/// Keeps the answer of a claimed request; false if somebody else has claimed it since.
pub async fn answer(
    db: impl PgExecutor<'_>,
    claim: &Claim,
    sealed_answer: &[u8],
) -> sqlx::Result<bool> {
    let kept = sqlx::query!(
        "update idempotency_keys set sealed_answer = $4
         where account_id = $1 and name = $2 and lease = $3 and sealed_answer is null",
        claim.account_id.uuid(),
        claim.name.as_slice(),
        claim.lease,
        sealed_answer
    )
    .execute(db)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Ends the lease of a request that failed and may have had its effect: made again, it goes on under the same id.
pub async fn release(db: impl PgExecutor<'_>, claim: &Claim) -> sqlx::Result<()> {
    sqlx::query!(
        "update idempotency_keys set leased_until = now()
         where account_id = $1 and name = $2 and lease = $3 and sealed_answer is null",
        claim.account_id.uuid(),
        claim.name.as_slice(),
        claim.lease
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets a request that was refused and had no effect: its key is free for a corrected one.
pub async fn forget(db: impl PgExecutor<'_>, claim: &Claim) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from idempotency_keys where account_id = $1 and name = $2 and lease = $3 and sealed_answer is null",
        claim.account_id.uuid(),
        claim.name.as_slice(),
        claim.lease
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The place for which an answer is sealed.
pub fn context(name: &Sha256) -> String {
    let mut context = "idempotency_keys/".to_owned();
    for byte in name {
        write!(context, "{byte:02x}").expect("writing to a String cannot fail");
    }
    context
}

/// The next kept answers of an account, sealed, in the order of their names.
pub async fn answers(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    after: Option<&Sha256>,
    limit: i64,
) -> sqlx::Result<Vec<(Sha256, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"select name, sealed_answer as "sealed_answer!" from idempotency_keys
           where account_id = $1 and ($2::bytea is null or name > $2) and sealed_answer is not null order by name limit $3"#,
        account_id.uuid(),
        after.map(Sha256::as_slice),
        limit
    )
    .fetch_all(db)
    .await?;
    let named = rows.into_iter().filter_map(|row| {
        let name = Sha256::try_from(row.name.as_slice()).ok()?;
        Some((name, row.sealed_answer))
    });
    Ok(named.collect())
}

/// Forgets answers of an account; how many there were.
pub async fn drop_answers(
    conn: &mut PgConnection,
    account_id: AccountId,
    names: &[Sha256],
) -> sqlx::Result<u64> {
    let names: Vec<Vec<u8>> = names.iter().map(|name| name.to_vec()).collect();
    let gone = sqlx::query!(
        "delete from idempotency_keys where account_id = $1 and name = any($2)",
        account_id.uuid(),
        &names
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Deletes some of what has expired, of every account; answers how many.
pub async fn sweep(db: impl PgExecutor<'_>, rows_max: i64) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "delete from idempotency_keys where (account_id, name) in
           (select account_id, name from idempotency_keys where expires_at <= now() order by expires_at limit $1
            for update skip locked)",
        rows_max
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}
