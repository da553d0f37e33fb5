//! Which connection hangs up for which of the account's numbers, and places calls from it.

use std::collections::HashMap;

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    connection::NUMBERS_MAX,
    id::{AccountId, ConnectionId},
    party::E164,
};

/// A number, and the connection that it is routed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The number, in E.164.
    pub number: String,
    /// The connection.
    pub connection_id: ConnectionId,
    /// Its vendor.
    pub provider: String,
}

/// A page of routed numbers is asked for by this.
#[derive(Debug, Clone, Default)]
pub struct Page<'a> {
    /// Those of this connection alone.
    pub connection_id: Option<ConnectionId>,
    /// Those behind this one.
    pub after: Option<&'a str>,
    /// At most so many.
    pub limit: i64,
}

/// Routes a number to a connection, instead of any other. False: that connection has [`NUMBERS_MAX`] others already. Whoever
/// calls it holds the account's lock, so that two cannot both see room for one.
pub async fn route(
    conn: &mut PgConnection,
    account_id: AccountId,
    connection_id: ConnectionId,
    number: &E164,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into numbers (account_id, number, connection_id)
         select $1, $2, $3
         where (select count(*) from numbers where account_id = $1 and connection_id = $3 and number <> $2) < $4
         on conflict (account_id, number) do update set connection_id = excluded.connection_id",
        account_id.uuid(),
        number.as_str(),
        connection_id.uuid(),
        NUMBERS_MAX,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Routes exactly these numbers to a connection, instead of any other. The caller sees to it that they are not too many.
pub async fn route_all(
    conn: &mut PgConnection,
    account_id: AccountId,
    connection_id: ConnectionId,
    numbers: &[E164],
) -> sqlx::Result<()> {
    let numbers: Vec<String> = numbers.iter().map(|n| n.as_str().to_owned()).collect();
    sqlx::query!(
        "delete from numbers where account_id = $1 and connection_id = $2 and number <> all($3)",
        account_id.uuid(),
        connection_id.uuid(),
        &numbers,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into numbers (account_id, number, connection_id)
         select distinct $1::uuid, number, $2::uuid from unnest($3::text[]) as given (number)
         on conflict (account_id, number) do update set connection_id = excluded.connection_id",
        account_id.uuid(),
        connection_id.uuid(),
        &numbers,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a number from whatever connection it is routed to. False: it was routed to none.
pub async fn unroute(
    conn: &mut PgConnection,
    account_id: AccountId,
    number: &E164,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from numbers where account_id = $1 and number = $2",
        account_id.uuid(),
        number.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The account's routed numbers, in their order.
pub async fn list(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    page: Page<'_>,
) -> sqlx::Result<Vec<Routed>> {
    sqlx::query_as!(
        Routed,
        r#"select number, connection_id as "connection_id: ConnectionId", provider
           from numbers join connections using (account_id, connection_id)
           where account_id = $1 and ($2::uuid is null or connection_id = $2) and number > coalesce($3, '')
           order by number limit $4"#,
        account_id.uuid(),
        page.connection_id.map(ConnectionId::uuid),
        page.after,
        page.limit,
    )
    .fetch_all(db)
    .await
}

/// The numbers of each of these connections, in their order.
pub async fn of_connections(
    db: impl PgExecutor<'_>,
    account_id: AccountId,
    connections: &[ConnectionId],
) -> sqlx::Result<HashMap<ConnectionId, Vec<String>>> {
    let ids: Vec<Uuid> = connections.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select connection_id as "connection_id: ConnectionId", number
           from numbers where account_id = $1 and connection_id = any($2)
           order by connection_id, number"#,
        account_id.uuid(),
        &ids,
    )
    .fetch_all(db)
    .await?;
    let mut found: HashMap<ConnectionId, Vec<String>> = HashMap::new();
    for row in rows {
        found.entry(row.connection_id).or_default().push(row.number);
    }
    Ok(found)
}
