//! FreeSWITCH's event socket in the address policy: what its URL may be, who may have one, and where it leads.

use std::{
    io,
    net::{IpAddr, TcpListener},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use onhook::{
    calls::connect::{self, ConnectError, NewConnection},
    domain::{
        connection::{AnsweredBy, Credentials},
        text::Text,
    },
    egress::{
        Egress, Error,
        address::{AddressPolicy, Refusal},
        resolve::Lookup,
    },
};
use reqwest::StatusCode;
use serde_json::json;
use url::Url;

use crate::{app::TestApp, provider_double::ProviderDouble};

fn policy(allow: &str) -> AddressPolicy {
    AddressPolicy::parse(allow).unwrap()
}

#[test]
fn an_event_sockets_url_is_written_out_as_its_host_and_port() {
    let policy = policy("10.0.0.0/8, fd00::/8");
    for (given, written) in [
        ("esl://pbx.example.com", "esl://pbx.example.com:8021"),
        ("ESL://PBX.Example.com:8022/", "esl://pbx.example.com:8022"),
        ("esl://pbx.example.com:80", "esl://pbx.example.com:80"),
        ("esl://pbx.example.com:443", "esl://pbx.example.com:443"),
        ("esl://10.0.0.7:8021", "esl://10.0.0.7:8021"),
        ("esl://[fd00::7]", "esl://[fd00::7]:8021"),
        // Every spelling of an address is that address.
        ("esl://0xA.7", "esl://10.0.0.7:8021"),
        ("esl://167772167", "esl://10.0.0.7:8021"),
    ] {
        let (url, _, _) = policy.read_event_socket(given).unwrap();
        assert_eq!(url.as_str(), written);
        let (again, _, _) = policy.read_event_socket(url.as_str()).unwrap();
        assert_eq!(again, url);
    }
}

#[test]
fn what_is_no_event_socket_or_may_not_be_reached_is_refused() {
    let policy = policy("");
    for (given, refusal) in [
        ("http://pbx.example.com:8021/", Refusal::EventSocket),
        ("pbx.example.com:8021", Refusal::EventSocket),
        ("esl:pbx.example.com", Refusal::EventSocket),
        ("tcp://pbx.example.com", Refusal::EventSocket),
        ("esl://pbx.example.com/path", Refusal::EventSocket),
        ("esl://pbx.example.com?query", Refusal::EventSocket),
        ("esl://pbx.example.com#fragment", Refusal::Fragment),
        ("esl://user:ClueCon@pbx.example.com", Refusal::Userinfo),
        ("esl://pbx.example.com:0", Refusal::Port),
        ("esl://", Refusal::NotAbsolute),
        ("esl://127.0.0.1", Refusal::Address),
        ("esl://2130706433", Refusal::Address),
        ("esl://0x7f.1:8021", Refusal::Address),
        ("esl://[::1]", Refusal::Address),
        ("esl://[::ffff:10.0.0.1]", Refusal::Address),
        ("esl://169.254.169.254", Refusal::Address),
        ("esl://localhost", Refusal::Address),
        ("esl://freeswitch.svc", Refusal::Address),
    ] {
        assert_eq!(
            policy.read_event_socket(given).map(drop),
            Err(refusal),
            "{given}"
        );
    }
    // And nobody else reads it.
    assert_eq!(
        policy.read("esl://pbx.example.com:8021").map(drop),
        Err(Refusal::Scheme)
    );
}

/// A name whose addresses change.
#[derive(Debug)]
struct Changing(Mutex<Vec<Vec<IpAddr>>>);

#[async_trait]
impl Lookup for Changing {
    async fn addresses(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        Ok(answers.remove(0))
    }
}

#[tokio::test]
async fn a_name_is_vetted_when_it_is_stored_and_whenever_it_is_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let answers = vec![
        vec![address("93.184.215.14")],
        vec![address("127.0.0.1")],
        vec![address("93.184.215.14"), address("127.0.0.1")],
    ];
    let lookup = Arc::new(Changing(Mutex::new(answers)));
    let egress = Egress::with_lookup(policy(""), lookup).unwrap();
    let url = format!("esl://pbx.example.com:{port}");
    let url = egress.vet_event_socket(&url).await.unwrap();
    for _ in 0..2 {
        let dialled = egress.dial_event_socket(&url, Duration::from_secs(1)).await;
        assert!(
            matches!(dialled, Err(Error::Refused(Refusal::Address))),
            "{dialled:?}"
        );
    }
    assert!(listener.accept().is_err(), "nobody came");
}

#[tokio::test]
async fn a_dialling_takes_no_longer_than_the_deadline() {
    // An address that routers drop: 192.0.2.0/24 is for documentation.
    let egress = Egress::new(policy("192.0.2.0/24")).unwrap();
    let url: Url = "esl://192.0.2.1:8021".parse().unwrap();
    let began = std::time::Instant::now();
    let dialled = egress.dial_event_socket(&url, Duration::from_millis(200));
    dialled.await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(3));
}

fn new(account_id: onhook::domain::id::AccountId, vendor: &str, base_url: &str) -> NewConnection {
    NewConnection {
        account_id,
        vendor: vendor.to_owned(),
        base_url: Some(base_url.to_owned()),
        credentials: Credentials {
            account: "onhook".to_owned(),
            key_id: None,
            secret: "hush".into(),
            signing_secret: None,
        },
        numbers: Vec::new(),
        answered_by: None,
    }
}

#[tokio::test]
async fn only_freeswitch_has_an_event_socket_and_it_has_nothing_else() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let tools = app.tools();
    let connect = async |new: NewConnection| {
        connect::connect(&tools.db, &tools.sealing_key, &tools.egress, new).await
    };
    let socket = ProviderDouble::event_socket([]).base_url();
    for (vendor, base_url, refusal) in [
        ("asterisk", socket.as_str(), Refusal::Scheme),
        ("twilio", socket.as_str(), Refusal::Scheme),
        ("livekit", socket.as_str(), Refusal::Scheme),
        ("freeswitch", "http://127.0.0.1:8021/", Refusal::EventSocket),
        ("freeswitch", "esl://10.0.0.1", Refusal::Address),
    ] {
        let refused = connect(new(account.id, vendor, base_url))
            .await
            .unwrap_err();
        let said = matches!(refused, ConnectError::BaseUrl(said) if said == refusal);
        assert!(said, "{vendor} {base_url}");
    }
    connect(new(account.id, "freeswitch", socket.as_str()))
        .await
        .unwrap();
    let endpoint = json!({"url": socket, "event_types": ["call.ended"]});
    let asked = app.post("/v1/webhook-endpoints", &account.key);
    let answer = asked.json(&endpoint).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_template_that_no_pbx_can_dial_is_refused_when_it_is_set() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let tools = app.tools();
    let socket = ProviderDouble::event_socket([]).base_url();
    let template = |text: &str| Some(AnsweredBy::Application(Text::parse(text).unwrap()));
    let url = Some(AnsweredBy::Url(
        "https://agent.example.com/".parse().unwrap(),
    ));
    for (vendor, base_url, answered_by) in [
        (
            "asterisk",
            "http://127.0.0.1:8088/",
            template("1000@agents"),
        ),
        ("asterisk", "http://127.0.0.1:8088/", url.clone()),
        (
            "freeswitch",
            socket.as_str(),
            template("sofia/gateway/x/{number} -> stasis:bot"),
        ),
        ("freeswitch", socket.as_str(), url),
    ] {
        let new = NewConnection {
            answered_by,
            ..new(account.id, vendor, base_url)
        };
        let refused = connect::connect(&tools.db, &tools.sealing_key, &tools.egress, new).await;
        assert!(
            matches!(refused, Err(ConnectError::Answer(_))),
            "{vendor}: {refused:?}"
        );
    }
}
