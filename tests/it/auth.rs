//! Who is believed, as whom, and for what: the extractors on routes of their own, against real keys in a real database.

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State},
    http::{HeaderMap, Request, StatusCode},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::BodyExt as _;
use onhook::{
    access::{self, AccountRequest, KeyRequest},
    api::{
        auth::{self, Authenticator, Reporter, jwt},
        error::Error,
        limits::{Limits, RateLimits},
    },
    domain::{
        account::{AccountName, BusinessUid, Caller, Handling, KeyKind, Scope, VoipMode},
        text::Text,
    },
    metrics::Metrics,
    store::{accounts::Account, pool},
};
use secrecy::ExposeSecret as _;
use sqlx::PgPool;
use tower::ServiceExt as _;

use crate::cluster::{self, Database};

const SCOPES: [(&str, Scope); 6] = [
    ("report", Scope::ReportCalls),
    ("read", Scope::ReadCalls),
    ("manage", Scope::ManageCalls),
    ("read_voice", Scope::ReadVoiceCalls),
    ("write_voice", Scope::WriteVoiceCalls),
    ("account", Scope::ManageAccount),
];

/// Routes that need each scope, and one for reporters, on a database of their own.
struct Door {
    db: PgPool,
    routes: Router,
    metrics: Metrics,
    _database: Database,
}

async fn door() -> Door {
    door_with(RateLimits::default()).await
}

async fn door_with(limits: RateLimits) -> Door {
    let database = cluster::fresh_database().await;
    let db = pool::connect_lazy(database.options(), 4);
    let metrics = Metrics::new();
    let key = "0123456789abcdef0123456789abcdef";
    let key = jwt::Key::parse(jwt::Algorithm::Hs256, key).unwrap();
    let verifier = jwt::Verifier::new(key, "issuer", "onhook");
    let authenticator = Arc::new(Authenticator::new(
        db.clone(),
        Some(verifier),
        Some("calls.example".into()),
        Limits::new(limits, metrics.clone()),
        metrics.clone(),
    ));
    let mut routes = Router::new()
        .route("/voip", get(reported))
        .route("/handling", get(handled));
    for (path, scope) in SCOPES {
        routes = routes.route(
            &format!("/{path}"),
            get(async move |caller: Caller| {
                auth::require(&caller, scope)?;
                Ok::<_, Error>(caller.account_id.to_string())
            }),
        );
    }
    Door {
        db,
        routes: routes.with_state(authenticator),
        metrics,
        _database: database,
    }
}

async fn reported(reporter: Reporter, _: State<Arc<Authenticator>>) -> String {
    reporter.account_id.to_string()
}

async fn handled(headers: HeaderMap, caller: Caller, _: State<Arc<Authenticator>>) -> String {
    format!("{:?}", auth::handling(&headers, &caller))
}

impl Door {
    /// What a request with these headers is answered.
    async fn get(&self, uri: &str, headers: Headers<'_>) -> (StatusCode, String) {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// The status of a request from this address.
    async fn from(&self, client: &str, uri: &str, headers: Headers<'_>) -> u16 {
        let mut request = Request::get(uri).extension(ConnectInfo::<SocketAddr>(
            format!("{client}:5060").parse().unwrap(),
        ));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        answer.status().as_u16()
    }

    async fn status(&self, uri: &str, headers: Headers<'_>) -> u16 {
        self.get(uri, headers).await.0.as_u16()
    }

    async fn account(&self, name: &str, voip: VoipMode, directory: Option<&str>) -> Account {
        let request = AccountRequest {
            name: AccountName::parse(name).unwrap(),
            voip,
            directory: directory.map(|name| AccountName::parse(name).unwrap()),
            business_uid: Some(BusinessUid::parse(&format!("biz_{name}")).unwrap()),
        };
        access::create_account(&self.db, request).await.unwrap()
    }

    /// A Bearer header with a new key.
    async fn key(&self, account: &Account, kind: KeyKind) -> String {
        self.key_of(account, plain(kind)).await
    }

    async fn key_of(&self, account: &Account, request: KeyRequest) -> String {
        let key = access::create_key(&self.db, account.account_id, request);
        let key = key.await.unwrap().key;
        format!("Bearer {}", key.expose_secret())
    }
}

/// The visible head of a staff key in a Bearer header.
fn head(key: &str) -> String {
    let shown = "onhook_staff_".len() + 8;
    key.chars().skip("Bearer ".len()).take(shown).collect()
}

/// All but the last character.
fn shortened(key: &str) -> String {
    key.chars().take(key.len() - 1).collect()
}

/// A key request with nothing special about it.
fn plain(kind: KeyKind) -> KeyRequest {
    KeyRequest {
        kind,
        staff_uid: None,
        client_uid: (kind == KeyKind::Client).then(|| Text::parse("c-1").unwrap()),
        prefer: None,
        transcripts: None,
        expires_in_days: None,
    }
}

type Headers<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn each_kind_of_key_has_its_scopes_and_no_other() {
    let door = door().await;
    let account = door.account("acme", VoipMode::Key, None).await;
    let rows: [(KeyKind, [u16; 6]); 6] = [
        (KeyKind::Staff, [403, 200, 200, 200, 200, 403]),
        (KeyKind::App, [200, 200, 200, 200, 200, 200]),
        // A directory key that names no business is nobody on the voice-calls surface.
        (KeyKind::Directory, [403, 200, 403, 401, 401, 403]),
        (KeyKind::Client, [403, 403, 403, 200, 403, 403]),
        (KeyKind::Ingest, [200, 403, 403, 403, 403, 403]),
        (KeyKind::Operator, [200, 200, 200, 200, 200, 200]),
    ];
    for (kind, expected) in rows {
        let key = door.key(&account, kind).await;
        for ((path, _), expected) in SCOPES.into_iter().zip(expected) {
            let status = door
                .status(&format!("/{path}"), &[("authorization", &key)])
                .await;
            assert_eq!(status, expected, "{kind:?} on {path}");
        }
    }
}

#[tokio::test]
async fn whoever_is_not_believed_gets_the_same_answer() {
    let door = door().await;
    let account = door.account("acme", VoipMode::Key, None).await;
    let good = door.key(&account, KeyKind::Staff).await;
    let with_expiry = |days| KeyRequest {
        expires_in_days: Some(days),
        ..plain(KeyKind::Staff)
    };
    let fresh = door.key_of(&account, with_expiry(1)).await;
    let expired = door.key_of(&account, with_expiry(-1)).await;
    let revoked = door.key(&account, KeyKind::Staff).await;
    let head = head(&revoked);
    access::revoke_key(&door.db, account.account_id, &head)
        .await
        .unwrap();

    for believed in [&good, &fresh, &good.replacen("Bearer", "bEARER", 1)] {
        assert_eq!(
            door.status("/read", &[("authorization", believed)]).await,
            200
        );
    }
    let (status, told) = door.get("/read", &[]).await;
    assert_eq!(status, 401);
    let bare = good.trim_start_matches("Bearer ").to_owned();
    let basic = format!("Basic {}", STANDARD.encode(format!("x:{bare}")));
    let last = if good.ends_with('A') { 'B' } else { 'A' };
    let flipped = format!("{}{last}", shortened(&good));
    let unbelievable = [
        expired.as_str(),
        &revoked,
        &flipped,
        &shortened(&good),
        &format!("{good}="),
        &good.replace("_staff_", "_operator_"),
        &format!("Bearer {head}"),
        &bare,
        &basic,
        "Bearer",
        "Bearer ",
        "Bearer null",
        "Bearer a.b.c",
        "Digest username=x",
        "\u{fe}",
    ];
    for value in unbelievable {
        let answer = door.get("/read", &[("authorization", value)]).await;
        assert_eq!(answer, (status, told.clone()), "{value}");
    }
    let twice = [("authorization", good.as_str()), ("authorization", &good)];
    assert_eq!(door.get("/read", &twice).await, (status, told.clone()));
    let in_query = format!("/read?key={bare}");
    assert_eq!(door.get(&in_query, &[]).await, (status, told));

    let counted = door.metrics.encode();
    for reason in [
        "missing",
        "ambiguous",
        "malformed",
        "unknown_key",
        "revoked_key",
        "expired_key",
    ] {
        let line = format!("onhook_authentications_refused_total{{reason=\"{reason}\"}}");
        assert!(counted.contains(&line), "{reason} in {counted}");
    }
}

#[tokio::test]
async fn a_revoked_key_is_dead_at_once() {
    let door = door().await;
    let account = door.account("acme", VoipMode::Key, None).await;
    let key = door.key(&account, KeyKind::Staff).await;
    let header = [("authorization", key.as_str())];
    assert_eq!(door.status("/read", &header).await, 200);
    let head = head(&key);
    access::revoke_key(&door.db, account.account_id, &head)
        .await
        .unwrap();
    assert_eq!(door.status("/read", &header).await, 401);
}

#[tokio::test]
async fn a_key_of_one_account_is_not_revoked_by_another() {
    let door = door().await;
    let account = door.account("acme", VoipMode::Key, None).await;
    let other = door.account("other", VoipMode::Key, None).await;
    let key = door.key(&account, KeyKind::Staff).await;
    let head = head(&key);
    access::revoke_key(&door.db, other.account_id, &head)
        .await
        .unwrap_err();
    assert_eq!(door.status("/read", &[("authorization", &key)]).await, 200);
}

#[tokio::test]
async fn a_directory_acts_for_the_accounts_below_it_and_for_no_other() {
    let door = door().await;
    let directory = door.account("partner", VoipMode::Key, None).await;
    let below = door.account("below", VoipMode::Key, Some("partner")).await;
    door.account("deeper", VoipMode::Key, Some("below")).await;
    door.account("stranger", VoipMode::Key, None).await;
    let key = door.key(&directory, KeyKind::Directory).await;
    let staff = door.key(&directory, KeyKind::Staff).await;
    let ask = async |key: &str, uid: &str| {
        let headers = [("authorization", key), ("x-on-behalf-of", uid)];
        door.get("/read_voice", &headers).await
    };
    assert_eq!(
        ask(&key, "biz_below").await,
        (StatusCode::OK, below.account_id.to_string())
    );
    for uid in [
        "biz_stranger",
        "biz_deeper",
        "biz_partner",
        "below",
        "biz_nobody",
        "",
    ] {
        assert_eq!(ask(&key, uid).await.0, 401, "{uid}");
    }
    // Whoever is not a directory stays in its own account.
    let own = directory.account_id.to_string();
    assert_eq!(
        ask(&staff, "biz_below").await,
        (StatusCode::OK, own.clone())
    );
    // Off the voice-calls surface it may act for itself.
    let answer = door.get("/read", &[("authorization", &key)]).await;
    assert_eq!(answer, (StatusCode::OK, own));
    let twice = [
        ("authorization", key.as_str()),
        ("x-on-behalf-of", "biz_below"),
        ("x-on-behalf-of", "biz_below"),
    ];
    assert_eq!(door.status("/read_voice", &twice).await, 401);
}

#[tokio::test]
async fn a_report_is_the_account_s_that_its_key_or_host_names() {
    let door = door().await;
    let shared = door.account("default", VoipMode::Open, None).await;
    let open = door.account("open", VoipMode::Open, None).await;
    let closed = door.account("closed", VoipMode::Key, None).await;
    let key = door.key(&closed, KeyKind::Ingest).await;
    let bare = key.trim_start_matches("Bearer ");
    let basic = format!("Basic {}", STANDARD.encode(format!("pbx:{bare}")));
    let in_query = format!("/voip?key={bare}");
    let [shared, open, closed] =
        [shared, open, closed].map(|account| account.account_id.to_string());
    let cases: [(&str, Headers<'_>, &str); 13] = [
        ("/voip", &[], &shared),
        ("/voip", &[("host", "192.0.2.1:8080")], &shared),
        ("/voip", &[("host", "calls.example")], &shared),
        ("/voip", &[("host", "evil-calls.example")], &shared),
        ("/voip", &[("host", "OPEN.calls.example:8080")], &open),
        ("/voip", &[("host", "open.calls.example.")], &open),
        ("/voip", &[("host", "closed.calls.example")], ""),
        ("/voip", &[("host", "nobody.calls.example")], ""),
        ("/voip", &[("host", "a.open.calls.example")], ""),
        (
            "/voip",
            &[("authorization", &key), ("host", "open.calls.example")],
            &closed,
        ),
        ("/voip", &[("authorization", &basic)], &closed),
        (&in_query, &[], &closed),
        (&in_query, &[("authorization", &key)], ""),
    ];
    // The second time the answers of the last second are read.
    for _ in 0..2 {
        for (uri, headers, expected) in cases {
            let (status, body) = door.get(uri, headers).await;
            if expected.is_empty() {
                assert_eq!(status, 401, "{uri} {headers:?}");
            } else {
                assert_eq!(
                    (status.as_u16(), body.as_str()),
                    (200, expected),
                    "{uri} {headers:?}"
                );
            }
        }
    }
    // A bad credential is not taken for none.
    assert_eq!(
        door.status("/voip", &[("authorization", "Bearer x")]).await,
        401
    );
}

#[tokio::test]
async fn a_key_for_something_else_reports_no_calls() {
    let door = door().await;
    let account = door.account("default", VoipMode::Open, None).await;
    for kind in [KeyKind::Staff, KeyKind::Client, KeyKind::Directory] {
        let key = door.key(&account, kind).await;
        let header = [("authorization", key.as_str())];
        assert_eq!(door.status("/voip", &header).await, 403, "{kind:?}");
    }
}

#[tokio::test]
async fn without_a_default_account_an_open_report_is_refused() {
    assert_eq!(door().await.status("/voip", &[]).await, 401);
}

#[tokio::test]
async fn a_jwt_acts_in_the_account_that_it_names() {
    let door = door().await;
    let account = door.account("acme", VoipMode::Key, None).await;
    let token = |account: &str, kind: &str| {
        let claims = serde_json::json!({
            "iss": "issuer", "aud": "onhook", "exp": jsonwebtoken::get_current_timestamp() + 60,
            "account": account, "kind": kind,
        });
        let key = jsonwebtoken::EncodingKey::from_secret(b"0123456789abcdef0123456789abcdef");
        let header = jsonwebtoken::Header::default();
        format!(
            "Bearer {}",
            jsonwebtoken::encode(&header, &claims, &key).unwrap()
        )
    };
    let id = account.account_id.to_string();
    for (name, kind, expected) in [
        ("acme", "staff", 200),
        (id.as_str(), "staff", 200),
        ("acme", "client", 403),
        ("nobody", "staff", 401),
        ("00000000-0000-7000-8000-000000000000", "staff", 401),
        ("acme", "root", 401),
    ] {
        let (status, body) = door
            .get("/read", &[("authorization", &token(name, kind))])
            .await;
        assert_eq!(status.as_u16(), expected, "{name} {kind}");
        assert!(status != 200 || body == id);
    }
}

#[tokio::test]
async fn a_request_s_preference_goes_before_its_key_s() {
    let door = door().await;
    let account = door.account("acme", VoipMode::Key, None).await;
    let request = KeyRequest {
        prefer: Some(Handling::Strict),
        ..plain(KeyKind::App)
    };
    let strict = door.key_of(&account, request).await;
    let plain = door.key(&account, KeyKind::App).await;
    for (key, prefer, expected) in [
        (&strict, "", "Some(Strict)"),
        (&strict, "handling=lenient", "Some(Lenient)"),
        (&plain, "handling=strict", "Some(Strict)"),
        (&plain, "", "None"),
    ] {
        let headers = [("authorization", key.as_str()), ("prefer", prefer)];
        assert_eq!(door.get("/handling", &headers).await.1, expected);
    }
}

#[tokio::test]
async fn what_is_kept_of_a_key_does_not_show_it() {
    let door = door().await;
    let account = door.account("acme", VoipMode::Key, None).await;
    let key = door.key(&account, KeyKind::App).await;
    let kept: String = sqlx::query_scalar("select string_agg(k::text, '') from api_keys k")
        .fetch_one(&door.db)
        .await
        .unwrap();
    let shown: String = key.chars().rev().take(43).collect();
    let random: Vec<char> = shown.chars().rev().collect();
    let part = |chars: usize| random.iter().take(chars).collect::<String>();
    assert!(kept.contains(&part(8)));
    assert!(!kept.contains(&part(9)));
}

#[tokio::test]
async fn an_account_s_name_and_business_uid_are_its_own() {
    let door = door().await;
    door.account("acme", VoipMode::Key, None).await;
    for (name, uid) in [("acme", "other"), ("other", "biz_acme")] {
        let request = AccountRequest {
            name: AccountName::parse(name).unwrap(),
            voip: VoipMode::Key,
            directory: None,
            business_uid: Some(BusinessUid::parse(uid).unwrap()),
        };
        let refused = access::create_account(&door.db, request).await;
        assert!(
            matches!(refused, Err(access::CreateAccountError::Taken)),
            "{name} {uid}"
        );
    }
    for bad in [
        "",
        "-a",
        "a-",
        "A",
        "a.b",
        "a_b",
        "é",
        &"a".repeat(64),
        "00000000-0000-7000-8000-000000000000",
    ] {
        AccountName::parse(bad).unwrap_err();
    }
}

#[tokio::test]
async fn an_address_that_shows_many_bad_keys_is_not_believed_anew() {
    let door = door_with(RateLimits {
        refusals_per_ip: NonZeroU32::new(3),
        ..RateLimits::default()
    })
    .await;
    let account = door.account("acme", VoipMode::Key, None).await;
    let known = door.key(&account, KeyKind::App).await;
    let new = door.key(&account, KeyKind::App).await;
    let bad = format!("Bearer onhook_app_{}", "a".repeat(43));
    let ask = |client: &'static str, key: &str| {
        let key = key.to_owned();
        let door = &door;
        async move { door.from(client, "/read", &[("authorization", &key)]).await }
    };
    assert_eq!(ask("192.0.2.1", &known).await, 200);
    for _ in 0..3 {
        assert_eq!(ask("192.0.2.1", &bad).await, 401);
    }
    assert_eq!(ask("192.0.2.1", &bad).await, 429);
    assert_eq!(ask("192.0.2.1", &new).await, 429, "nobody looks it up");
    assert_eq!(
        ask("192.0.2.1", &known).await,
        200,
        "it was believed before"
    );
    assert_eq!(ask("192.0.2.2", &bad).await, 401, "another address");
    for _ in 0..9 {
        assert_eq!(ask("127.0.0.1", &bad).await, 401, "a proxy beside us");
    }
    let counted = door.metrics.encode();
    assert!(
        counted.contains("onhook_requests_limited_total{limit=\"refusals\"} 2"),
        "{counted}"
    );
}

#[tokio::test]
async fn an_address_may_make_so_many_open_reports() {
    let door = door_with(RateLimits {
        reports_per_ip: NonZeroU32::new(2),
        ..RateLimits::default()
    })
    .await;
    let account = door.account("acme", VoipMode::Open, None).await;
    let key = door.key(&account, KeyKind::Ingest).await;
    let open: Headers<'_> = &[("host", "acme.calls.example")];
    for client in ["192.0.2.1", "[2001:db8::1]"] {
        for status in [200, 200, 429] {
            assert_eq!(door.from(client, "/voip", open).await, status);
        }
    }
    assert_eq!(
        door.from("[2001:db8::2]", "/voip", open).await,
        429,
        "one network"
    );
    for _ in 0..9 {
        assert_eq!(door.from("127.0.0.1", "/voip", open).await, 200);
        let with_key: Headers<'_> = &[("authorization", &key)];
        assert_eq!(door.from("192.0.2.1", "/voip", with_key).await, 200);
    }
}
