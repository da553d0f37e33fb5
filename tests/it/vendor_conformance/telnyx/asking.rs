//! How Telnyx is asked, and what else its adapter makes of its answers and of its proofs.

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::DateTime;
use onhook::{
    domain::{connection::AnsweredBy, id::CallId, report::ProviderCallId, text::Text},
    providers::{
        Access, CallOrder, HangUpOrder, InboundError, InboundRequest, LookUp, Providers, Search,
    },
};
use serde_json::{Value, json};

use crate::provider_double::{ProviderDouble, Reply};

use super::{
    super::{
        connection, egress,
        vendor::{from, to},
    },
    ENDED, NOT_FOUND, VENDOR, credentials, event, key, page, signed,
};
#[tokio::test]
async fn telnyx_is_given_the_same_command_id_at_each_repetition() {
    let ok = || Reply::json(200, r#"{"data":{"result":"ok"}}"#);
    let double = ProviderDouble::start([ok(), ok()]);
    let connection = connection(&VENDOR, double.base_url());
    let egress = egress();
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let hang_up = HangUpOrder {
        call: &ProviderCallId::parse("v3:1/2").unwrap(),
        request_id: "0199f0a0-0000-7000-8000-000000000001".parse().unwrap(),
        answered: true,
    };
    let telnyx = Providers::default().named("telnyx").unwrap();
    for _ in 0..2 {
        telnyx.end(&access, &hang_up).await.unwrap();
    }
    for asked in double.requests() {
        assert_eq!(asked.method, "POST");
        assert_eq!(asked.target, "/v2/calls/v3:1%2F2/actions/hangup");
        assert_eq!(asked.header("authorization"), "Bearer hush");
        assert_eq!(asked.header("content-type"), "application/json");
        let command = r#"{"command_id":"0199f0a0-0000-7000-8000-000000000001"}"#;
        assert_eq!(asked.body, command);
    }
}

#[tokio::test]
async fn telnyx_is_given_an_order_as_its_api_documents() {
    let placed = || Reply::json(200, r#"{"data":{"call_control_id":"v3:1"}}"#);
    let double = ProviderDouble::start([placed(), placed(), placed()]);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let server = AnsweredBy::Url("https://agent.example.com/voice?a=b".parse().unwrap());
    let assistant = AnsweredBy::Application(Text::parse("assistant-1").unwrap());
    let (from, to) = (from(), to());
    let ours = "https://calls.example.com/inbound/telnyx/c1?call=z";
    let order = CallOrder {
        from: &from,
        to: &to,
        extension: Some("123"),
        answered_by: &assistant,
        told: &[("call_id", "a&b")],
        status_callback: ours,
        call_id: "0199f0a0-0000-7000-8000-000000000002".parse().unwrap(),
        max_duration: Some(Duration::from_secs(59)),
    };
    let telnyx = Providers::default().named("telnyx").unwrap();
    telnyx.create(&access, &order).await.unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/v2/calls")
    );
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let state = BASE64_STANDARD.encode("0199f0a0-0000-7000-8000-000000000002");
    let expected = json!({
        "connection_id": "APPLICATION",
        "to": "+14155550148",
        "from": "+14155550100",
        "assistant": {"id": "assistant-1", "dynamic_variables": {"call_id": "a&b"}},
        "webhook_url": ours,
        "webhook_url_method": "POST",
        "command_id": "0199f0a0-0000-7000-8000-000000000002",
        "client_state": state,
        "timeout_secs": 60,
        // Telnyx takes 60 to 14,400 seconds.
        "time_limit_secs": 60,
        "send_digits_on_answer": "W123",
    });
    assert_eq!(body, expected);

    let max_duration = Some(Duration::from_secs(14_401));
    let order = CallOrder {
        answered_by: &server,
        max_duration,
        extension: None,
        ..order
    };
    telnyx.create(&access, &order).await.unwrap();
    let body: Value = serde_json::from_str(&double.requests()[1].body).unwrap();
    let theirs = "https://agent.example.com/voice?a=b&call_id=a%26b";
    assert_eq!(body["webhook_url"], theirs);
    assert_eq!(body["webhook_urls"]["call.hangup"], json!([ours, theirs]));
    assert_eq!(body["webhook_urls"].as_object().unwrap().len(), 5);
    assert_eq!(body["time_limit_secs"], 14_400);
    assert_eq!(
        (body.get("assistant"), body.get("send_digits_on_answer")),
        (None, None)
    );
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_found_by_the_state_that_it_was_given() {
    let call_id: CallId = "0199f0a0-0000-7000-8000-000000000002".parse().unwrap();
    let active = |name: &str, state: &str| json!({"call_control_id": name, "client_state": state, "record_type": "call"});
    let ours = BASE64_STANDARD.encode(call_id.to_string());
    let others = page(&[active("v3:1", "aGF2ZSBhIG5pY2UgZGF5ID1d")], Some("more"));
    let none = active("v3:2", "");
    let double = ProviderDouble::start([
        Reply::json(200, others.clone()),
        Reply::json(200, page(&[none, active("v3:3", &ours)], Some("yet more"))),
        Reply::json(200, page(&[], None)),
        Reply::json(200, others.clone()),
        Reply::json(200, others),
        Reply::json(404, NOT_FOUND),
    ]);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let (from, to) = (from(), to());
    let search = Search {
        call_id,
        from: &from,
        to: &to,
        since: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
    };
    let telnyx = Providers::default().named("telnyx").unwrap();
    let found = telnyx.created_since(&access, &search).await.unwrap();
    let found: Vec<&str> = found.iter().map(ProviderCallId::as_str).collect();
    assert_eq!(found, ["v3:3"]);
    let asked = double.requests();
    let path = "/v2/connections/APPLICATION/active_calls?page%5Bsize%5D=250";
    assert_eq!(asked[0].target, path);
    assert_eq!(asked[1].target, format!("{path}&page%5Bafter%5D=more"));
    // Not there; and a list that leads to itself is left.
    for requests in [3, 5] {
        assert!(
            telnyx
                .created_since(&access, &search)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(double.requests().len(), requests);
    }
    telnyx.created_since(&access, &search).await.unwrap_err();
}

#[tokio::test]
async fn telnyxs_status_of_a_call_is_read() {
    let kept = include_str!("../../../fixtures/telnyx/call.json");
    let double = ProviderDouble::start([Reply::json(200, kept), Reply::json(422, ENDED)]);
    let (connection, egress) = (connection(&VENDOR, double.base_url()), egress());
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let telnyx = Providers::default().named("telnyx").unwrap();
    let call = ProviderCallId::parse("v3:1").unwrap();
    let LookUp::Known(over) = telnyx.look_up(&access, &call).await.unwrap() else {
        panic!("not known");
    };
    let at = over.occurred_at.unwrap();
    assert_eq!(at.to_rfc3339(), "2019-01-23T18:11:52.574+00:00");
    let session = over.leg.conversation.unwrap();
    assert_eq!(session.as_str(), "2dc1b3c8-f9e0-11ea-bc5a-02420a0f7768");
    assert_eq!(over.facts.duration_s, None);
    let LookUp::Known(over) = telnyx.look_up(&access, &call).await.unwrap() else {
        panic!("not known");
    };
    assert_eq!(over.occurred_at, None);
}

#[test]
fn a_signature_by_another_key_or_none_proves_nothing() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let posted = signed("u", &event("v3:1", "call.hangup", now), now);
    let read = |key: Option<String>| {
        let mut credentials = credentials();
        credentials.signing_secret = key.map(Into::into);
        let request = InboundRequest {
            url: &posted.url,
            headers: &posted.headers,
            body: &posted.body,
            received_at: now,
        };
        let telnyx = Providers::default().named("telnyx").unwrap();
        telnyx
            .read(&request, &credentials)
            .map(|reports| reports.len())
    };
    let ours = BASE64_STANDARD.encode(key().public_key());
    assert_eq!(read(Some(format!(" {ours}\n"))), Ok(1));
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    let other = BASE64_STANDARD.encode(other.public_key());
    for key in [
        None,
        Some(String::new()),
        Some("?".to_owned()),
        Some("AAAA".to_owned()),
        Some(other),
    ] {
        assert_eq!(read(key), Err(InboundError::Unverified));
    }
}
