//! What a slow, a dead and a hostile endpoint cost the others: nothing. Counts and order are compared, never times.

use std::{
    collections::HashMap,
    io,
    net::IpAddr,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use onhook::{
    domain::{delivery::AttemptOutcome, event::EventType, id::EndpointId},
    egress::{Egress, address::AddressPolicy, resolve::Lookup},
};
use tokio_util::sync::CancellationToken;

use super::fixture::{Hooks, sole};
use crate::{
    deadline::eventually,
    egress::{server, speak_no_tls},
    receiver::{Receiver, Reply},
};

const BOTH: &[EventType] = &[EventType::CallEnded, EventType::CallAnalyzed];

/// Endpoints that answer at once.
const FAST: usize = 20;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Keeps requests waiting until it opens, or for 25 seconds: longer than a sender has patience.
#[derive(Debug, Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn wait(&self) {
        let open = self.open.lock().unwrap();
        let waited = self
            .opened
            .wait_timeout_while(open, Duration::from_secs(25), |open| !*open);
        drop(waited.unwrap());
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

async fn fast_endpoints(hooks: &Hooks) -> Vec<Receiver> {
    let mut fast = Vec::new();
    for _ in 0..FAST {
        let receiver = Receiver::start();
        hooks.endpoint(&receiver.url(), &[]).await;
        fast.push(receiver);
    }
    fast
}

/// Emits the end and the analysis of so many calls, fifty events in a second, while an engine delivers, until every fast endpoint has all.
/// Answers when that is so, with the engine still running.
async fn deliver(hooks: &Hooks, fast: &[Receiver], calls: usize, meanwhile: impl AsyncFnOnce()) {
    let stop = CancellationToken::new();
    let engine = hooks.engine().run(stop.clone(), Duration::from_secs(1));
    let emitting = async {
        let mut pace = tokio::time::interval(Duration::from_millis(40));
        for _ in 0..calls {
            pace.tick().await;
            hooks.emit(&hooks.call(), BOTH).await;
            hooks.deliverer.wake.wake();
        }
        let all = async || {
            let have_all = |receiver: &Receiver| receiver.received().len() == 2 * calls;
            fast.iter().all(have_all).then_some(())
        };
        eventually(PATIENCE, "every fast endpoint has everything", all).await;
        meanwhile().await;
        stop.cancel();
    };
    tokio::join!(engine, emitting);
    for receiver in fast {
        let mut told: HashMap<String, Vec<String>> = HashMap::new();
        for got in receiver.received() {
            let call_id = got.json()["data"]["id"].as_str().unwrap().to_owned();
            told.entry(call_id).or_default().push(got.event_type());
        }
        assert_eq!(told.len(), calls);
        let in_order = |types: &Vec<String>| *types == ["call.ended", "call.analyzed"];
        assert!(told.values().all(in_order), "{told:?}");
    }
}

#[tokio::test]
async fn fast_endpoints_have_everything_before_a_slow_one_has_answered_once() {
    const CALLS: usize = 100;
    let hooks = Hooks::boot().await;
    let (gate, answered) = (Arc::new(Gate::default()), Arc::new(AtomicBool::new(false)));
    let (waits, said) = (Arc::clone(&gate), Arc::clone(&answered));
    let slow = Receiver::scripted(move |_, _| {
        waits.wait();
        said.store(true, Ordering::SeqCst);
        Reply::Status(204)
    });
    hooks.endpoint(&slow.url(), &[]).await;
    let fast = fast_endpoints(&hooks).await;
    deliver(&hooks, &fast, CALLS, async || {
        assert!(
            !answered.load(Ordering::SeqCst),
            "the slow one was waited for"
        );
        // Its window is ten, and what it does not answer is not sent anew meanwhile.
        let asked = slow.received().len();
        assert!(
            (1..=10).contains(&asked),
            "{asked} requests to the slow one"
        );
        gate.open();
    })
    .await;
}

#[tokio::test]
async fn hostile_endpoints_are_bounded_and_cost_the_others_nothing() {
    const CALLS: usize = 50;
    let hooks = Hooks::boot().await;
    let inside = Receiver::start();
    let redirect = Reply::Answer {
        status: 302,
        headers: vec![("location", inside.url())],
        body: Vec::new(),
    };
    let hostile = [
        (Receiver::always(Reply::Drip), AttemptOutcome::TimedOut),
        (Receiver::always(Reply::Endless), AttemptOutcome::Succeeded),
        (Receiver::always(Reply::HugeHead), AttemptOutcome::Protocol),
        (Receiver::always(redirect), AttemptOutcome::Redirected),
        (Receiver::always(Reply::Reset), AttemptOutcome::Reset),
        (
            Receiver::always(Reply::CloseOnAccept),
            AttemptOutcome::Reset,
        ),
        (
            Receiver::always(Reply::Raw(b"220 mail.example ESMTP\r\n".to_vec())),
            AttemptOutcome::Protocol,
        ),
    ];
    let mut expected = Vec::new();
    for (receiver, outcome) in &hostile {
        let (endpoint_id, _) = hooks.endpoint(&receiver.url(), &[]).await;
        expected.push((endpoint_id, *outcome));
    }
    let (plain, _) = server(speak_no_tls);
    let (endpoint_id, _) = hooks.endpoint(&format!("https://{plain}/"), &[]).await;
    expected.push((endpoint_id, AttemptOutcome::Tls));
    let fast = fast_endpoints(&hooks).await;
    deliver(&hooks, &fast, CALLS, async || {
        for (endpoint_id, outcome) in expected {
            let came = async || first_outcome(&hooks, endpoint_id).await;
            let came = eventually(PATIENCE, "an attempt is over", came).await;
            assert_eq!(came, outcome);
        }
    })
    .await;
    assert!(inside.received().is_empty());

    let (endless, _) = &hostile[1];
    let taken = endless.endless_bytes();
    let requests = u64::try_from(endless.received().len()).unwrap();
    // 64 KiB are kept of an answer; the rest is what the sockets hold.
    assert!(
        taken <= requests * 16 * 1024 * 1024,
        "{taken} bytes were read in {requests} answers"
    );
    let kept = "greatest((select max(length(response_body)) from deliveries), (select max(length(response_body)) from attempts))";
    let statement = sqlx::AssertSqlSafe(format!("select {kept}"));
    let kept: i32 = sqlx::query_scalar(statement)
        .fetch_one(&hooks.db)
        .await
        .unwrap();
    assert_eq!(kept, 65_536);
}

/// How the first attempt at an endpoint that was written down ended.
async fn first_outcome(hooks: &Hooks, endpoint_id: EndpointId) -> Option<AttemptOutcome> {
    sqlx::query_scalar(
        "select outcome from deliveries where endpoint_id = $1
         union all
         select a.outcome from attempts a join delivery_queue q on q.account_id = a.account_id and q.delivery_id = a.delivery_id
         where q.endpoint_id = $1
         limit 1",
    )
    .bind(endpoint_id.uuid())
    .fetch_optional(&hooks.db)
    .await
    .unwrap()
}

/// A name that leads to the receiver until it moves, and to this host by another address from then on.
#[derive(Debug, Default)]
struct Moving(AtomicBool);

#[async_trait]
impl Lookup for Moving {
    async fn addresses(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let moved = self.0.load(Ordering::SeqCst);
        let address = if moved { "127.0.0.2" } else { "127.0.0.1" };
        Ok(vec![address.parse().unwrap()])
    }
}

#[tokio::test]
async fn a_name_that_moves_inside_between_check_and_connect_is_not_dialled() {
    let mut hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    let moving = Arc::new(Moving::default());
    let lookup: Arc<dyn Lookup> = Arc::<Moving>::clone(&moving);
    // 127.0.0.1 stands for a public address, the rest of the network for what is inside.
    let policy = AddressPolicy::parse("127.0.0.1/32").unwrap();
    hooks.deliverer.egress = Egress::with_lookup(policy, lookup).unwrap();
    let url = receiver.url().replace("127.0.0.1", "moving.example");
    hooks.endpoint(&url, &[EventType::CallEnded]).await;
    moving.0.store(true, Ordering::SeqCst);
    hooks.emit(&hooks.call(), BOTH).await;
    hooks.run_due().await;
    let attempt = sole(hooks.attempts().await).attempt;
    assert_eq!(attempt.outcome, AttemptOutcome::RefusedAddress);
    assert!(receiver.received().is_empty());

    // Back outside, it is told what it missed.
    moving.0.store(false, Ordering::SeqCst);
    hooks.make_due().await;
    hooks.run_due().await;
    assert_eq!(sole(receiver.received()).event_type(), "call.ended");
}
