//! What every adapter makes of what its vendor may answer. An adapter without replies here fails.
//!
//! The replies' shapes: Twilio's API reference for the Call resource and its error dictionary (20404, 21220, 20003,
//! 20429); LiveKit's room service over twirp.

use std::time::{Duration, Instant};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use onhook::{
    domain::{
        connection::{Connection, Credentials},
        id::{AccountId, ConnectionId},
        report::{ProviderCallId, ProviderName, ReportKind},
        state::{Direction, EndState},
    },
    egress::{Egress, address::AddressPolicy},
    providers::{
        Access, Again, EndOutcome, HangUpOrder, LookUp, Provider, ProviderError, Providers,
    },
    rooms::{Room, Rooms},
};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::provider_double::{ProviderDouble, Reply};

/// What may happen when a vendor is asked to end something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Ends,
    AlreadyOver,
    Unknown,
    Refused,
    WrongCredentials,
    Forbidden,
    Throttled,
    ThrottledWithoutSaying,
    Unavailable,
    Failing,
    Silent,
    Closing,
    WebPage,
    OtherNotFound,
    Redirect,
    Huge,
}

const CASES: [Case; 16] = [
    Case::Ends,
    Case::AlreadyOver,
    Case::Unknown,
    Case::Refused,
    Case::WrongCredentials,
    Case::Forbidden,
    Case::Throttled,
    Case::ThrottledWithoutSaying,
    Case::Unavailable,
    Case::Failing,
    Case::Silent,
    Case::Closing,
    Case::WebPage,
    Case::OtherNotFound,
    Case::Redirect,
    Case::Huge,
];

/// What it must come to.
fn expected(case: Case) -> &'static str {
    match case {
        Case::Ends => "ended",
        Case::AlreadyOver => "already over",
        Case::Unknown => "not found",
        Case::Refused => "never: refused",
        Case::WrongCredentials | Case::Forbidden => "never: unauthorized",
        Case::Throttled => "later: throttled for 7s",
        Case::ThrottledWithoutSaying => "later: throttled",
        Case::Unavailable => "later: throttled for 90s",
        Case::Failing => "later: failing",
        Case::Silent => "later: timed_out",
        Case::Closing => "later: reset",
        Case::WebPage | Case::OtherNotFound | Case::Redirect | Case::Huge => "later: garbled",
    }
}

fn come_to(result: Result<EndOutcome, ProviderError>) -> String {
    let error = match result {
        Ok(EndOutcome::Ended) => return "ended".to_owned(),
        Ok(EndOutcome::AlreadyOver) => return "already over".to_owned(),
        Ok(EndOutcome::NotFound) => return "not found".to_owned(),
        Ok(EndOutcome::Requested) => return "requested".to_owned(),
        Err(error) => error,
    };
    let when = match error.again() {
        Again::Never => "never",
        Again::Later { .. } => "later",
    };
    let why = match error {
        ProviderError::Refused { .. } => "refused".to_owned(),
        ProviderError::Unauthorized { .. } => "unauthorized".to_owned(),
        ProviderError::Throttled { retry_after: None } => "throttled".to_owned(),
        ProviderError::Throttled {
            retry_after: Some(wait),
        } => format!("throttled for {wait:?}"),
        ProviderError::Unreachable(error) => error.outcome().to_owned(),
        ProviderError::Failing { .. } => "failing".to_owned(),
        ProviderError::Garbled { .. } => "garbled".to_owned(),
    };
    format!("{when}: {why}")
}

/// The replies that make the case at any vendor.
fn replies(vendor: &str, case: Case) -> Option<Vec<Reply>> {
    let page = "<html>Welcome</html>";
    let reply = match case {
        Case::Ends | Case::AlreadyOver | Case::Unknown | Case::Refused => {
            return match vendor {
                "twilio" => twilio(case),
                "livekit" => livekit(case),
                other => unreachable!("{other} has no replies yet"),
            };
        }
        Case::WrongCredentials => Reply::json(401, r#"{"code":20003,"message":"Authenticate"}"#),
        Case::Forbidden => Reply::json(403, "{}"),
        Case::Throttled => Reply::json(429, r#"{"code":20429}"#).with("retry-after", "7"),
        Case::ThrottledWithoutSaying => Reply::json(429, "{}"),
        Case::Unavailable => Reply::json(503, "")
            .with("date", "Tue, 21 Oct 2025 18:00:00 GMT")
            .with("retry-after", "Tue, 21 Oct 2025 18:01:30 GMT"),
        Case::Failing => Reply::json(500, r#"{"code":"internal"}"#),
        Case::Silent => Reply::Silence,
        Case::Closing => Reply::Close,
        Case::WebPage => Reply::json(200, page),
        Case::OtherNotFound => Reply::json(404, page),
        Case::Redirect => Reply::json(302, "").with("location", "http://127.0.0.1:9/"),
        Case::Huge => Reply::json(200, format!("{{\"status\":\"{}\"}}", "x".repeat(2 << 20))),
    };
    Some(vec![reply])
}

const TWILIO_NOT_FOUND: &str =
    r#"{"code":20404,"message":"The requested resource was not found","status":404}"#;
const TWILIO_NOT_LIVE: &str = r#"{"code":21220,"message":"Invalid call state","status":400}"#;

fn twilio_call(status: &str) -> String {
    format!(
        r#"{{"sid":"CA1","status":"{status}","direction":"outbound-api","duration":"15","price":null,
            "from":"+14155550100","to":"+14155550148","start_time":"Tue, 21 Oct 2025 18:00:00 +0000",
            "end_time":"Tue, 21 Oct 2025 18:00:21 +0000"}}"#
    )
}

fn twilio(case: Case) -> Option<Vec<Reply>> {
    Some(match case {
        Case::Ends => vec![Reply::json(200, twilio_call("completed"))],
        Case::AlreadyOver => vec![
            Reply::json(400, TWILIO_NOT_LIVE),
            Reply::json(200, twilio_call("no-answer")),
        ],
        Case::Unknown => vec![
            Reply::json(404, TWILIO_NOT_FOUND),
            Reply::json(404, TWILIO_NOT_FOUND),
        ],
        Case::Refused => vec![Reply::json(
            400,
            r#"{"code":21218,"message":"Invalid URL"}"#,
        )],
        _ => return None,
    })
}

fn livekit(case: Case) -> Option<Vec<Reply>> {
    Some(vec![match case {
        Case::Ends => Reply::json(200, "{}"),
        Case::Unknown => Reply::json(
            404,
            r#"{"code":"not_found","msg":"requested room does not exist"}"#,
        ),
        Case::Refused => Reply::json(400, r#"{"code":"invalid_argument","msg":"no room"}"#),
        // It does not know rooms that are over.
        _ => return None,
    }])
}

fn connection(provider: &str, base_url: Url) -> Connection {
    Connection {
        account_id: AccountId::generate(),
        connection_id: ConnectionId::generate(),
        provider: ProviderName::parse(provider).unwrap(),
        base_url,
        credentials: Credentials {
            account: "ACCOUNT".to_owned(),
            key_id: None,
            secret: "hush".into(),
            signing_secret: None,
        },
    }
}

fn egress() -> Egress {
    Egress::new(AddressPolicy::parse("127.0.0.0/8").unwrap()).unwrap()
}

/// Asks a vendor by its adapter, of whatever kind, to end something.
async fn end(connection: &Connection, name: &str) -> Result<EndOutcome, ProviderError> {
    let egress = egress();
    let access = Access {
        egress: &egress,
        connection,
        deadline: Duration::from_secs(1),
    };
    let vendor = connection.provider.as_str();
    if let Some(room) = Rooms::default().named(vendor) {
        return room.delete(&access, name).await;
    }
    let call = ProviderCallId::parse(name).unwrap();
    let provider = Providers::default().named(vendor).unwrap();
    let hang_up = HangUpOrder {
        call: &call,
        request_id: Uuid::nil(),
        answered: true,
    };
    provider.end(&access, &hang_up).await
}

fn vendors() -> Vec<&'static str> {
    let providers = Providers::default().all().map(Provider::name);
    let rooms = Rooms::default().all().map(Room::name);
    providers.chain(rooms).collect()
}

#[tokio::test]
async fn every_adapter_sorts_every_answer_by_what_we_do_next() {
    for vendor in vendors() {
        for case in CASES {
            let Some(replies) = replies(vendor, case) else {
                continue;
            };
            let count = replies.len();
            let double = ProviderDouble::start(replies);
            let result = end(&connection(vendor, double.base_url()), "NAME").await;
            assert_eq!(come_to(result), expected(case), "{vendor} {case:?}");
            assert_eq!(double.requests().len(), count, "{vendor} {case:?}");
        }
    }
}

#[tokio::test]
async fn a_vendor_that_cannot_be_reached_is_asked_later() {
    for vendor in vendors() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = nobody.local_addr().unwrap();
        drop(nobody);
        let base_url: Url = format!("http://{address}/").parse().unwrap();
        let result = end(&connection(vendor, base_url), "NAME").await;
        assert_eq!(come_to(result), "later: connect", "{vendor}");
        let inside = "http://10.0.0.1/".parse().unwrap();
        let result = end(&connection(vendor, inside), "NAME").await;
        assert_eq!(come_to(result), "later: refused_address", "{vendor}");
    }
}

#[tokio::test]
async fn a_silent_vendor_costs_no_more_than_the_deadline() {
    for vendor in vendors() {
        let double = ProviderDouble::start([Reply::Silence]);
        let started = Instant::now();
        let result = end(&connection(vendor, double.base_url()), "NAME").await;
        assert_eq!(come_to(result), "later: timed_out");
        assert!(started.elapsed() < Duration::from_secs(3), "{vendor}");
    }
}

#[tokio::test]
async fn no_error_shows_the_secret() {
    for vendor in vendors() {
        let echo = Reply::json(400, r#"{"code":1,"message":"bad","msg":"bad"}"#);
        let double = ProviderDouble::start([echo]);
        let connection = connection(vendor, double.base_url());
        let error = end(&connection, "NAME").await.unwrap_err();
        let shown = format!("{error} {error:?} {connection:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}

#[tokio::test]
async fn twilio_is_asked_as_its_api_documents() {
    let double = ProviderDouble::start([Reply::json(200, twilio_call("completed"))]);
    let mut connection = connection("twilio", double.base_url());
    end(&connection, "CA/../1").await.unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(asked.method, "POST");
    assert_eq!(
        asked.target,
        "/2010-04-01/Accounts/ACCOUNT/Calls/CA%2F..%2F1.json"
    );
    assert_eq!(
        asked.header("content-type"),
        "application/x-www-form-urlencoded"
    );
    assert_eq!(asked.body, "Status=completed");
    let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
    assert_eq!(asked.header("authorization"), basic("ACCOUNT:hush"));

    double.then([Reply::json(200, twilio_call("completed"))]);
    connection.credentials.key_id = Some("KEY".to_owned());
    connection.base_url = double.base_url().join("region/").unwrap();
    end(&connection, "CA1").await.unwrap();
    let asked = double.requests().remove(1);
    assert_eq!(
        asked.target,
        "/region/2010-04-01/Accounts/ACCOUNT/Calls/CA1.json"
    );
    assert_eq!(asked.header("authorization"), basic("KEY:hush"));
}

#[tokio::test]
async fn a_call_that_twilio_denies_and_shows_as_live_is_asked_for_again() {
    let replies = [
        Reply::json(404, TWILIO_NOT_FOUND),
        Reply::json(200, twilio_call("in-progress")),
    ];
    let double = ProviderDouble::start(replies);
    let result = end(&connection("twilio", double.base_url()), "CA1").await;
    assert_eq!(come_to(result), "later: garbled");
}

#[tokio::test]
async fn twilios_record_of_a_call_is_read() {
    let replies = [
        Reply::json(200, twilio_call("busy")),
        Reply::json(200, twilio_call("in-progress")),
        Reply::json(200, twilio_call("levitating")),
        Reply::json(404, TWILIO_NOT_FOUND),
        Reply::json(401, "{}"),
    ];
    let double = ProviderDouble::start(replies);
    let connection = connection("twilio", double.base_url());
    let egress = egress();
    let access = Access {
        egress: &egress,
        connection: &connection,
        deadline: Duration::from_secs(1),
    };
    let twilio = Providers::default().named("twilio").unwrap();
    let call = ProviderCallId::parse("CA1").unwrap();

    let LookUp::Known(over) = twilio.look_up(&access, &call).await.unwrap() else {
        panic!("not known");
    };
    assert_eq!(over.kind, ReportKind::Ended(EndState::Busy));
    let at = over.occurred_at.unwrap();
    assert_eq!(at.to_rfc3339(), "2025-10-21T18:00:21+00:00");
    assert_eq!(over.facts.direction, Some(Direction::Outbound));
    assert_eq!(over.facts.duration_s, Some(15));

    let LookUp::Known(live) = twilio.look_up(&access, &call).await.unwrap() else {
        panic!("not known");
    };
    assert_eq!((live.kind, live.occurred_at), (ReportKind::Answered, None));
    for expected in [LookUp::Unclear, LookUp::Unknown] {
        assert_eq!(twilio.look_up(&access, &call).await.unwrap(), expected);
    }
    twilio.look_up(&access, &call).await.unwrap_err();
    assert!(double.requests().iter().all(|asked| asked.method == "GET"));
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    nbf: u64,
    exp: u64,
    video: serde_json::Value,
}

#[tokio::test]
async fn livekit_is_asked_with_a_short_lived_grant() {
    let double = ProviderDouble::start([Reply::json(200, "{}")]);
    let base_url = double.base_url().join("livekit").unwrap();
    end(&connection("livekit", base_url), "a \"room\"")
        .await
        .unwrap();
    let asked = double.requests().remove(0);
    assert_eq!(asked.method, "POST");
    assert_eq!(
        asked.target,
        "/livekit/twirp/livekit.RoomService/DeleteRoom"
    );
    assert_eq!(asked.header("content-type"), "application/json");
    assert_eq!(asked.body, r#"{"room":"a \"room\""}"#);
    let token = asked
        .header("authorization")
        .strip_prefix("Bearer ")
        .unwrap();
    let key = jsonwebtoken::DecodingKey::from_secret(b"hush");
    let validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .unwrap()
        .claims;
    assert_eq!(claims.iss, "ACCOUNT");
    assert_eq!(claims.video, serde_json::json!({ "roomCreate": true }));
    assert_eq!(claims.exp - claims.nbf, 600);
}
