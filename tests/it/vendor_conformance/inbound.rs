//! What every adapter makes of callbacks: by themselves, then through HTTP and the database.

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use http::{HeaderName, HeaderValue};
use onhook::{
    calls::connect::NewConnection,
    domain::{
        id::ConnectionId,
        lifecycle::Lifecycle,
        report::{Report, ReportKind},
        state::EndState,
    },
    providers::{InboundError, InboundReport, InboundRequest, Providers},
    rooms::{RoomReportKind, Rooms},
};
use reqwest::Method;

use crate::app::TestApp;

use super::{
    base_url,
    vendor::{Inbound, Posted, VENDORS, Vendor},
};

const PUBLIC_URL: &str = "https://calls.example.com/onhook";

fn posting() -> impl Iterator<Item = (&'static Vendor, &'static Inbound)> {
    let all = VENDORS.iter();
    all.filter_map(|vendor| Some((*vendor, vendor.inbound?)))
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn url(vendor: &Vendor) -> String {
    format!("{PUBLIC_URL}/inbound/{}/c1", vendor.name)
}

/// What a provider's adapter makes of a callback.
fn read(
    vendor: &Vendor,
    posted: &Posted,
    received_at: DateTime<Utc>,
) -> Result<Vec<InboundReport>, InboundError> {
    let request = InboundRequest {
        url: &posted.url,
        headers: &posted.headers,
        body: &posted.body,
        received_at,
    };
    let provider = Providers::default().named(vendor.name).unwrap();
    provider.read(&request, &(vendor.credentials)())
}

/// What happened by a callback of any vendor.
fn told(
    vendor: &Vendor,
    posted: &Posted,
    received_at: DateTime<Utc>,
) -> Result<Vec<ReportKind>, InboundError> {
    let Some(server) = Rooms::default().named(vendor.name) else {
        let reports = read(vendor, posted, received_at)?;
        return Ok(reports.iter().map(|report| report.kind).collect());
    };
    let request = InboundRequest {
        url: &posted.url,
        headers: &posted.headers,
        body: &posted.body,
        received_at,
    };
    let reports = server.read(&request, &(vendor.credentials)())?;
    let kinds = reports.into_iter().map(|report| match report.kind {
        RoomReportKind::Finished => ReportKind::HungUp(EndState::Canceled),
        RoomReportKind::PhoneLeft { end, .. } => end,
    });
    Ok(kinds.collect())
}

/// Providers among them; a room server's callbacks name no call.
fn providers() -> impl Iterator<Item = (&'static Vendor, &'static Inbound)> {
    posting().filter(|(vendor, _)| vendor.provider.is_some())
}

/// Each way to alter a genuine callback, and what was done.
fn tampered(inbound: &Inbound, genuine: &Posted) -> Vec<(String, Posted)> {
    let mut all = Vec::new();
    for name in inbound.proof {
        let header: HeaderName = name.parse().unwrap();
        let value = genuine.headers[&header].to_str().unwrap().to_owned();
        let mut without = genuine.clone();
        without.headers.remove(&header);
        all.push((format!("without {name}"), without));
        let mut twice = genuine.clone();
        twice.headers.append(&header, HeaderValue::from_static("x"));
        all.push((format!("{name} twice"), twice));
        for at in [0, value.len() / 2] {
            let mut letters: Vec<u8> = value.clone().into();
            letters[at] = if letters[at] == b'7' { b'8' } else { b'7' };
            let mut altered = genuine.clone();
            let letters = HeaderValue::from_bytes(&letters).unwrap();
            altered.headers.insert(header.clone(), letters);
            all.push((format!("{name} altered at {at}"), altered));
        }
    }
    if inbound.url_is_signed {
        let mut elsewhere = genuine.clone();
        elsewhere.url.push('x');
        all.push(("another path".to_owned(), elsewhere));
    }
    if !inbound.body_is_free {
        for at in [0, genuine.body.len() / 2, genuine.body.len() - 1] {
            let mut altered = genuine.clone();
            altered.body[at] = if altered.body[at] == b'7' { b'8' } else { b'7' };
            all.push((format!("body altered at {at}"), altered));
        }
        let mut longer = genuine.clone();
        longer.body.extend_from_slice(b"&a=1");
        all.push(("body longer".to_owned(), longer));
        let mut empty = genuine.clone();
        empty.body.clear();
        all.push(("no body".to_owned(), empty));
    }
    all
}

#[test]
fn a_genuine_callback_is_taken_and_no_altered_one() {
    for (vendor, inbound) in posting() {
        let genuine = (inbound.genuine)(&url(vendor), noon());
        assert!(!inbound.proof.is_empty());
        let reports = told(vendor, &genuine, noon()).unwrap();
        assert!(!reports.is_empty(), "{}", vendor.name);
        for (what, altered) in tampered(inbound, &genuine) {
            let refused = told(vendor, &altered, noon()).unwrap_err();
            let proven = matches!(refused, InboundError::Malformed(_));
            assert!(!proven, "{} {what}: {refused:?}", vendor.name);
        }
    }
}

#[test]
fn a_stale_callback_is_refused() {
    for (vendor, inbound) in posting() {
        let genuine = (inbound.genuine)(&url(vendor), noon());
        let late = |seconds| told(vendor, &genuine, noon() + TimeDelta::seconds(seconds));
        if let Some(window) = inbound.window_s {
            for within in [-window, window] {
                late(within).unwrap();
            }
            for beyond in [-window - 1, window + 1] {
                let refused = late(beyond).unwrap_err();
                assert_eq!(refused, InboundError::Unverified, "{}", vendor.name);
            }
        } else {
            late(1_000_000).unwrap();
        }
    }
}

#[test]
fn another_media_type_is_refused_where_it_matters() {
    for (vendor, inbound) in posting() {
        let mut other = (inbound.genuine)(&url(vendor), noon());
        let media_type = HeaderValue::from_static("text/plain");
        other.headers.insert("content-type", media_type);
        let came_to = told(vendor, &other, noon()).err();
        assert_eq!(came_to, inbound.other_media_type, "{}", vendor.name);
    }
}

#[test]
fn every_status_means_something_and_an_unknown_one_is_no_error() {
    for (vendor, inbound) in posting() {
        let statuses = (inbound.statuses)(&url(vendor), noon());
        let unknown = statuses.iter().filter(|(_, kind)| kind.is_none());
        // A record of FreeSWITCH's tells of an end, even if nobody knows the cause.
        let has_unknown = unknown.count() > 0 || vendor.name == "freeswitch";
        assert!(has_unknown, "{}: no unknown status", vendor.name);
        for (posted, kind) in statuses {
            let kinds = told(vendor, &posted, noon()).unwrap();
            let body = String::from_utf8_lossy(&posted.body);
            assert_eq!(kinds.last().copied(), kind, "{} {body}", vendor.name);
        }
    }
}

/// Every order of the numbers below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else {
        return vec![Vec::new()];
    };
    let mut all = Vec::new();
    for order in orders(last) {
        for at in 0..=last {
            let mut order = order.clone();
            order.insert(at, last);
            all.push(order);
        }
    }
    all
}

/// The states are those of the order in which it happened, whatever the order in which it is told: but for two ends,
/// of which the first that arrives stays.
#[test]
fn a_providers_life_of_a_call_is_the_same_in_every_order() {
    for (vendor, inbound) in providers() {
        for (life, state) in (inbound.lives)(&url(vendor), noon()) {
            assert!(life.len() <= 6, "{}: too many orders", vendor.name);
            let told: Vec<Vec<InboundReport>> = life
                .iter()
                .map(|posted| read(vendor, posted, noon()).unwrap())
                .collect();
            let absorbed = |order: &[usize]| {
                let mut life = Lifecycle::default();
                for report in order.iter().flat_map(|at| &told[*at]) {
                    let at = report.occurred_at.unwrap_or_else(noon);
                    life.absorb(&Report::new(report.kind, at, report.facts.clone()));
                }
                life
            };
            for order in orders(life.len()) {
                let life = absorbed(&order);
                let shown = serde_json::to_value(life.state()).unwrap();
                assert_eq!(shown, state, "{} {order:?}", vendor.name);
            }
        }
    }
}

async fn connected(app: &TestApp, vendor: &Vendor) -> ConnectionId {
    let new = NewConnection {
        account_id: app.default_account().await.id,
        vendor: vendor.name.to_owned(),
        base_url: Some(base_url(vendor, "127.0.0.1:9").to_string()),
        credentials: (vendor.credentials)(),
        numbers: Vec::new(),
        answered_by: None,
    };
    app.connect(new).await
}

async fn post(app: &TestApp, posted: &Posted) -> u16 {
    let path = posted.url.strip_prefix(PUBLIC_URL).unwrap();
    let mut request = app.request(Method::POST, path);
    for (name, value) in &posted.headers {
        request = request.header(name.as_str(), value.to_str().unwrap());
    }
    let answer = request.body(posted.body.clone()).send().await.unwrap();
    answer.status().as_u16()
}

/// State of each call by its name, and how many receipts there are.
async fn record(app: &TestApp) -> (Vec<(String, String)>, i64) {
    let calls =
        sqlx::query_as("select provider_call_id, state::text from calls order by provider_call_id");
    let receipts = sqlx::query_scalar("select count(*) from receipts");
    (
        calls.fetch_all(&app.db).await.unwrap(),
        receipts.fetch_one(&app.db).await.unwrap(),
    )
}

#[tokio::test]
async fn callbacks_that_prove_nothing_leave_no_row() {
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)]).await;
    let now = now(&app).await;
    for (vendor, inbound) in posting() {
        let id = connected(&app, vendor).await;
        let url = format!("{PUBLIC_URL}/inbound/{}/{id}", vendor.name);
        let genuine = (inbound.genuine)(&url, now);
        let mut huge = genuine.clone();
        huge.body = vec![b'a'; 2 << 20];
        assert_eq!(post(&app, &huge).await, 413, "{}", vendor.name);
        if let Some(window) = inbound.window_s {
            // A minute beyond, for a machine that stands still meanwhile.
            let stale = (inbound.genuine)(&url, now - TimeDelta::seconds(window + 60));
            assert_eq!(post(&app, &stale).await, 401, "{}", vendor.name);
        }
        for (what, mut altered) in tampered(inbound, &genuine) {
            if altered.url != url {
                altered.url.clone_from(&url);
                altered.url.push_str("?x=y");
            }
            let status = post(&app, &altered).await;
            assert!(
                matches!(status, 401 | 503),
                "{} {what}: {status}",
                vendor.name
            );
        }
    }
    assert_eq!(record(&app).await, (Vec::new(), 0));
}

async fn now(app: &TestApp) -> DateTime<Utc> {
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&app.db)
        .await
        .unwrap();
    now.trunc_subsecs(0)
}

#[tokio::test]
async fn callbacks_repeated_and_out_of_order_make_the_record_that_they_make_in_order() {
    let app = TestApp::boot_with(&[("ONHOOK_PUBLIC_URL", PUBLIC_URL)]).await;
    for (vendor, inbound) in providers() {
        // In order, then backwards, each twice.
        for backwards in [false, true] {
            sqlx::query("truncate calls, receipts, call_names")
                .execute(&app.db)
                .await
                .unwrap();
            let id = connected(&app, vendor).await;
            let url = format!("{PUBLIC_URL}/inbound/{}/{id}", vendor.name);
            let lives = (inbound.lives)(&url, now(&app).await);
            let mut posts = 0;
            for (life, _) in &lives {
                let mut life: Vec<_> = life.iter().collect();
                if backwards {
                    life.reverse();
                }
                for posted in life {
                    assert_eq!(post(&app, posted).await, 204, "{}", vendor.name);
                    let once = record(&app).await;
                    assert_eq!(post(&app, posted).await, 204, "{}", vendor.name);
                    assert_eq!(record(&app).await, once, "{}", vendor.name);
                    posts += 1;
                }
            }
            let (calls, receipts) = record(&app).await;
            let mut states: Vec<_> = calls.iter().map(|(_, state)| state.as_str()).collect();
            let mut expected: Vec<_> = lives.iter().map(|(_, state)| *state).collect();
            states.sort_unstable();
            expected.sort_unstable();
            assert_eq!(states, expected, "{} backwards: {backwards}", vendor.name);
            assert!(receipts >= posts, "{}: {receipts} receipts", vendor.name);
        }
    }
}
