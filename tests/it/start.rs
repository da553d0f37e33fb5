//! Starting: replicas at once on an empty database, on a schema newer than the binary, while somebody else migrates.

use std::time::Duration;

use onhook::store::pool;
use sqlx::{Connection as _, PgConnection};

use crate::cluster::fresh_database;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_start_together_migrate_once() {
    let database = fresh_database().await;
    let mut connection = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    sqlx::raw_sql("drop schema public cascade; create schema public")
        .execute(&mut connection)
        .await
        .unwrap();
    let options = database.options();
    let replica = || pool::migrate(&options);
    let (a, b, c, d) = tokio::join!(replica(), replica(), replica(), replica());
    for migrated in [a, b, c, d] {
        migrated.unwrap();
    }
    let applied: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations where success")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(
        usize::try_from(applied).unwrap(),
        pool::migrator().iter().count()
    );
}

#[tokio::test]
async fn an_old_binary_starts_on_a_newer_schema() {
    let database = fresh_database().await;
    let mut connection = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    sqlx::raw_sql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'from the future', true, '', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    pool::migrate(&database.options()).await.unwrap();
}

#[tokio::test]
async fn a_migration_does_not_wait_for_ever_for_another() {
    let database = fresh_database().await;
    let mut other = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    sqlx::migrate::Migrate::lock(&mut other).await.unwrap();
    let waited = pool::migrate_within(&database.options(), Duration::from_millis(300)).await;
    let refused = waited.unwrap_err().to_string();
    assert!(refused.contains("lock timeout"), "{refused}");
}
