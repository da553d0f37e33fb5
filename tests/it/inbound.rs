//! Callbacks of providers, from the post to the record.

use onhook::{
    calls::connect::NewConnection,
    domain::{
        account::VoipMode,
        connection::Credentials,
        id::{AccountId, ConnectionId},
    },
};
use reqwest::Method;
use url::form_urlencoded::Serializer;

use crate::{app::TestApp, contract::RequestBuilder, form_signature::form_signature};

const PUBLIC_URL: &str = "https://calls.example.com/onhook";
const TOKEN: &str = "an auth token";

type Pairs<'a> = Vec<(&'a str, &'a str)>;

struct Inbound {
    app: TestApp,
    account_id: AccountId,
    path: String,
}

async fn inbound() -> Inbound {
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)]).await;
    let account_id = app.default_account().await.id;
    let connection_id = add(&app, account_id, "twilio").await;
    Inbound {
        path: format!("/inbound/twilio/{connection_id}"),
        account_id,
        app,
    }
}

async fn add(app: &TestApp, account_id: AccountId, vendor: &str) -> ConnectionId {
    let new = NewConnection {
        account_id,
        vendor: vendor.to_owned(),
        base_url: Some("http://127.0.0.1:9/".to_owned()),
        credentials: Credentials {
            account: "AC1".to_owned(),
            key_id: None,
            secret: TOKEN.into(),
            signing_secret: None,
        },
        numbers: Vec::new(),
        answered_by: None,
    };
    app.connect(new).await
}

fn call<'a>(status: &'a str, sequence: &'a str, at: &'a str) -> Pairs<'a> {
    vec![
        ("CallSid", "CA1"),
        ("CallStatus", status),
        ("SequenceNumber", sequence),
        ("Timestamp", at),
        ("From", "+14155550100"),
        ("To", "+14155550148"),
        ("Direction", "inbound"),
        ("CallDuration", "42"),
    ]
}

const RINGING: &str = "Tue, 21 Oct 2025 18:00:00 +0000";
const ANSWERED: &str = "Tue, 21 Oct 2025 18:00:05 +0000";
const OVER: &str = "Tue, 21 Oct 2025 18:00:47 +0000";

fn body(pairs: &Pairs<'_>) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Inbound {
    /// A request to a path, with this signature over a form.
    fn request(&self, path: &str, signature: &str, body: String) -> RequestBuilder {
        self.app
            .request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-twilio-signature", signature)
            .body(body)
    }

    /// Posts as Twilio does.
    async fn post(&self, pairs: Pairs<'_>) -> u16 {
        let signature = form_signature(TOKEN, &format!("{PUBLIC_URL}{}", self.path), &pairs);
        let request = self.request(&self.path, &signature, body(&pairs));
        request.send().await.unwrap().status().as_u16()
    }

    async fn count(&self, table: &'static str) -> i64 {
        let sql = match table {
            "calls" => "select count(*) from calls",
            _ => "select count(*) from receipts",
        };
        sqlx::query_scalar(sql)
            .fetch_one(&self.app.db)
            .await
            .unwrap()
    }

    /// State, seconds of ringing, seconds of talk, recording.
    async fn call(&self) -> (String, i32, i32, Option<String>) {
        sqlx::query_as(
            "select state::text, extract(epoch from answered_at - ringing_at)::int, duration_s, recording_url
             from calls where account_id = $1 and provider = 'twilio' and provider_call_id = 'CA1'
               and connection_id is not null and from_e164 = '+14155550100' and direction = 'inbound'",
        )
        .bind(self.account_id.uuid())
        .fetch_one(&self.app.db)
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn verified_callbacks_become_one_call_whatever_their_order() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let inbound = inbound().await;
        let posts = [
            call("ringing", "0", RINGING),
            call("in-progress", "1", ANSWERED),
            call("completed", "2", OVER),
        ];
        for post in order {
            assert_eq!(inbound.post(posts[post].clone()).await, 204);
        }
        let recorded = inbound.call().await;
        assert_eq!(recorded, ("completed".to_owned(), 5, 42, None), "{order:?}");
        assert_eq!(inbound.count("calls").await, 1);
    }
}

#[tokio::test]
async fn the_same_callback_again_changes_nothing() {
    let inbound = inbound().await;
    let again = || inbound.post(call("completed", "2", OVER));
    let answers = tokio::join!(again(), again(), again(), again());
    assert_eq!(answers, (204, 204, 204, 204));
    // A retry carries the same event; what else it says does not make it another.
    let mut retried = call("completed", "2", OVER);
    retried.push(("CallerName", "somebody"));
    assert_eq!(inbound.post(retried).await, 204);
    assert_eq!(inbound.count("calls").await, 1);
    assert_eq!(inbound.count("receipts").await, 1);
    assert_eq!(inbound.app.jobs("analyze").await, 1);
}

#[tokio::test]
async fn a_recording_is_added_to_the_call_that_has_ended() {
    let inbound = inbound().await;
    for status in [
        ("ringing", RINGING),
        ("in-progress", ANSWERED),
        ("completed", OVER),
    ] {
        assert_eq!(inbound.post(call(status.0, "0", status.1)).await, 204);
    }
    let url = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1";
    let recording = vec![
        ("CallSid", "CA1"),
        ("RecordingSid", "RE1"),
        ("RecordingStatus", "completed"),
        ("RecordingUrl", url),
    ];
    assert_eq!(inbound.post(recording).await, 204);
    let (state, _, _, recording) = inbound.call().await;
    assert_eq!(
        (state.as_str(), recording.as_deref()),
        ("completed", Some(url))
    );
}

#[tokio::test]
async fn what_tells_nothing_of_a_call_is_answered_and_not_kept() {
    let inbound = inbound().await;
    assert_eq!(inbound.post(call("levitating", "0", RINGING)).await, 204);
    let started = vec![("CallSid", "CA1"), ("RecordingStatus", "in-progress")];
    assert_eq!(inbound.post(started).await, 204);
    assert_eq!(inbound.post(vec![("CallStatus", "completed")]).await, 400);
    assert_eq!(inbound.post(vec![("CallSid", "CA1")]).await, 400);
    assert_eq!(inbound.count("receipts").await, 0);
}

#[tokio::test]
async fn a_stranger_leaves_no_row_and_learns_nothing() {
    let inbound = inbound().await;
    let other = inbound.app.account("other", VoipMode::Key).await;
    let room_server = add(&inbound.app, other.id, "livekit").await;
    let pairs = call("completed", "2", OVER);
    let ours = format!("{PUBLIC_URL}{}", inbound.path);
    let genuine = form_signature(TOKEN, &ours, &pairs);
    let by_host = form_signature(TOKEN, &inbound.app.url(&inbound.path), &pairs);
    let unknown = format!("/inbound/twilio/{}", ConnectionId::generate());
    let to_unknown = form_signature(TOKEN, &format!("{PUBLIC_URL}{unknown}"), &pairs);
    let to_rooms = format!("/inbound/twilio/{room_server}");
    let with_query = format!("{}?x=y", inbound.path);
    let mut answers = Vec::new();
    for (path, signature, body) in [
        (inbound.path.as_str(), "", body(&pairs)),
        (&inbound.path, "AAAA", body(&pairs)),
        (&inbound.path, by_host.as_str(), body(&pairs)),
        (&inbound.path, &genuine, body(&call("failed", "2", OVER))),
        (&inbound.path, &genuine, String::new()),
        (&with_query, &genuine, body(&pairs)),
        (&unknown, &to_unknown, body(&pairs)),
        (&to_rooms, &genuine, body(&pairs)),
        ("/inbound/twilio/nobody", &genuine, body(&pairs)),
    ] {
        let request = inbound.request(path, signature, body);
        let answer = request
            .header("x-forwarded-host", "calls.example.com")
            .send()
            .await
            .unwrap();
        answers.push((answer.status().as_u16(), told(answer).await));
    }
    let json = inbound.request(&inbound.path, &genuine, body(&pairs));
    let json = json
        .header("content-type", "application/json")
        .send()
        .await
        .unwrap();
    answers.push((json.status().as_u16(), told(json).await));
    for answer in &answers {
        assert_eq!(answer.0, 401, "{answer:?}");
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(
        inbound.count("calls").await + inbound.count("receipts").await,
        0
    );
}

/// What an answer says besides which request it answers.
async fn told(answer: reqwest::Response) -> serde_json::Value {
    let mut problem: serde_json::Value = answer.json().await.unwrap();
    for member in ["instance", "request_id"] {
        assert!(problem.as_object_mut().unwrap().remove(member).is_some());
    }
    problem
}

#[tokio::test]
async fn requests_out_of_bounds_are_refused() {
    let inbound = inbound().await;
    let huge = inbound.request(&inbound.path, "AAAA", "x".repeat(256 * 1024 + 1));
    assert_eq!(huge.send().await.unwrap().status(), 413);
    let unknown = inbound.request("/inbound/pigeon/1", "AAAA", String::new());
    assert_eq!(unknown.send().await.unwrap().status(), 404);
    let get = inbound.app.unchecked(Method::GET, &inbound.path);
    assert_eq!(get.send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_database_that_is_away_is_503_so_that_the_provider_tries_again() {
    let inbound = inbound().await;
    inbound.app.db.close().await;
    let pairs = call("completed", "2", OVER);
    let signature = form_signature(TOKEN, &format!("{PUBLIC_URL}{}", inbound.path), &pairs);
    let answer = inbound
        .request(&inbound.path, &signature, body(&pairs))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "1");
}
