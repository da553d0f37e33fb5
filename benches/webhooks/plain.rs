//! The baseline: loops that claim one row, send it, and update one row.

use std::net::SocketAddr;

use sqlx::PgPool;
use tokio::task::JoinSet;

/// Rows to be sent, of the same size as the engine's.
pub(crate) async fn fill(db: &PgPool, count: u64) {
    sqlx::raw_sql(
        "drop table if exists plain;
         create table plain (id bigint primary key, body text not null, state text not null default 'pending', attempts integer not null default 0);
         create index plain_pending on plain (id) where state = 'pending'",
    )
    .execute(db)
    .await
    .unwrap();
    sqlx::query("insert into plain (id, body) select n, repeat(md5(n::text), 60) from generate_series(1, $1) n")
        .bind(i64::try_from(count).unwrap())
        .execute(db)
        .await
        .unwrap();
    crate::settle(db, &["plain"]).await;
}

/// Sends all that there is, by so many loops.
pub(crate) async fn run(db: &PgPool, address: SocketAddr, loops: usize) {
    let client = reqwest::Client::new();
    let mut set = JoinSet::new();
    for number in 0..loops {
        let (db, client) = (db.clone(), client.clone());
        set.spawn(async move {
            let url = format!("http://{address}/{number}");
            while let Some((id, body)) = claim(&db).await {
                let sent = client.post(&url).body(body).send().await.unwrap();
                assert!(sent.status().is_success());
                sqlx::query(
                    "update plain set state = 'succeeded', attempts = attempts + 1 where id = $1",
                )
                .bind(id)
                .execute(&db)
                .await
                .unwrap();
            }
        });
    }
    set.join_all().await;
}

async fn claim(db: &PgPool) -> Option<(i64, String)> {
    sqlx::query_as(
        "update plain set state = 'running'
         where id = (select id from plain where state = 'pending' order by id limit 1 for update skip locked)
         returning id, body",
    )
    .fetch_optional(db)
    .await
    .unwrap()
}
