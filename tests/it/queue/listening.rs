//! Replicas wake each other by NOTIFY, also after the connection that listens was lost.

use std::time::Duration;

use onhook::queue::{
    runner::{self, Wake},
    store,
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::database;
use crate::deadline::eventually;

const PATIENCE: Duration = Duration::from_mins(1);

/// Ends the connections that listen; answers whether there was one.
async fn cut_off(db: &PgPool) -> Option<()> {
    let cut = sqlx::query_scalar::<_, bool>(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen %'",
    );
    let cut = cut.fetch_all(db).await.unwrap();
    (!cut.is_empty()).then_some(())
}

/// Says that something is due until the one who listens has heard it.
async fn heard(db: &PgPool, wake: &Wake) {
    eventually(PATIENCE, "the other replica hears of it", async || {
        store::notify(db).await.unwrap();
        let heard = tokio::time::timeout(Duration::from_millis(100), wake.deliveries());
        heard.await.ok()
    })
    .await;
}

#[tokio::test]
async fn whoever_listens_hears_again_after_its_connection_was_lost() {
    let (_database, db) = database().await;
    let (wake, stop) = (Wake::default(), CancellationToken::new());
    let listening = runner::listen(db.clone(), wake.clone(), stop.clone());
    let cutting = async {
        heard(&db, &wake).await;
        for _ in 0..2 {
            let cut = async || cut_off(&db).await;
            eventually(PATIENCE, "a connection listens", cut).await;
            // What was heard before does not count.
            let _before = tokio::time::timeout(Duration::from_millis(100), wake.deliveries()).await;
            heard(&db, &wake).await;
        }
        stop.cancel();
    };
    tokio::join!(listening, cutting);
}
