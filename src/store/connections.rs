//! Connections: an account's access to a vendor. [`SealedConnection`] is the row. Credentials are sealed for the row that holds them: an id, a vendor or a
//! base URL that was changed in the table makes them unreadable, so that they are never sent elsewhere. [`super::numbers`]
//! has the numbers that are routed to them.

use std::time::Duration;

use sqlx::{PgConnection, PgExecutor};

use crate::{
    domain::{
        connection::{AnsweredBy, CONNECTIONS_MAX, Connection, Credentials, Settings},
        id::{AccountId, ConnectionId},
        party::E164,
        text::Text,
    },
    seal::SealingKey,
};

mod row;

use row::{CREDENTIALS, FORMER_CREDENTIALS, seal};
pub use row::{OpenError, SealedConnection};

/// Whether a connection was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It was.
    New,
    /// It is there by that id.
    AlreadyThere,
    /// The account has [`CONNECTIONS_MAX`].
    TooMany,
}

/// What needs a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InUse {
    /// Calls are live that only it can hang up, or whose room only it can delete.
    pub by_live_calls: bool,
    /// Calls are being ended by it.
    pub by_terminations: bool,
}

/// Selects whole connections, with what time it is.
macro_rules! select_connections {
    ($tail:literal, $($arg:expr),* $(,)?) => {
        sqlx::query_as!(
            SealedConnection,
            "select account_id as \"account_id: AccountId\", connection_id as \"connection_id: ConnectionId\",
                    provider, base_url, sealed_credentials, sealed_former_credentials, former_until, label, answer_url,
                    answer_application, max_duration_s, created_at, updated_at, clock_timestamp() as \"read_at!\"
             from connections " + $tail,
            $($arg),*
        )
    };
}

/// Adds a connection, its credentials sealed, unless it is there or the account has [`CONNECTIONS_MAX`]. Whoever calls it holds
/// the account's lock, so that two cannot both see room for one.
pub async fn insert(
    conn: &mut PgConnection,
    key: &SealingKey,
    connection: &Connection,
    settings: &Settings,
) -> sqlx::Result<Inserted> {
    let (account_id, connection_id) = (connection.account_id, connection.connection_id);
    if find(&mut *conn, account_id, connection_id).await?.is_some() {
        return Ok(Inserted::AlreadyThere);
    }
    let (answer_url, answer_application) = answer(settings.answered_by.as_ref());
    let done = sqlx::query!(
        "insert into connections (account_id, connection_id, provider, base_url, sealed_credentials, label, answer_url,
                                  answer_application, max_duration_s)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9
         where (select count(*) from connections where account_id = $1) < $10",
        account_id.uuid(),
        connection_id.uuid(),
        connection.provider.as_str(),
        connection.base_url.as_str(),
        seal(key, CREDENTIALS, connection, &connection.credentials),
        settings.label.as_ref().map(Text::as_str),
        answer_url,
        answer_application,
        settings.max_duration_s,
        CONNECTIONS_MAX,
    )
    .execute(conn)
    .await?;
    Ok(match done.rows_affected() {
        0 => Inserted::TooMany,
        _ => Inserted::New,
    })
}

/// Sets everything that an account sets of a connection. Answers whether there is such a one.
pub async fn set(
    conn: &mut PgConnection,
    account_id: AccountId,
    connection_id: ConnectionId,
    settings: &Settings,
) -> sqlx::Result<bool> {
    let (answer_url, answer_application) = answer(settings.answered_by.as_ref());
    let done = sqlx::query!(
        "update connections set label = $3, answer_url = $4, answer_application = $5, max_duration_s = $6, updated_at = now()
         where account_id = $1 and connection_id = $2",
        account_id.uuid(),
        connection_id.uuid(),
        settings.label.as_ref().map(Text::as_str),
        answer_url,
        answer_application,
        settings.max_duration_s,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces a connection's credentials and where they are used. The former ones verify for `overlap` more; not at all if it is
/// zero.
pub async fn rotate(
    conn: &mut PgConnection,
    key: &SealingKey,
    connection: &Connection,
    (former, overlap): (&Credentials, Duration),
) -> sqlx::Result<()> {
    let former = (!overlap.is_zero()).then(|| seal(key, FORMER_CREDENTIALS, connection, former));
    sqlx::query!(
        "update connections set base_url = $3, sealed_credentials = $4, sealed_former_credentials = $5,
             former_until = case when $5::bytea is not null then now() + make_interval(secs => $6) end, updated_at = now()
         where account_id = $1 and connection_id = $2",
        connection.account_id.uuid(),
        connection.connection_id.uuid(),
        connection.base_url.as_str(),
        seal(key, CREDENTIALS, connection, &connection.credentials),
        former,
        overlap.as_secs_f64(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a connection, its credentials and the routes of its numbers. False: there is none.
pub async fn delete(
    conn: &mut PgConnection,
    account_id: AccountId,
    connection_id: ConnectionId,
) -> sqlx::Result<bool> {
    sqlx::query!(
        "delete from numbers where account_id = $1 and connection_id = $2",
        account_id.uuid(),
        connection_id.uuid(),
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!(
        "delete from connections where account_id = $1 and connection_id = $2",
        account_id.uuid(),
        connection_id.uuid(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What needs a connection now.
pub async fn in_use(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    connection_id: ConnectionId,
) -> sqlx::Result<InUse> {
    sqlx::query_as!(
        InUse,
        r#"select exists(
               select from calls where account_id = $1 and state in ('queued', 'ringing', 'in_progress')
                   and (connection_id = $2 or room_connection_id = $2) and deleted_at is null
           ) as "by_live_calls!",
           exists(
               select from terminations where account_id = $1 and connection_id = $2 and state = 'pending'
           ) as "by_terminations!""#,
        account_id.uuid(),
        connection_id.uuid(),
    )
    .fetch_one(db)
    .await
}

/// A connection of the account.
pub async fn find(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<SealedConnection>> {
    select_connections!(
        "where account_id = $1 and connection_id = $2",
        account_id.uuid(),
        connection_id.uuid(),
    )
    .fetch_optional(db)
    .await
}

/// A connection of the account, locked until the transaction ends.
pub async fn lock(
    conn: &mut PgConnection,
    account_id: AccountId,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<SealedConnection>> {
    select_connections!(
        "where account_id = $1 and connection_id = $2 for update",
        account_id.uuid(),
        connection_id.uuid(),
    )
    .fetch_optional(conn)
    .await
}

/// The connection of an inbound request, which names it alone: whose it is follows from it, once it has been verified.
pub async fn find_inbound(
    db: impl PgExecutor<'_>,
    connection_id: ConnectionId,
) -> sqlx::Result<Option<SealedConnection>> {
    select_connections!("where connection_id = $1", connection_id.uuid())
        .fetch_optional(db)
        .await
}

/// The account's connections, newest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    count_max: i64,
) -> sqlx::Result<Vec<SealedConnection>> {
    select_connections!(
        "where account_id = $1 order by connection_id desc limit $2",
        account_id.uuid(),
        count_max,
    )
    .fetch_all(db)
    .await
}

/// The connection that hangs up for one of the numbers; the first number that has one decides.
pub async fn for_numbers(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    numbers: &[&E164],
) -> sqlx::Result<Option<ConnectionId>> {
    let numbers: Vec<String> = numbers
        .iter()
        .map(|number| number.as_str().to_owned())
        .collect();
    sqlx::query_scalar!(
        r#"select connection_id as "connection_id: ConnectionId"
           from numbers where account_id = $1 and number = any($2)
           order by array_position($2, number) limit 1"#,
        account_id.uuid(),
        &numbers,
    )
    .fetch_optional(db)
    .await
}

/// The names of the providers that the account is connected to.
pub async fn provider_names(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select distinct provider from connections where account_id = $1 order by provider limit 100",
        account_id.uuid()
    )
    .fetch_all(db)
    .await
}

fn answer(answered_by: Option<&AnsweredBy>) -> (Option<&str>, Option<&str>) {
    match answered_by {
        Some(AnsweredBy::Url(url)) => (Some(url.as_str()), None),
        Some(AnsweredBy::Application(application)) => (None, Some(application.as_str())),
        None => (None, None),
    }
}
