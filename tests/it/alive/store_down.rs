//! A report whose commit fails is answered 503, whatever the database's reason: reporters send it again after that, and lose it after a
//! 500.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::Alive;

/// Ways in which the database refuses, and how each is mended: a table that is not there, a value that a constraint does not let
/// pass, a value that the database cannot hold, a statement that takes too long, no writing.
const WAYS: [(&str, &str); 5] = [
    (
        "alter table receipts rename to gone",
        "alter table gone rename to receipts",
    ),
    (
        "alter table receipts add constraint c check (kind <> 'ended') not valid",
        "alter table receipts drop constraint c",
    ),
    (
        "create function f() returns trigger language plpgsql as 'begin perform 1 / 0; end';
         create trigger t before insert on receipts for each row execute function f()",
        "drop trigger t on receipts; drop function f()",
    ),
    (
        "create function f() returns trigger language plpgsql as 'begin perform pg_sleep(8); return new; end';
         create trigger t before insert on receipts for each row execute function f()",
        "drop trigger t on receipts; drop function f()",
    ),
    (
        "create function f() returns trigger language plpgsql as
         'begin raise exception using errcode = ''25006''; end';
         create trigger t before insert on receipts for each row execute function f()",
        "drop trigger t on receipts; drop function f()",
    ),
];

async fn execute(alive: &Alive, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&alive.app.db).await.unwrap();
}

fn ended(sid: &str) -> [(&str, &str); 4] {
    [
        ("CallSid", sid),
        ("CallStatus", "completed"),
        ("From", "+14155550148"),
        ("To", super::OURS),
    ]
}

#[tokio::test]
async fn a_callback_that_cannot_be_committed_is_answered_503_and_taken_when_it_comes_again() {
    let alive = Alive::boot([]).await;
    for (number, (broken, mended)) in WAYS.into_iter().enumerate() {
        let sid = format!("CA-{number}");
        execute(&alive, broken).await;
        assert_eq!(alive.post(&ended(&sid)).await, 503, "{broken}");
        execute(&alive, mended).await;
        assert_eq!(alive.post(&ended(&sid)).await, 204, "{broken}");
        let call = alive.id(&sid).await;
        assert_eq!(alive.read(&call).await["call_status"], "completed");
    }
}

#[tokio::test]
async fn a_callback_whose_leg_or_connection_or_place_cannot_be_looked_up_is_answered_503() {
    let alive = Alive::boot([]).await;
    let pairs = [
        ("CallSid", "CA1"),
        ("CallStatus", "in-progress"),
        ("ParentCallSid", "CA0"),
    ];
    let recording = [
        ("CallSid", "CA9"),
        ("RecordingSid", "RE1"),
        ("RecordingStatus", "completed"),
        ("RecordingUrl", "https://api.twilio.com/RE1"),
    ];
    for (broken, mended) in [
        (
            "alter table legs rename to gone",
            "alter table gone rename to legs",
        ),
        (
            "alter table connections rename to gone",
            "alter table gone rename to connections",
        ),
    ] {
        execute(&alive, broken).await;
        assert_eq!(alive.post(&pairs).await, 503, "{broken}");
        execute(&alive, mended).await;
    }
    assert_eq!(alive.post(&pairs).await, 204);
    let legs = alive.number("select count(*) from legs").await;
    assert_eq!(legs, 1, "the repetition wrote down what the first did not");
    execute(&alive, "alter table parked_reports rename to gone").await;
    assert_eq!(alive.post(&recording).await, 503);
    execute(&alive, "alter table gone rename to parked_reports").await;
    assert_eq!(alive.post(&recording).await, 204);
}

#[tokio::test]
async fn a_voip_post_that_cannot_be_committed_is_answered_503() {
    let alive = Alive::boot([]).await;
    let post = async || {
        let body = json!({
            "CallId": "CA1", "From": "+14155550148", "To": super::OURS, "Direction": "incoming", "CallStatus": "completed",
        });
        let request = alive.app.request(Method::POST, "/api/v1/voip/call-end");
        let answer = request.json(&body).send().await.unwrap();
        (
            answer.status(),
            answer.headers().contains_key("retry-after"),
        )
    };
    let nobody = (
        "alter table accounts rename to gone",
        "alter table gone rename to accounts",
    );
    for (broken, mended) in [nobody, WAYS[0]] {
        execute(&alive, broken).await;
        assert_eq!(
            post().await,
            (StatusCode::SERVICE_UNAVAILABLE, true),
            "{broken}"
        );
        execute(&alive, mended).await;
    }
    assert_eq!(post().await, (StatusCode::OK, false));
}
