//! Lists are read by an index, whatever else is in the table: Postgres' own counters say so.

use std::time::Duration;

use onhook::{
    domain::id::{AccountId, CallId},
    store::calls::list::{self, Comparison, Filter, List, Order, Place, SortKey, Start},
};
use sqlx::{PgConnection, PgPool};

use crate::{app::TestApp, deadline::eventually};

/// Twenty accounts with a thousand calls each; answers one of the accounts.
async fn fill(db: &PgPool) -> AccountId {
    sqlx::query(
        "insert into calls (account_id, call_id, provider, provider_call_id, state, created_at, updated_at)
         select md5('account' || n % 20)::uuid, gen_random_uuid(), 'voip', n::text, 'queued',
                now() - n * interval '1 second', now() - n * interval '1 second'
         from generate_series(1, 20000) as n",
    )
    .execute(db)
    .await
    .unwrap();
    sqlx::query("analyze calls").execute(db).await.unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("select md5('account7')::uuid")
        .fetch_one(db)
        .await
        .unwrap();
    id.into()
}

/// How often the index, and the whole table, were scanned; a connection tells what it has counted when it is asked to.
async fn scans(conn: &mut PgConnection, index: &str) -> (i64, i64) {
    sqlx::query("select pg_stat_force_next_flush()")
        .execute(&mut *conn)
        .await
        .unwrap();
    sqlx::query_as(
        "select (select idx_scan from pg_stat_user_indexes where indexrelname = $1),
                (select seq_scan from pg_stat_user_tables where relname = 'calls')",
    )
    .bind(index)
    .fetch_one(conn)
    .await
    .unwrap()
}

fn list(sort: SortKey, order: Order, start: Start) -> List {
    List {
        filters: Vec::new(),
        sort,
        order,
        start,
        limit: 25,
    }
}

#[tokio::test]
async fn a_page_is_found_by_its_index_and_never_by_reading_the_table() {
    use Order::{Ascending, Descending};
    use SortKey::{Created, Updated};
    let app = TestApp::boot().await;
    let account = fill(&app.db).await;
    let mut conn = app.db.acquire().await.unwrap();
    let now: String = sqlx::query_scalar("select now()::text")
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    let after = || {
        Start::After(Place {
            key: now.clone(),
            call_id: CallId::generate(),
        })
    };
    let since = "2020-01-01T00:00:00Z".parse().unwrap();
    for (sort, order, start, index) in [
        (Created, Descending, Start::Offset(0), "calls_created"),
        (Created, Ascending, Start::Offset(25), "calls_created"),
        (Created, Descending, after(), "calls_created"),
        (Updated, Descending, Start::Offset(0), "calls_updated"),
        (Updated, Descending, after(), "calls_updated"),
    ] {
        for filters in [vec![], vec![Filter::Created(Comparison::Greater, since)]] {
            let mut list = list(sort, order, start.clone());
            list.filters = filters;
            let (before, whole_before) = scans(&mut conn, index).await;
            let places = list::places(&mut conn, account, &list).await.unwrap();
            assert!(!places.is_empty(), "{list:?}");
            let whole = eventually(
                Duration::from_secs(10),
                "the scans are counted",
                async || {
                    let (by_index, whole) = scans(&mut conn, index).await;
                    (by_index > before).then_some(whole)
                },
            );
            assert_eq!(
                whole.await,
                whole_before,
                "{list:?} has read the whole table"
            );
        }
    }
}
