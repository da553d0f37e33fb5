//! Jobs that wait for others for long: they have slots of their own, and take none of the others'.

use super::*;

/// Holds what is slow for ever, and does the rest.
#[derive(Debug, Default)]
struct Mixed {
    done: AtomicUsize,
}

#[async_trait::async_trait]
impl Handler for Mixed {
    async fn handle(&self, claim: &Claim) -> Outcome {
        if self.is_slow(&claim.kind) {
            std::future::pending::<()>().await;
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        Outcome::Done
    }

    fn timeout(&self, _kind: &str) -> Duration {
        Duration::from_mins(1)
    }

    fn is_slow(&self, kind: &str) -> bool {
        kind == Long::KIND
    }

    fn count(&self, _kind: &str, _outcome: &'static str) {}
}

#[derive(Debug, Serialize, Deserialize)]
struct Long {}

impl Job for Long {
    const KIND: &'static str = "long";
    const ATTEMPTS_MAX: i32 = 3;
    const TIMEOUT: Duration = Duration::from_mins(1);
}

#[tokio::test]
async fn slow_jobs_have_slots_of_their_own_and_no_more_than_those() {
    let (_database, db) = database().await;
    let lanes = [Lane(Uuid::from_u128(1)), Lane(Uuid::from_u128(2))];
    let long = |lane: &Lane| NewJob::new(AccountId::generate(), &Long {}).in_lane(*lane);
    for _ in 0..5 {
        enqueue(&db, &lanes.iter().map(long).collect::<Vec<_>>()).await;
    }
    let errands: Vec<NewJob> = (0..20).map(errand).collect();
    enqueue(&db, &errands).await;
    let mixed = Arc::new(Mixed::default());
    let handler: Arc<dyn Handler> = Arc::<Mixed>::clone(&mixed);
    let limits = Limits {
        slots: 1,
        lane_slots: 2,
        slow_slots: 4,
    };
    let runner = Runner::new(db.clone(), handler, Wake::default(), limits);
    let stop = tokio_util::sync::CancellationToken::new();
    let running = runner.run(stop.clone(), Duration::from_millis(20));
    let looking = async {
        crate::deadline::eventually(Duration::from_secs(20), "the rest is done", async || {
            (mixed.done.load(Ordering::Relaxed) == 20).then_some(())
        })
        .await;
        let held = "select count(*) from jobs where state = 'running'";
        let held: i64 = sqlx::query_scalar(held).fetch_one(&db).await.unwrap();
        stop.cancel();
        held
    };
    let ((), held) = tokio::join!(running, looking);
    assert_eq!(held, 4, "two of each lane, whatever waits");
}
