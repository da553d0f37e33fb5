//! Calls that are not placed: why not, and what the record says of it.

use std::net::TcpListener;

use onhook::domain::account::VoipMode;
use serde_json::{Value, json};

use super::{AGENT, OURS, Placing, connect, order, taken, url};
use crate::{
    provider_double::{ProviderDouble, Reply},
    receiver::{Received, Receiver},
};

/// The envelope of a service error: nothing of it is a field's fault.
fn service_error(message: &str) -> Value {
    json!({"status": "error", "message": message, "data": null})
}

#[tokio::test]
async fn a_refusal_is_told_and_stands_in_the_record() {
    let no = r#"{"code":21211,"message":"The 'To' number +11234567890 is not a valid phone number.","status":400}"#;
    let placing = Placing::boot([Reply::json(400, no)]).await;
    let receiver = Receiver::start();
    let endpoint = placing
        .app
        .post("/v1/webhook-endpoints", &placing.account.key);
    let endpoint = endpoint.json(&json!({"url": receiver.url()}));
    assert!(endpoint.send().await.unwrap().status().is_success());
    let made = placing.make(&order("123-456-7890")).await;
    assert_eq!((made.status, made.outcome.as_str()), (400, "refused"));
    let why = "refused: 21211: The 'To' number +11234567890 is not a valid phone number.";
    assert_eq!(
        made.body,
        service_error(&format!("the call was not placed: {why}"))
    );
    let call = placing.read(&made.call_id).await;
    for (field, value) in [
        ("call_status", json!("failed")),
        ("disconnect_reason", json!(why)),
        ("placement", json!("failed")),
        ("call_sid", json!(made.call_id)),
    ] {
        assert_eq!(call[field], value, "{field}");
    }
    placing.app.run_jobs().await;
    let told: Vec<String> = receiver
        .received()
        .iter()
        .map(Received::event_type)
        .collect();
    for event in ["call.started", "call.ended", "call.analyzed"] {
        assert!(told.iter().any(|told| told == event), "{event}: {told:?}");
    }
    assert_eq!(placing.asked(), 1, "nobody asks twice");
}

#[tokio::test]
async fn every_answer_is_sorted_by_whether_there_may_be_a_call() {
    let page = "<html>Bad gateway</html>";
    for (reply, outcome) in [
        (taken("CA1"), "placed"),
        (Reply::json(200, r#"{"sid":"CA1"}"#), "placed"),
        (
            Reply::json(400, r#"{"code":21201,"message":"No 'To'"}"#),
            "refused",
        ),
        (
            Reply::json(401, r#"{"code":20003,"message":"Authenticate"}"#),
            "refused",
        ),
        (Reply::json(403, "{}"), "refused"),
        (
            Reply::json(404, r#"{"code":20404,"message":"not found"}"#),
            "refused",
        ),
        // Never processed, by the provider's own word.
        (
            Reply::json(429, r#"{"code":20429,"message":"Too many"}"#),
            "refused",
        ),
        // Somebody else's words, or nobody's: there may be a call.
        (Reply::json(404, page), "placing"),
        (
            Reply::json(408, r#"{"code":1,"message":"slow"}"#),
            "placing",
        ),
        (
            Reply::json(500, r#"{"code":20500,"message":"oops"}"#),
            "placing",
        ),
        (Reply::json(502, page), "placing"),
        (Reply::json(503, ""), "placing"),
        (Reply::json(201, page), "placing"),
        (Reply::json(201, r#"{"sid":""}"#), "placing"),
        (
            Reply::json(302, "").with("location", "/elsewhere"),
            "placing",
        ),
        (Reply::Close, "placing"),
    ] {
        let shown = format!("{reply:?}");
        let placing = Placing::boot([reply]).await;
        let made = placing.make(&order("+12")).await;
        assert_eq!(made.outcome, outcome, "{shown}: {}", made.body);
        let status = if outcome == "refused" { 400 } else { 200 };
        assert_eq!(made.status, status, "{shown}");
        let placement = match outcome {
            "placed" => "placed",
            "placing" => "asking",
            _ => "failed",
        };
        let call = placing.read(&made.call_id).await;
        assert_eq!(call["placement"], placement, "{shown}");
        assert_eq!(placing.asked(), 1, "{shown}");
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_has_not_placed_a_call() {
    let placing = Placing::boot([]).await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let number = "+14155550902";
    let answered_by = Some(url("http://127.0.0.1:9/voice"));
    let gone = gone.parse().unwrap();
    connect(&placing.app, placing.account.id, gone, number, answered_by).await;
    let body = json!({"ai_agent_id": AGENT, "call_from": number, "call_to": "+12"});
    let made = placing.make(&body).await;
    assert_eq!((made.status, made.outcome.as_str()), (400, "refused"));
    assert_eq!(
        made.body["message"],
        "the call was not placed: could not be reached: no connection could be made"
    );
}

#[tokio::test]
async fn a_number_that_nobody_places_calls_from_is_refused_before_anything_is_kept() {
    let placing = Placing::boot([]).await;
    let theirs = placing.app.account("acme", VoipMode::Key).await;
    let double = ProviderDouble::start([]);
    let answers = Some(url("http://127.0.0.1:9/voice"));
    connect(
        &placing.app,
        theirs.id,
        double.base_url(),
        "+14155550903",
        answers,
    )
    .await;
    connect(
        &placing.app,
        placing.account.id,
        double.base_url(),
        "+14155550904",
        None,
    )
    .await;
    let message = "is not a number of one of the account's connections";
    for number in ["+14155550999", "+14155550903"] {
        let body = json!({"ai_agent_id": AGENT, "call_from": number, "call_to": "+12"});
        let made = placing.make(&body).await;
        assert_eq!(made.status, 400);
        let errors = json!([{"field": "call_from", "code": "invalid", "message": message}]);
        assert_eq!(made.body["errors"], errors, "{number}");
    }
    let body = json!({"ai_agent_id": AGENT, "call_from": "+14155550904", "call_to": "+12"});
    let made = placing.make(&body).await;
    assert_eq!(made.status, 400);
    assert_eq!(
        made.body,
        service_error(
            "the number's connection does not say what answers its calls; see `onhook connection answer`"
        )
    );
    let kept: i64 = sqlx::query_scalar("select count(*) from calls")
        .fetch_one(&placing.app.db)
        .await
        .unwrap();
    assert_eq!((kept, double.requests().len()), (0, 0));
}

#[tokio::test]
async fn no_more_calls_are_live_than_the_account_may_have() {
    let live = [("ONHOOK_LIVE_CALLS_MAX", "2")];
    let placing = Placing::boot_with([taken("CA1"), taken("CA2")], &live).await;
    let first = placing.make(&order("+12")).await;
    let (second, third) = tokio::join!(async { placing.make(&order("+13")).await.status }, async {
        placing.make(&order("+14")).await.status
    },);
    let mut raced = [second, third];
    raced.sort_unstable();
    assert_eq!(
        raced,
        [200, 400],
        "of two that race for the last place, one gets it"
    );
    let made = placing.make(&order("+15")).await;
    let full = "2 calls of the account are live already, and no more may be placed at once";
    assert_eq!((made.status, made.body), (400, service_error(full)));
    assert_eq!(placing.asked(), 2);

    // Whoever ends makes room; another account has its own.
    placing
        .twilio
        .then([Reply::json(200, r#"{"sid":"CA1","status":"completed"}"#)]);
    let end = placing.app.post("/calls/end", &placing.account.key);
    let end = end.json(&json!({"call_id": first.call_id}));
    assert_eq!(end.send().await.unwrap().status(), 200);
    placing.twilio.then([taken("CA3")]);
    assert_eq!(placing.make(&order("+15")).await.status, 200);
}

#[tokio::test]
async fn nothing_is_placed_where_the_operator_says_so() {
    let placing = Placing::boot_with([], &[("ONHOOK_LIVE_CALLS_MAX", "0")]).await;
    let body = json!({"ai_agent_id": AGENT, "call_from": OURS, "call_to": "+12"});
    assert_eq!(placing.make(&body).await.status, 400);
    assert_eq!(placing.asked(), 0);
}
