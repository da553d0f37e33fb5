//! What every adapter makes of what its vendor may answer and post: one table, which every adapter passes. An adapter
//! without a line in [`vendor::VENDORS`] fails.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use onhook::{
    domain::{
        connection::{AnsweredBy, Connection},
        id::{AccountId, ConnectionId},
        report::{ProviderCallId, ProviderName},
        text::Text,
    },
    egress::{Egress, address::AddressPolicy},
    providers::{
        Access, Again, CallOrder, EndOutcome, HangUpOrder, Provider, ProviderError, Providers,
        profile::{Callbacks, Slot, Transport},
    },
    rooms::{Room, Rooms},
};
use url::Url;
use uuid::Uuid;

use crate::provider_double::{ProviderDouble, Reply};
use vendor::{CALL_ID, CASES, Case, Replies, VENDORS, Vendor, common, from, to};

mod asking;
mod asterisk;
pub(crate) mod daily;
mod ending;
mod freeswitch;
mod inbound;
mod jambonz;
pub(crate) mod livekit;
mod plivo;
mod signalwire;
pub(crate) mod telnyx;
mod twilio;
pub(crate) mod vendor;
pub(crate) mod vonage;

/// What asking to end something must come to.
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

fn connection(vendor: &Vendor, base_url: Url) -> Connection {
    Connection {
        account_id: AccountId::generate(),
        connection_id: ConnectionId::generate(),
        provider: ProviderName::parse(vendor.name).unwrap(),
        base_url,
        credentials: (vendor.credentials)(),
    }
}

/// How a vendor is reached; a room server by HTTP.
fn transport(vendor: &Vendor) -> Transport {
    let provider = Providers::default().named(vendor.name);
    provider.map_or(Transport::Http, Provider::transport)
}

/// A vendor's server that gives these replies.
fn server(vendor: &Vendor, replies: impl IntoIterator<Item = Reply>) -> ProviderDouble {
    match transport(vendor) {
        Transport::Http => ProviderDouble::start(replies),
        Transport::EventSocket => ProviderDouble::event_socket(replies),
    }
}

/// Where a vendor would be.
fn base_url(vendor: &Vendor, authority: &str) -> Url {
    let url = match transport(vendor) {
        Transport::Http => format!("http://{authority}/"),
        Transport::EventSocket => format!("esl://{authority}"),
    };
    url.parse().unwrap()
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

#[test]
fn every_adapter_is_in_the_table() {
    let providers = Providers::default().all().map(Provider::name);
    let rooms = Rooms::default().all().map(Room::name);
    let adapters: BTreeSet<_> = providers.chain(rooms).collect();
    let table: BTreeSet<_> = VENDORS.iter().map(|vendor| vendor.name).collect();
    assert_eq!(adapters, table);
}

#[test]
fn every_profile_says_what_its_connection_needs() {
    let providers = Providers::default().all().map(|p| (p.name(), p.profile()));
    let rooms = Rooms::default().all().map(|r| (r.name(), r.profile()));
    for (name, profile) in providers.chain(rooms) {
        let fields = profile.credentials;
        let names: BTreeSet<_> = fields.iter().map(|field| field.name).collect();
        let slots = fields.iter().map(|field| field.slot);
        let distinct: std::collections::HashSet<Slot> = slots.collect();
        assert_eq!(names.len(), fields.len(), "{name}: a name twice");
        assert_eq!(distinct.len(), fields.len(), "{name}: a slot twice");
        let secret = fields.iter().find(|field| field.slot == Slot::Secret);
        assert!(secret.is_some_and(|field| field.required), "{name}");
        let overrides = profile.callback_overrides;
        assert!(overrides.is_empty() || overrides.starts_with('#'), "{name}");
        let posts = matches!(profile.callbacks, Callbacks::Posted { .. });
        let row = VENDORS.iter().find(|vendor| vendor.name == name).unwrap();
        assert_eq!(row.inbound.is_some(), posts, "{name}: callbacks");
        let places = row.provider.is_some_and(|calls| calls.create.is_some());
        assert_eq!(places, profile.places, "{name}: places");
    }
}

#[tokio::test]
async fn every_adapter_sorts_every_answer_by_what_we_do_next() {
    for vendor in VENDORS {
        let name = vendor.name;
        for case in CASES {
            let replies = match (vendor.end)(case) {
                Replies::Common => vec![common(case)],
                Replies::Own(replies) => replies,
                Replies::Never(why) => {
                    assert!(!why.is_empty(), "{name} {case:?}");
                    continue;
                }
            };
            let count = replies.len();
            let double = server(vendor, replies);
            let result = end(&connection(vendor, double.base_url()), "NAME").await;
            assert_eq!(come_to(result), expected(case), "{name} {case:?}");
            assert_eq!(double.requests().len(), count, "{name} {case:?}");
        }
    }
}

#[tokio::test]
async fn a_vendor_that_cannot_be_reached_is_asked_later() {
    for vendor in VENDORS {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = nobody.local_addr().unwrap();
        drop(nobody);
        let there = base_url(vendor, &address.to_string());
        let result = end(&connection(vendor, there), "NAME").await;
        assert_eq!(come_to(result), "later: connect", "{}", vendor.name);
        let inside = base_url(vendor, "10.0.0.1:8021");
        let result = end(&connection(vendor, inside), "NAME").await;
        assert_eq!(come_to(result), "later: refused_address", "{}", vendor.name);
    }
}

#[tokio::test]
async fn a_silent_vendor_costs_no_more_than_the_deadline() {
    for vendor in VENDORS {
        let double = server(vendor, [Reply::Silence]);
        let started = Instant::now();
        let result = end(&connection(vendor, double.base_url()), "NAME").await;
        assert_eq!(come_to(result), "later: timed_out");
        assert!(
            started.elapsed() < Duration::from_secs(3),
            "{}",
            vendor.name
        );
    }
}

#[tokio::test]
async fn no_error_shows_the_secret() {
    for vendor in VENDORS {
        let echo = Reply::json(400, r#"{"code":1,"message":"bad","msg":"bad"}"#);
        let double = server(vendor, vec![echo; 4]);
        let connection = connection(vendor, double.base_url());
        let error = end(&connection, "NAME").await.unwrap_err();
        let shown = format!("{error} {error:?} {connection:?}");
        assert!(!shown.contains("hush"), "{shown}");
    }
}

#[tokio::test]
async fn a_name_goes_nowhere_but_where_a_name_belongs() {
    for vendor in VENDORS {
        let double = server(vendor, vec![Reply::json(500, "{}"); 4]);
        let connection = connection(vendor, double.base_url());
        // Whether it is refused or asked for: it is one segment, one value or one word there.
        let _asked = end(&connection, "a/../b?c#d\r\ne").await;
        for asked in double.requests() {
            assert!(!asked.target.contains("/../"), "{}", asked.target);
            assert!(!asked.target.contains('?'), "{}", asked.target);
            assert!(!asked.target.contains('#'), "{}", asked.target);
        }
    }
}

/// Tries a vendor by its adapter, of whatever kind.
async fn probe(vendor: &str, access: &Access<'_>) -> Result<(), ProviderError> {
    match Rooms::default().named(vendor) {
        Some(room) => room.probe(access).await,
        None => {
            Providers::default()
                .named(vendor)
                .unwrap()
                .probe(access)
                .await
        }
    }
}

#[tokio::test]
async fn a_probe_tells_good_credentials_from_bad_ones() {
    let egress = egress();
    for vendor in VENDORS {
        let name = vendor.name;
        let double = server(vendor, (vendor.probe)());
        let connection = connection(vendor, double.base_url());
        let access = Access {
            egress: &egress,
            connection: &connection,
            deadline: Duration::from_secs(1),
        };
        probe(name, &access).await.unwrap();
        double.then([Reply::json(401, "{}")]);
        let refused = probe(name, &access).await.unwrap_err();
        let unauthorized = matches!(refused, ProviderError::Unauthorized { .. });
        assert!(unauthorized, "{name}: {refused:?}");
        double.then([Reply::json(200, "<html>Welcome</html>")]);
        probe(name, &access).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_look_up_tells_every_status_and_what_is_not_known() {
    let egress = egress();
    let call = ProviderCallId::parse("NAME").unwrap();
    for vendor in VENDORS {
        let Some(calls) = vendor.provider else {
            continue;
        };
        let provider = Providers::default().named(vendor.name).unwrap();
        for (replies, known) in (calls.look_up)() {
            let what = format!("{} {replies:?}", vendor.name);
            let double = server(vendor, replies);
            let connection = connection(vendor, double.base_url());
            let access = Access {
                egress: &egress,
                connection: &connection,
                deadline: Duration::from_secs(1),
            };
            let looked = provider.look_up(&access, &call).await;
            assert_eq!(vendor::Known::of(&looked), known, "{what}");
            let asked = double.requests();
            let harmless = ["GET", "api", "auth"];
            assert!(
                asked
                    .iter()
                    .all(|asked| harmless.contains(&asked.method.as_str())),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn an_order_is_placed_or_refused_or_may_be_either() {
    let egress = egress();
    let (from, to) = (from(), to());
    let url = AnsweredBy::Url("https://agent.example.com/voice".parse().unwrap());
    let template = Text::parse("sofia/gateway/trunk/{number} -> 1000@agents").unwrap();
    let template = AnsweredBy::Application(template);
    for vendor in VENDORS {
        let Some(create) = vendor.provider.and_then(|calls| calls.create) else {
            continue;
        };
        let provider = Providers::default().named(vendor.name).unwrap();
        let answered_by = match provider.check_answer(&url) {
            Ok(()) => &url,
            Err(_fetches_none) => &template,
        };
        for (replies, created) in create() {
            let what = format!("{} {replies:?}", vendor.name);
            let double = server(vendor, replies);
            let connection = connection(vendor, double.base_url());
            let access = Access {
                egress: &egress,
                connection: &connection,
                deadline: Duration::from_secs(1),
            };
            let order = CallOrder {
                from: &from,
                to: &to,
                extension: None,
                answered_by,
                told: &[("call_id", "019a2b3c")],
                status_callback: "https://calls.example.com/inbound/x/y?call=z",
                call_id: CALL_ID.parse().unwrap(),
                max_duration: Some(Duration::from_mins(10)),
            };
            let came_to = provider.create(&access, &order).await;
            assert!(created.is(&came_to), "{what}: {came_to:?}");
            let asked = double.requests();
            let ordered = asked.iter().filter(|asked| asked.method != "api");
            assert_eq!(ordered.count(), 1, "{what}: asked once");
        }
    }
}

/// The credentials of every vendor, as a table.
fn credentials_table() -> String {
    let providers = Providers::default().all().map(|p| (p.name(), p.profile()));
    let rooms = Rooms::default().all().map(|r| (r.name(), r.profile()));
    let rows = providers.chain(rooms).map(|(name, profile)| {
        let fields = profile.credentials.iter().map(|field| {
            let needed = if field.required { "\\*" } else { "" };
            format!("`{}`{needed}", field.name)
        });
        let base_url = profile.base_url.map_or("everybody's own", |url| url);
        let fields = fields.collect::<Vec<_>>().join(", ");
        format!("| `{name}` | {fields} | {base_url} |\n")
    });
    rows.collect()
}

#[test]
fn the_page_on_connections_lists_what_each_vendor_needs() {
    let page = include_str!("../../docs/connections.md");
    let table = page.split("|---|---|---|\n").nth(2).unwrap();
    let table = table.split("<!-- /credentials -->").next().unwrap();
    let wanted = credentials_table();
    assert_eq!(
        table, wanted,
        "docs/connections.md must have this:\n{wanted}"
    );
}
