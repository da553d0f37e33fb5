//! The lists that docs/lists.md recommends are found by the indexes that it names: their plans say so, on a generated
//! database.

use sqlx::{Connection as _, PgConnection};

use crate::cluster::fresh_database;

#[path = "../../benches/calls_at_scale/fill.rs"]
mod fill;
#[path = "../../benches/calls_at_scale/recommended.rs"]
mod recommended;

const SIZE: fill::Size = fill::Size {
    calls: 60_000,
    accounts: 20,
};

#[tokio::test]
async fn every_recommended_list_is_found_by_its_index_on_every_page() {
    let database = fresh_database().await;
    let mut conn = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    fill::fill(&mut conn, SIZE, |_| {}).await;
    let account = fill::account(0);
    for mut list in recommended::lists() {
        for page in 1..=2 {
            let listed = list.asked.page(&mut conn, account).await;
            // Of one call there is no second page, but its plan.
            assert!(page == 2 || !listed.is_empty(), "{}", list.name);
            let scans = list.asked.scans(&mut conn, account).await;
            for index in list.indexes {
                assert!(
                    scans.iter().any(|scan| scan == index),
                    "{}, page {page}: {scans:?}",
                    list.name
                );
            }
            let whole = scans.iter().find(|scan| scan.starts_with("sequentially"));
            assert_eq!(whole, None, "{}, page {page}", list.name);
            list.asked.go_on(&mut conn, account, 1).await;
        }
    }
}

#[tokio::test]
async fn a_generated_database_has_the_indexes_of_a_migrated_one() {
    let database = fresh_database().await;
    let mut conn = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    let indexes =
        "select array_agg(indexdef order by indexname) from pg_indexes where schemaname = 'public'";
    let before: Vec<String> = sqlx::query_scalar(indexes)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let size = fill::Size {
        calls: 500,
        accounts: 3,
    };
    let (mut copied, mut ran) = (0, Vec::new());
    let progress = |step: fill::Step<'_>| match step {
        fill::Step::Copied(calls) => copied = calls,
        fill::Step::Runs(statement) => ran.push(statement.to_owned()),
    };
    fill::fill(&mut conn, size, progress).await;
    assert_eq!(copied, 500);
    assert!(
        ran.iter().any(|step| step.contains("INDEX calls_to ")),
        "{ran:?}"
    );
    let after: Vec<String> = sqlx::query_scalar(indexes)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(before, after);
    // As docs/lists.md says: each number once, a tenth as many as calls.
    let numbers = "select count(*) filter (where called), count(*) filter (where not called) from call_numbers";
    let (called, calling): (i64, i64) = sqlx::query_as(numbers).fetch_one(&mut conn).await.unwrap();
    assert!(called > 0 && calling > 0, "{called} {calling}");
}
