//! The queue's guarantees: a lease is a fence, lost work is given back, attempts end, a lane does not starve the others.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use onhook::{
    domain::id::AccountId,
    queue::{
        self, Claim, Job, Lane, NewJob, Outcome,
        runner::{Handler, Limits, Runner, Wake},
        store::Room,
    },
    store::pool,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use crate::cluster::{Database, fresh_database};

mod listening;
mod slow;

#[derive(Debug, Serialize, Deserialize)]
struct Errand {
    number: u32,
}

impl Job for Errand {
    const KIND: &'static str = "errand";
    const ATTEMPTS_MAX: i32 = 3;
    const TIMEOUT: Duration = Duration::from_secs(5);
}

async fn database() -> (Database, PgPool) {
    let database = fresh_database().await;
    let db = pool::connect_lazy(database.options(), 5);
    (database, db)
}

async fn enqueue(db: &PgPool, jobs: &[NewJob]) {
    queue::store::enqueue(&mut db.acquire().await.unwrap(), jobs)
        .await
        .unwrap();
}

fn errand(number: u32) -> NewJob {
    NewJob::new(AccountId::generate(), &Errand { number })
}

fn room(slots: i64, lane_slots: i64) -> Room {
    Room {
        slots,
        lane_slots,
        lanes: Vec::new(),
    }
}

async fn claim_one(db: &PgPool) -> Option<Claim> {
    queue::store::claim(db, &room(1, 1)).await.unwrap().pop()
}

async fn expire_leases(db: &PgPool) {
    sqlx::query(
        "update jobs set leased_until = now() - interval '1 second' where state = 'running'",
    )
    .execute(db)
    .await
    .unwrap();
}

async fn make_due(db: &PgPool) {
    sqlx::query("update jobs set run_at = now() where state = 'available'")
        .execute(db)
        .await
        .unwrap();
}

async fn state(db: &PgPool) -> Option<String> {
    sqlx::query_scalar("select state::text from jobs")
        .fetch_optional(db)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_worker_that_was_thought_dead_changes_nothing() {
    let (_database, db) = database().await;
    enqueue(&db, &[errand(1)]).await;
    let lost = claim_one(&db).await.unwrap();
    expire_leases(&db).await;
    let rescued = queue::store::rescue(&db).await.unwrap();
    assert_eq!((rescued.retried, rescued.buried), (1, 0));
    let newer = claim_one(&db).await.unwrap();
    assert_eq!((newer.attempt, newer.lease), (2, 2));

    let mut conn = db.acquire().await.unwrap();
    assert!(!queue::store::finish(&mut conn, &lost).await.unwrap());
    assert!(
        !queue::store::retry(&mut conn, &lost, Duration::ZERO, "late")
            .await
            .unwrap()
    );
    assert!(!queue::store::bury(&mut conn, &lost, "late").await.unwrap());
    assert!(!queue::store::release(&mut conn, &lost).await.unwrap());
    let alive = queue::store::heartbeat(
        &db,
        &[(lost.job_id, lost.lease), (newer.job_id, newer.lease)],
    )
    .await
    .unwrap();
    assert_eq!(alive, [newer.job_id]);
    assert!(queue::store::finish(&mut conn, &newer).await.unwrap());
    assert_eq!(state(&db).await, None, "done work is gone");
}

#[tokio::test]
async fn work_whose_worker_is_lost_each_time_ends_dead() {
    let (_database, db) = database().await;
    enqueue(&db, &[errand(1)]).await;
    for attempt in 1..=Errand::ATTEMPTS_MAX {
        let claim = claim_one(&db).await.unwrap();
        assert_eq!(claim.is_last(), attempt == Errand::ATTEMPTS_MAX);
        expire_leases(&db).await;
        queue::store::rescue(&db).await.unwrap();
    }
    assert_eq!(state(&db).await.as_deref(), Some("dead"));
    assert!(claim_one(&db).await.is_none());
}

#[tokio::test]
async fn a_unique_key_is_held_by_one_live_job() {
    let (_database, db) = database().await;
    enqueue(
        &db,
        &[
            errand(1).unique("settle".to_owned()),
            errand(2).unique("settle".to_owned()),
        ],
    )
    .await;
    enqueue(&db, &[errand(3).unique("settle".to_owned())]).await;
    assert_eq!(queue::store::depth(&db).await.unwrap().available, 1);
}

#[tokio::test]
async fn a_full_lane_leaves_its_slots_to_the_others() {
    let (_database, db) = database().await;
    let (slow, fast) = (Lane(Uuid::now_v7()), Lane(Uuid::now_v7()));
    let mut jobs: Vec<NewJob> = (0..40).map(|number| errand(number).in_lane(slow)).collect();
    jobs.extend((0..2).map(|number| errand(number).in_lane(fast)));
    enqueue(&db, &jobs).await;

    let claims = queue::store::claim(&db, &room(8, 3)).await.unwrap();
    let of = |claims: &[Claim], lane| {
        claims
            .iter()
            .filter(|claim| claim.lane == Some(lane))
            .count()
    };
    assert_eq!((of(&claims, slow), of(&claims, fast)), (3, 2));
    let busy = Room {
        slots: 8,
        lane_slots: 3,
        lanes: vec![(slow, 3), (fast, 2)],
    };
    assert!(queue::store::claim(&db, &busy).await.unwrap().is_empty());
}

#[tokio::test]
async fn two_claims_at_once_share_no_job() {
    let (_database, db) = database().await;
    let jobs: Vec<NewJob> = (0..60).map(errand).collect();
    enqueue(&db, &jobs).await;
    let wide = room(40, 40);
    let (first, second) = tokio::join!(
        queue::store::claim(&db, &wide),
        queue::store::claim(&db, &wide)
    );
    let mut ids: Vec<_> = first
        .unwrap()
        .into_iter()
        .chain(second.unwrap())
        .map(|claim| claim.job_id)
        .collect();
    let claimed = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), claimed);
}

#[tokio::test]
async fn one_holder_leads_until_it_resigns_or_is_silent() {
    let (_database, db) = database().await;
    let (first, second, lease) = (Uuid::now_v7(), Uuid::now_v7(), Duration::from_mins(1));
    assert!(
        queue::store::lead(&db, "periodic", first, lease)
            .await
            .unwrap()
    );
    assert!(
        !queue::store::lead(&db, "periodic", second, lease)
            .await
            .unwrap()
    );
    assert!(
        queue::store::lead(&db, "periodic", first, lease)
            .await
            .unwrap()
    );
    queue::store::resign(&db, "periodic", first).await.unwrap();
    assert!(
        queue::store::lead(&db, "periodic", second, lease)
            .await
            .unwrap()
    );
    sqlx::query("update leaders set leased_until = now() - interval '1 second'")
        .execute(&db)
        .await
        .unwrap();
    assert!(
        queue::store::lead(&db, "periodic", first, lease)
            .await
            .unwrap()
    );
}

/// Does what its number says.
#[derive(Debug, Default)]
struct Errands {
    attempts: AtomicUsize,
    counted: Mutex<Vec<&'static str>>,
}

#[async_trait::async_trait]
impl Handler for Errands {
    async fn handle(&self, claim: &Claim) -> Outcome {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        match claim.args["number"].as_u64() {
            Some(0) => Outcome::Done,
            Some(1) => panic!("a poisoned job"),
            Some(2) => std::future::pending().await,
            _ => Outcome::Dead {
                error: anyhow::anyhow!("never"),
            },
        }
    }

    fn timeout(&self, _kind: &str) -> Duration {
        Duration::from_millis(50)
    }

    fn is_slow(&self, _kind: &str) -> bool {
        false
    }

    fn count(&self, _kind: &str, outcome: &'static str) {
        self.counted.lock().unwrap().push(outcome);
    }
}

async fn run(db: &PgPool, errands: &Arc<Errands>) {
    let handler: Arc<dyn Handler> = Arc::<Errands>::clone(errands);
    Runner::new(
        db.clone(),
        handler,
        Wake::default(),
        Limits {
            slots: 4,
            lane_slots: 4,
            slow_slots: 0,
        },
    )
    .run_due()
    .await;
}

#[tokio::test]
async fn a_job_that_panics_or_hangs_is_retried_and_ends_dead() {
    for number in [1, 2] {
        let (_database, db) = database().await;
        let errands = Arc::new(Errands::default());
        enqueue(&db, &[errand(number)]).await;
        for _ in 0..Errand::ATTEMPTS_MAX {
            run(&db, &errands).await;
            make_due(&db).await;
        }
        assert_eq!(*errands.counted.lock().unwrap(), ["retry", "retry", "dead"]);
        assert_eq!(state(&db).await.as_deref(), Some("dead"));
    }
}

#[tokio::test]
async fn a_job_is_done_once_and_one_that_can_never_be_is_tried_once() {
    let (_database, db) = database().await;
    let errands = Arc::new(Errands::default());
    enqueue(&db, &[errand(0)]).await;
    run(&db, &errands).await;
    run(&db, &errands).await;
    assert_eq!(errands.attempts.load(Ordering::Relaxed), 1);
    assert_eq!(state(&db).await, None);
    enqueue(&db, &[errand(9)]).await;
    run(&db, &errands).await;
    assert_eq!(state(&db).await.as_deref(), Some("dead"));
    assert_eq!(*errands.counted.lock().unwrap(), ["done", "dead"]);
}

#[tokio::test]
async fn what_is_cut_off_at_a_stop_is_given_back_uncounted() {
    let (_database, db) = database().await;
    enqueue(&db, &[errand(2)]).await;
    let handler: Arc<dyn Handler> = Arc::new(Slow);
    let runner = Runner::new(
        db.clone(),
        handler,
        Wake::default(),
        Limits {
            slots: 4,
            lane_slots: 4,
            slow_slots: 0,
        },
    );
    let stop = tokio_util::sync::CancellationToken::new();
    let running = runner.run(stop.clone(), Duration::from_millis(20));
    let stopping = async {
        crate::deadline::eventually(Duration::from_secs(10), "the job runs", async || {
            (state(&db).await.as_deref() == Some("running")).then_some(())
        })
        .await;
        stop.cancel();
    };
    tokio::join!(running, stopping);
    let attempt: i32 = sqlx::query_scalar("select attempt from jobs")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(
        (state(&db).await.as_deref(), attempt),
        (Some("available"), 0)
    );
}

/// Never done.
#[derive(Debug)]
struct Slow;

#[async_trait::async_trait]
impl Handler for Slow {
    async fn handle(&self, _claim: &Claim) -> Outcome {
        std::future::pending().await
    }

    fn timeout(&self, _kind: &str) -> Duration {
        Duration::from_mins(1)
    }

    fn is_slow(&self, _kind: &str) -> bool {
        false
    }

    fn count(&self, _kind: &str, _outcome: &'static str) {}
}
