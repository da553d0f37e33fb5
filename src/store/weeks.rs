//! The weeks of what webhooks leave behind: events, deliveries that are over, attempts. Each is a table that retention drops whole.

use sqlx::{PgConnection, PgExecutor};

/// Weeks that are made ahead, with the present one.
const WEEKS: i32 = 3;

/// Makes the weeks to come, if they are not there. Waits a second at most for whoever has the tables locked. Answers how many tables it made.
pub async fn make(conn: &mut PgConnection) -> sqlx::Result<i32> {
    sqlx::query!("select set_config('lock_timeout', '1s', true)")
        .fetch_one(&mut *conn)
        .await?;
    let made = sqlx::query_scalar!(
        r#"select make_webhook_weeks((now() at time zone 'UTC')::date, $1) as "made!""#,
        WEEKS
    );
    made.fetch_one(conn).await
}

/// Whether there is a week that was over so many days ago.
pub async fn is_one_over(db: impl PgExecutor<'_>, days: i32) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
             select from pg_inherits
             join pg_class parent on parent.oid = inhparent
             join pg_class child on child.oid = inhrelid
             join pg_namespace space on space.oid = parent.relnamespace and space.nspname = current_schema()
             where parent.relname in ('events', 'deliveries', 'attempts') and child.relname ~ '^(events|deliveries|attempts)_[0-9]{8}$'
               and (to_date(right(child.relname, 8), 'YYYYMMDD') + 7)::timestamp at time zone 'UTC' <= now() - make_interval(days => $1)
           ) as "any!""#,
        days
    )
    .fetch_one(db)
    .await
}

/// Drops one table of a week that was over so many days ago, unless something from before then is on its way: what was resent. Waits a second at
/// most for whoever has the tables locked. Answers how many it dropped.
pub async fn drop_one(conn: &mut PgConnection, days: i32) -> sqlx::Result<i32> {
    sqlx::query!("select set_config('lock_timeout', '1s', true)")
        .fetch_one(&mut *conn)
        .await?;
    let dropped = sqlx::query_scalar!(
        r#"select case when exists (
             select from delivery_queue where least(event_id, delivery_id) < uuid_at(now() - make_interval(days => $1))
           ) then 0 else drop_webhook_weeks(now() - make_interval(days => $1), 1) end as "dropped!""#,
        days
    );
    dropped.fetch_one(conn).await
}
