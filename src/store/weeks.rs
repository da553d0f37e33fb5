//! The weeks of what webhooks leave behind: events, deliveries that are over, attempts. Each is a table that retention drops whole.

use sqlx::PgConnection;

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
