//! What an export holds in memory, and how far it reads ahead.

use std::time::Duration;

use onhook::{
    calls::export::{Export, Order, PAGE_CALLS_MAX, PAGE_TRANSCRIPT_BYTES_MAX},
    domain::account::VoipMode,
    store::calls::query::walk::{self, Wanted},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpSocket,
};

use super::{exported, seed};
use crate::{
    app::{TestAccount, TestApp},
    call_seed,
    deadline::eventually,
};

/// How many calls each page has.
async fn pages(app: &TestApp, account: &TestAccount) -> Vec<usize> {
    let order = Order {
        account_id: account.id,
        conditions: Vec::new(),
        search: None,
        after: None,
        transcripts: onhook::domain::account::TranscriptAccess::Raw,
    };
    let mut export = Export::begin(app.db.clone(), order).await.unwrap();
    let mut pages = Vec::new();
    while let Some(page) = export.next().await.unwrap() {
        pages.extend(Some(page.len()).filter(|calls| *calls > 0));
    }
    pages
}

#[tokio::test]
async fn a_page_is_bounded_in_calls_and_in_what_was_said() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 250).await;
    assert_eq!(PAGE_CALLS_MAX, 100);
    assert_eq!(pages(&app, &account).await, [100, 100, 50]);
    let say = async |name: &str, bytes: u64| {
        sqlx::query(
            "insert into transcripts (account_id, call_id, revision, transcript_id, source, utterances, text, content_sha256)
             select account_id, call_id, 1, gen_random_uuid(), 'caller', '[]', repeat('x', $2), sha256('x')
             from calls where provider_call_id = $1",
        )
        .bind(name)
        .bind(i32::try_from(bytes).unwrap())
        .execute(&app.db)
        .await
        .unwrap();
    };
    // Together exactly as much as a page may have.
    say("CA-3", PAGE_TRANSCRIPT_BYTES_MAX - 1).await;
    say("CA-5", 1).await;
    assert_eq!(pages(&app, &account).await, [100, 100, 50]);
    // One byte more.
    say("CA-7", 1).await;
    assert_eq!(pages(&app, &account).await, [6, 100, 100, 44]);
    // More than a page may have has one of its own.
    say("CA-8", PAGE_TRANSCRIPT_BYTES_MAX + 1).await;
    assert_eq!(pages(&app, &account).await, [6, 1, 1, 100, 100, 42]);
}

#[tokio::test]
async fn a_rare_call_is_found_among_many() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 4500).await;
    let query = "filter_columns[]=notes&filter_operator[]=ends_with&filter_values[]=two%22,%204321";
    let found = exported(&app, &account.key, query).await;
    assert_eq!(call_seed::names(&found), ["CA-4321"]);
}

#[tokio::test]
async fn a_stretch_is_found_by_the_index_of_the_calls_times() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    let other = app.account("other", VoipMode::Key).await;
    seed(&app, &account, 3000).await;
    seed(&app, &other, 30_000).await;
    sqlx::query("analyze calls").execute(&app.db).await.unwrap();
    let order = onhook::api::calls::export::order(
        account.id,
        "search=parcel&start_date=2026-01-01&filter_columns[]=latency&filter_operator[]=gt&filter_values[]=5",
    )
    .unwrap();
    let mut conn = app.db.acquire().await.unwrap();
    let wanted = Wanted {
        conditions: order.conditions,
        search: order.search,
        before: "2100-01-01T00:00:00Z".parse().unwrap(),
    };
    for after in [None, Some(())] {
        let call = exported(&app, &account.key, "").await[1500]["id"].to_string();
        let call = call.trim_matches('"').parse().unwrap();
        let mark = walk::mark(&mut *conn, account.id, call).await.unwrap();
        let mark = after.and(mark);
        let plan = walk::plan(&mut conn, account.id, &wanted, mark, 500).await;
        let plan = plan.unwrap().to_string();
        assert!(plan.contains("\"Index Name\":\"calls_created\""), "{plan}");
        assert!(!plan.contains("\"Seq Scan\""), "{plan}");
    }
}

#[tokio::test]
async fn a_stretch_that_takes_too_long_is_made_shorter() {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, 2000).await;
    // Looking at all of them takes eight seconds, and a statement may take four and a half.
    sqlx::raw_sql(
        "create function slow() returns boolean language plpgsql cost 100000
           as $$ begin perform pg_sleep(0.004); return true; end $$;
         alter table calls rename to slow_calls;
         analyze slow_calls;
         create view calls as select * from slow_calls where slow()",
    )
    .execute(&app.db)
    .await
    .unwrap();
    let order = Order {
        account_id: account.id,
        conditions: Vec::new(),
        search: None,
        after: None,
        transcripts: onhook::domain::account::TranscriptAccess::Raw,
    };
    let mut export = Export::begin(app.db.clone(), order).await.unwrap();
    let first = export.next().await.unwrap().unwrap();
    assert_eq!(first.len(), PAGE_CALLS_MAX);
}

/// How many calls exports have handed over.
async fn handed_over(app: &TestApp) -> u64 {
    let counted = app.metrics().await;
    let line = counted
        .lines()
        .find_map(|line| line.strip_prefix("onhook_calls_exported_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn nothing_is_read_ahead_for_a_client_that_does_not_read() {
    const CALLS: i32 = 20_000;
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    seed(&app, &account, CALLS).await;
    let address = app.url("");
    let address = address.strip_prefix("http://").unwrap().parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let ask = format!(
        "GET /v1/calls/export HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        account.key
    );
    stream.write_all(ask.as_bytes()).await.unwrap();
    // Once nothing moves any more, what is on its way stands in the two sockets' buffers.
    let mut before = 0;
    let stalled = eventually(Duration::from_mins(1), "the export waits", async || {
        let (seen, now) = (before, handed_over(&app).await);
        before = now;
        tokio::time::sleep(Duration::from_millis(200)).await;
        (now > 0 && seen == now).then_some(now)
    })
    .await;
    // 20,000 calls are 26 MB; the system's buffers hold a few.
    assert!(stalled < 8000, "{stalled} calls were handed over to nobody");
    let mut lines = BufReader::new(stream).lines();
    let (mut rows, mut last) = (0, String::new());
    while let Some(line) = lines.next_line().await.unwrap() {
        rows += i32::from(line.starts_with("{\"id\":"));
        last = line;
    }
    assert_eq!((rows, last.as_str()), (CALLS, ""));
    assert_eq!(handed_over(&app).await, u64::try_from(CALLS).unwrap());
}
