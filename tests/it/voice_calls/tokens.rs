//! Who may read and write what: the five kinds of tokens, and `x-on-behalf-of`.

use onhook::{
    access::{self, KeyRequest},
    domain::{
        account::{KeyKind, VoipMode},
        text::Text,
    },
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{VOICE_CALLS, answer, create, new, patch, put, read, update, with};
use crate::app::{TestApp, request};

const UNAUTHORIZED: &str = "a valid credential is needed";

fn refused(code: &str, message: &str) -> Value {
    json!({"success": false, "errors": [{"code": code, "message": message}]})
}

#[tokio::test]
async fn who_may_read_and_who_may_write() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let uid = create(&app, &account, json!({})).await;
    let one = format!("{VOICE_CALLS}/{uid}");
    let body = with(update(), json!({"client_uid": "c-1"}));
    for (kind, read, write) in [
        (KeyKind::Staff, 200, 200),
        (KeyKind::App, 200, 200),
        (KeyKind::Operator, 200, 200),
        (KeyKind::Client, 200, 403),
        (KeyKind::Ingest, 403, 403),
        // A directory that names no business.
        (KeyKind::Directory, 401, 401),
    ] {
        let key = app.key(account.id, kind).await;
        assert_eq!(
            answer(app.get(&one, &key)).await.0.as_u16(),
            read,
            "{kind:?}"
        );
        assert_eq!(
            answer(app.get(VOICE_CALLS, &key)).await.0.as_u16(),
            read,
            "{kind:?}"
        );
        assert_eq!(
            answer(put(&app, &key, &uid, &body)).await.0.as_u16(),
            write,
            "{kind:?}"
        );
    }
    let (status, refused) = answer(app.request(Method::GET, &one)).await;
    let expected = json!({"success": false, "errors": [{"code": "unauthorized", "message": "a valid credential is needed"}]});
    assert_eq!((status, refused), (StatusCode::UNAUTHORIZED, expected));
}

#[tokio::test]
async fn a_client_reads_its_own_calls_and_no_other() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let own = create(
        &app,
        &account,
        json!({"source_id": "own", "client_uid": "c-1"}),
    )
    .await;
    let other = create(
        &app,
        &account,
        json!({"source_id": "other", "client_uid": "c-2"}),
    )
    .await;
    let nobody = json!({"CallId": "nobody", "From": "1", "To": "2"});
    answer(
        app.post("/api/v1/voip/call-in-queue", &account.key)
            .json(&nobody),
    )
    .await;
    let transcript =
        json!({"utterances": [{"speaker": "agent", "text": "Hello.", "begin_ms": 0, "end_ms": 9}]});
    for uid in [&own, &other] {
        let put = app.put(&format!("/v1/calls/{uid}/transcript"), &account.key);
        assert_eq!(put.json(&transcript).send().await.unwrap().status(), 201);
    }
    let client = app.key(account.id, KeyKind::Client).await;
    assert_eq!(read(&app, &client, &own).await["source_id"], "own");
    let unknown = "0190f5fe-7c00-7a00-8000-000000000000";
    let ask = |path: String| answer(app.get(&path, &client));
    for more in ["", "/transcript"] {
        let there = ask(format!("{VOICE_CALLS}/{own}{more}")).await;
        assert_eq!(there.0, StatusCode::OK);
        let foreign = ask(format!("{VOICE_CALLS}/{other}{more}")).await;
        assert_eq!(foreign.0, StatusCode::NOT_FOUND);
        assert_eq!(foreign, ask(format!("{VOICE_CALLS}/{unknown}{more}")).await);
    }
    for query in [
        "",
        "?filter[client_uid][in]=c-1,c-2",
        "?filter[client_uid][gte]=c",
        "?sort=client_uid:desc",
    ] {
        let (_, page) = ask(format!("{VOICE_CALLS}{query}")).await;
        assert_eq!(page["data"]["total_count"], 1, "{query}");
        assert_eq!(page["data"]["voice_calls"][0]["uid"], json!(own), "{query}");
    }
    let (_, page) = ask(format!("{VOICE_CALLS}?filter[client_uid]=c-2")).await;
    assert_eq!(page["data"]["total_count"], 0);
    for at in ["voice_calls/reports", "reports"] {
        let (_, stats) = ask(format!("/v3/communication/{at}/voice_call_stats")).await;
        assert_eq!(stats["data"]["total_voice_calls"], 1, "{at}");
    }
    let refusals = [
        patch(&app, &client, &own, &json!({"call_summary": "x"})),
        put(&app, &client, &own, &update()),
        app.post(VOICE_CALLS, &client).json(&new(&account)),
        app.put(
            &format!("/v3/communication/voice_call_recordings/{own}"),
            &client,
        )
        .json(&json!({"recording_played": true})),
    ];
    for request in refusals {
        assert_eq!(answer(request).await.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(
        ask("/calls/query".to_owned()).await.0,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_client_s_key_names_its_client_and_no_other_key_does() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for kind in [
        KeyKind::Staff,
        KeyKind::App,
        KeyKind::Directory,
        KeyKind::Client,
        KeyKind::Ingest,
        KeyKind::Operator,
    ] {
        let wrong = KeyRequest {
            client_uid: (kind != KeyKind::Client).then(|| Text::parse("c-1").unwrap()),
            ..request(kind)
        };
        let made = access::create_key(&app.db, account.id, wrong).await;
        assert!(made.is_err(), "{kind:?}");
    }
    // A key from before clients were named.
    let old = app.key(account.id, KeyKind::Client).await;
    sqlx::query("update api_keys set client_uid = null where kind = 'client'")
        .execute(&app.db)
        .await
        .unwrap();
    let expected = refused(
        "forbidden",
        "this credential names no client whose calls it could read",
    );
    let read = answer(app.get(VOICE_CALLS, &old)).await;
    assert_eq!(read, (StatusCode::FORBIDDEN, expected));
}

#[tokio::test]
async fn a_directory_acts_in_the_business_it_names_and_in_no_other() {
    let app = TestApp::boot().await;
    let partner = app.account("partner", VoipMode::Key).await;
    let below = app.account_below("below", "partner").await;
    let beside = app.account_below("beside", "partner").await;
    let stranger = app.account("stranger", VoipMode::Key).await;
    let directory = app.key(partner.id, KeyKind::Directory).await;
    let on = |request: crate::contract::RequestBuilder, business: &str| {
        answer(request.header("x-on-behalf-of", business))
    };
    let (status, created) = on(
        app.post(VOICE_CALLS, &directory).json(&new(&below)),
        &below.business_uid,
    )
    .await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
    assert_eq!(created["data"]["business_uid"], below.business_uid);
    let uid = created["data"]["uid"].as_str().unwrap();
    let one = format!("{VOICE_CALLS}/{uid}");
    // The business below sees what was done for it.
    assert_eq!(read(&app, &below.key, uid).await, created["data"]);
    let whole = with(update(), json!({"source_id": "call-src-001"}));
    let recording = format!("/v3/communication/voice_call_recordings/{uid}");
    let played = json!({"recording_played": true});
    let every = || {
        [
            put(&app, &directory, uid, &whole),
            patch(&app, &directory, uid, &json!({"call_summary": "x"})),
            app.get(&one, &directory),
            app.put(&recording, &directory).json(&played),
            app.request(Method::DELETE, &recording)
                .bearer_auth(&directory),
        ]
    };
    for request in every() {
        let (status, body) = on(request, &below.business_uid).await;
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    // In another business below it the call is not there; a business that is not below it, or none, is no business of its.
    for request in every() {
        assert_eq!(
            on(request, &beside.business_uid).await.0,
            StatusCode::NOT_FOUND
        );
    }
    let nobody = (
        StatusCode::UNAUTHORIZED,
        refused("unauthorized", UNAUTHORIZED),
    );
    for business in [&stranger.business_uid, &partner.business_uid, "", "below"] {
        for request in every() {
            assert_eq!(on(request, business).await, nobody, "{business}");
        }
    }
    for request in every() {
        assert_eq!(answer(request).await, nobody, "no business");
    }
    let (_, page) = on(app.get(VOICE_CALLS, &directory), &below.business_uid).await;
    assert_eq!(page["data"]["total_count"], 1);
    let (_, page) = on(app.get(VOICE_CALLS, &directory), &beside.business_uid).await;
    assert_eq!(page["data"]["total_count"], 0);
}

#[tokio::test]
async fn a_staff_member_s_token_says_who_followed_up() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    let staff = KeyRequest {
        staff_uid: Some(Text::parse("s-42").unwrap()),
        ..request(KeyKind::Staff)
    };
    let staff = app.key_of(account.id, staff).await;
    let uid = create(&app, &account, json!({"status": "MISSED"})).await;
    let body = json!({"status": "MISSED_CALL_HANDLED"});
    let (_, handled) = answer(patch(&app, &staff, &uid, &body)).await;
    assert_eq!(handled["data"]["handled_by_staff_uid"], "s-42");
    // Whoever is not a directory stays in its own business.
    let other = app.account("acme", VoipMode::Key).await;
    let (_, page) = answer(
        app.get(VOICE_CALLS, &staff)
            .header("x-on-behalf-of", &other.business_uid),
    )
    .await;
    assert_eq!(page["data"]["voice_calls"][0]["uid"], json!(uid));
}
