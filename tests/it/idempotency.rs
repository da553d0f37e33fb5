//! `Idempotency-Key`: made again, a request makes nothing and is answered again, whatever died in between.

use std::time::Duration;

use onhook::{
    domain::account::{KeyKind, VoipMode},
    store,
};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{
    app::{TestAccount, TestApp},
    contract::RequestBuilder,
    deadline::eventually,
    receiver::Receiver,
};

const LONG: Duration = Duration::from_secs(20);

const ENDPOINTS: &str = "/v1/webhook-endpoints";

/// An account that adds an endpoint, again and again.
struct Scene {
    app: TestApp,
    account: TestAccount,
    receiver: Receiver,
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::boot().await;
        let account = app.account("acme", VoipMode::Key).await;
        let receiver = Receiver::start();
        Self {
            app,
            account,
            receiver,
        }
    }

    fn add(&self, key: &str) -> RequestBuilder {
        let body = json!({"url": self.receiver.url()});
        self.add_as(&self.account.key, key, &body)
    }

    fn add_as(&self, credential: &str, key: &str, body: &Value) -> RequestBuilder {
        let request = self.app.post(ENDPOINTS, credential);
        request.header("idempotency-key", key).json(body)
    }

    async fn count(&self, table: &str) -> i64 {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(count)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }
}

/// The status, whether it is an answer given again, and the body.
async fn told(request: RequestBuilder) -> (u16, bool, Value) {
    read(request.send().await.unwrap()).await
}

async fn read(answer: Response) -> (u16, bool, Value) {
    let again = answer
        .headers()
        .get("idempotent-replayed")
        .is_some_and(|replayed| replayed == "true");
    (
        answer.status().as_u16(),
        again,
        answer.json().await.unwrap(),
    )
}

async fn run(db: &PgPool, statement: &'static str) {
    sqlx::query(statement).execute(db).await.unwrap();
}

/// What a process leaves behind that died in the middle of its work, a lease ago.
async fn die(db: &PgPool) {
    run(
        db,
        "update idempotency_keys set sealed_answer = null, leased_until = now()",
    )
    .await;
}

#[tokio::test]
async fn the_same_request_again_adds_nothing_and_is_answered_as_before() {
    let scene = Scene::set().await;
    let first = scene.add("k1").send().await.unwrap();
    let media = first.headers()["content-type"].clone();
    let (status, again, added) = read(first).await;
    assert_eq!((status, again), (201, false));
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"));
    for _ in 0..2 {
        let answer = scene.add("k1").send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], media);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(read(answer).await, (201, true, added.clone()));
    }
    assert_eq!(scene.count("endpoints").await, 1);
    let without = scene.app.post(ENDPOINTS, &scene.account.key);
    let without = without.json(&json!({"url": scene.receiver.url()}));
    assert_ne!(told(without).await.2["id"], added["id"]);
    assert_ne!(told(scene.add("k2")).await.2["id"], added["id"]);
    let kept: String =
        sqlx::query_scalar("select string_agg(kept::text, ' ') from idempotency_keys kept")
            .fetch_one(&scene.app.db)
            .await
            .unwrap();
    let secret = hex::encode(added["secret"].as_str().unwrap());
    assert!(!kept.contains(&secret), "it is sealed");
}

#[tokio::test]
async fn a_key_is_one_request_s_of_one_credential() {
    let scene = Scene::set().await;
    let url = scene.receiver.url();
    let (_, _, added) = told(scene.add("k1")).await;
    let other = json!({"url": url, "event_types": ["call.ended"]});
    let spaced = scene.add("k1").body(format!("{{\"url\": \"{url}\"}}"));
    for another in [scene.add_as(&scene.account.key, "k1", &other), spaced] {
        let (status, again, refused) = told(another).await;
        assert_eq!((status, again), (422, false));
        assert_eq!(refused["type"], "/problems#idempotency_key_reused");
    }
    let same = json!({"url": url});
    let colleague = scene.app.key(scene.account.id, KeyKind::App).await;
    let stranger = scene.app.account("other", VoipMode::Key).await;
    for credential in [&colleague, &stranger.key] {
        let (status, again, theirs) = told(scene.add_as(credential, "k1", &same)).await;
        assert_eq!((status, again), (201, false));
        assert_ne!(theirs["id"], added["id"]);
    }
    assert_eq!(scene.count("endpoints").await, 3);
}

#[tokio::test]
async fn a_key_has_1_to_255_printable_characters_and_stands_once() {
    let scene = Scene::set().await;
    let longest = "k".repeat(255);
    for fine in ["k", " ~!\"key\"", &longest] {
        assert_eq!(told(scene.add(fine)).await.0, 201, "{fine}");
    }
    let twice = scene.add("k1").header("idempotency-key", "k1");
    let longer = "k".repeat(256);
    for wrong in [scene.add(&longer), scene.add(""), scene.add("ключ"), twice] {
        let (status, _, refused) = told(wrong).await;
        assert_eq!(status, 400);
        assert_eq!(
            refused["errors"][0]["header"], "Idempotency-Key",
            "{refused}"
        );
    }
    assert_eq!(scene.count("endpoints").await, 3);
}

#[tokio::test]
async fn while_a_request_is_worked_on_it_is_not_done_again() {
    let scene = Scene::set().await;
    let mut lock = scene.app.db.begin().await.unwrap();
    sqlx::query("select 1 from accounts for update")
        .execute(&mut *lock)
        .await
        .unwrap();
    let meanwhile = async {
        eventually(LONG, "it is being worked on", async || {
            (scene.count("idempotency_keys").await == 1).then_some(())
        })
        .await;
        let refused = scene.add("k1").send().await.unwrap();
        assert_eq!(refused.headers()["retry-after"], "1");
        let (status, _, refused) = read(refused).await;
        assert_eq!((status, &refused["code"]), (409, &json!("in_progress")));
        lock.rollback().await.unwrap();
    };
    let (first, ()) = tokio::join!(told(scene.add("k1")), meanwhile);
    let (status, again, added) = first;
    assert_eq!((status, again), (201, false));
    assert_eq!(told(scene.add("k1")).await, (201, true, added));
    assert_eq!(scene.count("endpoints").await, 1);
}

#[tokio::test]
async fn a_client_that_goes_away_is_answered_when_it_comes_back() {
    let scene = Scene::set().await;
    let mut lock = scene.app.db.begin().await.unwrap();
    sqlx::query("select 1 from accounts for update")
        .execute(&mut *lock)
        .await
        .unwrap();
    let impatient = scene.app.unchecked(reqwest::Method::POST, ENDPOINTS);
    let impatient = impatient
        .bearer_auth(&scene.account.key)
        .header("idempotency-key", "k1")
        .json(&json!({"url": scene.receiver.url()}))
        .timeout(Duration::from_millis(300));
    impatient.send().await.unwrap_err();
    lock.rollback().await.unwrap();
    eventually(LONG, "the answer is kept", async || {
        let (status, again, _) = told(scene.add("k1")).await;
        (status == 201 && again).then_some(())
    })
    .await;
    assert_eq!(scene.count("endpoints").await, 1);
}

#[tokio::test]
async fn a_process_that_dies_after_its_commit_has_added_once() {
    let scene = Scene::set().await;
    let (_, _, added) = told(scene.add("k1")).await;
    die(&scene.app.db).await;
    let found = told(scene.add("k1")).await;
    assert_eq!(found, (201, false, added.clone()), "with its secret");
    assert_eq!(told(scene.add("k1")).await, (201, true, added));
    assert_eq!(scene.count("endpoints").await, 1);
}

#[tokio::test]
async fn a_process_that_dies_before_its_commit_blocks_the_key_for_its_lease() {
    let scene = Scene::set().await;
    told(scene.add("k1")).await;
    run(&scene.app.db, "delete from endpoints").await;
    run(
        &scene.app.db,
        "update idempotency_keys set sealed_answer = null",
    )
    .await;
    assert_eq!(told(scene.add("k1")).await.0, 409, "its lease is not out");
    let other = json!({"url": scene.receiver.url(), "event_types": []});
    let other = scene.add_as(&scene.account.key, "k1", &other);
    assert_eq!(told(other).await.0, 422, "nor is the key another's");
    die(&scene.app.db).await;
    assert_eq!(told(scene.add("k1")).await.0, 201);
    assert_eq!(scene.count("endpoints").await, 1);
}

#[tokio::test]
async fn our_own_failures_are_not_kept() {
    let scene = Scene::set().await;
    run(&scene.app.db, "alter table endpoints rename to elsewhere").await;
    assert_eq!(told(scene.add("k1")).await.0, 500);
    run(&scene.app.db, "alter table elsewhere rename to endpoints").await;
    let (status, again, added) = told(scene.add("k1")).await;
    assert_eq!((status, again), (201, false));
    assert_eq!(told(scene.add("k1")).await, (201, true, added));
}

#[tokio::test]
async fn what_was_refused_may_be_corrected_under_the_same_key() {
    let scene = Scene::set().await;
    for (wrong, status) in [
        (json!({"url": 7}), 400),
        (json!({"url": "http://10.0.0.1/"}), 422),
    ] {
        let refused = scene.add_as(&scene.account.key, "k1", &wrong);
        assert_eq!(told(refused).await.0, status);
    }
    assert_eq!(told(scene.add("k1")).await.0, 201);
}

#[tokio::test]
async fn a_refusal_of_what_was_tried_is_given_again_in_its_own_words() {
    let scene = Scene::set().await;
    let path = "/v3/communication/voice_calls";
    let body = |staff: &str| {
        json!({
            "staff_uid": staff, "client_uid": "c", "from_number": "+14155550100", "to_number": "+14155550101",
            "direction": "INBOUND", "status": "MISSED", "rate": "0.1", "provider": "VONAGE", "source_id": "x",
            "external_uuid": "e", "business_uid": scene.account.business_uid,
        })
    };
    let create = |key: &str, staff: &str| {
        let request = scene.app.post(path, &scene.account.key);
        request.header("idempotency-key", key).json(&body(staff))
    };
    let (status, _, made) = told(create("k1", "s1")).await;
    assert_eq!(status, 201);
    assert_eq!(told(create("k1", "s1")).await, (201, true, made.clone()));
    assert_eq!(
        told(create("k2", "s1")).await.0,
        200,
        "its source_id is there"
    );
    let (status, again, refused) = told(create("k3", "s2")).await;
    assert_eq!((status, again), (409, false));
    assert_eq!(refused["errors"][0]["code"], "already_exists");
    run(&scene.app.db, "delete from call_names").await;
    assert_eq!(told(create("k3", "s2")).await, (409, true, refused));
}

#[tokio::test]
async fn a_resend_is_made_once() {
    let scene = Scene::set().await;
    told(scene.add("k1")).await;
    let ended = json!({"CallId": "CA1", "From": "+1", "To": "+2", "Direction": "incoming", "CallStatus": "busy"});
    let report = scene.app.post("/api/v1/voip/call-end", &scene.account.key);
    let reported = report.json(&ended).send().await.unwrap();
    assert_eq!(reported.status(), StatusCode::OK);
    scene.app.run_jobs().await;
    let listed = told(scene.app.get("/v1/deliveries?limit=1", &scene.account.key))
        .await
        .2;
    let path = format!(
        "/v1/deliveries/{}/resend",
        listed["data"][0]["id"].as_str().unwrap()
    );
    let before = scene.receiver.received().len();
    let resend = |key: &str| {
        let request = scene.app.post(&path, &scene.account.key);
        request.header("idempotency-key", key)
    };
    for again in [false, true] {
        let (status, replayed, _) = told(resend("k2")).await;
        assert_eq!((status, replayed), (202, again));
        scene.app.run_jobs().await;
        assert_eq!(scene.receiver.received().len(), before + 1);
    }
    assert_eq!(told(resend("k3")).await.0, 202);
    scene.app.run_jobs().await;
    assert_eq!(scene.receiver.received().len(), before + 2);
}

#[tokio::test]
async fn after_a_day_a_key_is_new_and_what_was_kept_is_swept() {
    let scene = Scene::set().await;
    let lives: bool = {
        told(scene.add("k1")).await;
        sqlx::query_scalar(
            "select expires_at between now() + interval '23 hours 59 minutes' and now() + interval '24 hours'
             from idempotency_keys",
        )
        .fetch_one(&scene.app.db)
        .await
        .unwrap()
    };
    assert!(lives);
    run(
        &scene.app.db,
        "update idempotency_keys set expires_at = now()",
    )
    .await;
    assert!(!told(scene.add("k1")).await.1, "it is another request");
    assert_eq!(scene.count("endpoints").await, 2);
    told(scene.add("k2")).await;
    told(scene.add("k3")).await;
    run(
        &scene.app.db,
        "update idempotency_keys set expires_at = now()",
    )
    .await;
    told(scene.add("k4")).await;
    for (swept, left) in [(2, 2), (1, 1), (0, 1)] {
        assert_eq!(
            store::idempotency::sweep(&scene.app.db, 2).await.unwrap(),
            swept
        );
        assert_eq!(scene.count("idempotency_keys").await, left);
    }
}
