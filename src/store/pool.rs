//! The connection pool, with the bounds that sqlx leaves open, and the migrations.

use std::time::Duration;

use sqlx::{
    Connection as _, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// How long a migration waits for another replica that migrates.
const MIGRATION_LOCK_WAIT: Duration = Duration::from_mins(1);

/// How long a connection may take to prove that it is alive before it goes back to the pool.
const RELEASE_PING_MAX: Duration = Duration::from_secs(1);

/// A pool over `options`. Connects lazily: a database that is away is an answer of 503, not a failed start.
pub fn connect_lazy(options: PgConnectOptions, connections_max: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(super::WAIT_MAX)
        // sqlx pings a dropped connection without a bound while it holds the permit: after a silent loss of the host
        // the pool would be empty for as long as the kernel keeps trying.
        .after_release(|connection, _| {
            Box::pin(async move {
                match tokio::time::timeout(RELEASE_PING_MAX, connection.ping()).await {
                    Ok(Ok(())) => Ok(true),
                    Ok(Err(error)) => Err(error),
                    Err(_) => Err(sqlx::Error::PoolTimedOut),
                }
            })
        })
        .connect_lazy_with(options)
}

/// Brings the schema up to date. Replicas may do this at the same time: one works, the others wait, at most a minute.
/// An old binary starts on a newer schema.
pub async fn migrate(options: &PgConnectOptions) -> Result<(), sqlx::migrate::MigrateError> {
    migrate_within(options, MIGRATION_LOCK_WAIT).await
}

/// The same, with another bound on the wait for locks.
pub async fn migrate_within(
    options: &PgConnectOptions,
    lock_wait: Duration,
) -> Result<(), sqlx::migrate::MigrateError> {
    let mut connection = PgConnection::connect_with(options).await?;
    let wait = format!("set lock_timeout = '{}ms'", lock_wait.as_millis());
    sqlx::raw_sql(sqlx::AssertSqlSafe(wait))
        .execute(&mut connection)
        .await?;
    migrator().run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Makes a database on the server that `options` lead to. Somebody else may have been faster.
pub async fn create_database(options: &PgConnectOptions, name: &'static str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect_with(options).await?;
    let statement = format!("create database {name}");
    let made = sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(&mut connection)
        .await;
    match made {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P04") => {}
        Ok(_) => {}
        Err(error) => return Err(error),
    }
    connection.close().await
}

/// Removes a database from the server that `options` lead to, whoever is connected to it.
pub async fn drop_database(options: &PgConnectOptions, name: &'static str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect_with(options).await?;
    let statement = format!("drop database if exists {name} with (force)");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// The migrator as it is to be used.
pub fn migrator() -> Migrator {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator
}
