//! The embedded default: it survives the end of either side, has one owner, and cannot be reached from outside.

use sqlx::{Connection as _, PgConnection};

use crate::cluster::fresh_database;

#[tokio::test]
async fn every_test_has_a_migrated_database_of_its_own() {
    let (one, other) = tokio::join!(fresh_database(), fresh_database());
    assert_ne!(one.url(), other.url());
    for database in [one, other] {
        let mut connection = PgConnection::connect_with(&database.options())
            .await
            .unwrap();
        let accounts: i64 = sqlx::query_scalar("select count(*) from accounts")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(accounts, 0);
    }
}
