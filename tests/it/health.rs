//! What the probes say when all is well, and when it is not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    middleware::from_fn_with_state,
    routing::get,
};
use http_body_util::BodyExt as _;
use onhook::{
    api::{
        self,
        health::{self, Health},
    },
    domain::analysis::insights::Usage,
    metrics::{Metrics, QueueGauges},
    store::pool,
};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::cluster;

/// Probes over a database. What they saw holds for a second, so each question has probes of its own.
fn probes(db: &PgPool, stopping: CancellationToken) -> Router {
    let health = Health::new(db.clone(), Metrics::new(), stopping);
    let (routes, _) = health::routes().split_for_parts();
    routes.with_state(Arc::new(health))
}

async fn answer(routes: &Router, uri: &str) -> (StatusCode, String) {
    let request = Request::get(uri).body(Body::empty()).unwrap();
    let answer = routes.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Asks new probes whether they are ready.
async fn ready(db: &PgPool) -> (StatusCode, String) {
    answer(&probes(db, CancellationToken::new()), "/readyz").await
}

fn unready(reason: &str) -> (StatusCode, String) {
    let body = format!("{{\"ready\":false,\"reason\":\"{reason}\"}}");
    (StatusCode::SERVICE_UNAVAILABLE, body)
}

async fn execute(db: &PgPool, statement: &'static str) {
    sqlx::query(statement).execute(db).await.unwrap();
}

#[tokio::test]
async fn a_process_that_is_well_says_so() {
    let database = cluster::fresh_database().await;
    let db = pool::connect_lazy(database.options(), 2);
    let well = (StatusCode::OK, "{\"ready\":true}".to_owned());
    assert_eq!(ready(&db).await, well);

    let stopping = CancellationToken::new();
    let probes = probes(&db, stopping.clone());
    assert_eq!(answer(&probes, "/readyz").await, well);
    stopping.cancel();
    assert_eq!(answer(&probes, "/readyz").await, unready("stopping"));
    assert_eq!(answer(&probes, "/livez").await.0, 200);
}

#[tokio::test]
async fn without_a_database_it_is_alive_and_counts_but_is_not_ready() {
    let nowhere = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(1);
    let db = pool::connect_lazy(nowhere, 2);
    let probes = probes(&db, CancellationToken::new());
    assert_eq!(
        answer(&probes, "/readyz").await,
        unready("database_unreachable")
    );
    assert_eq!(answer(&probes, "/livez").await.0, 200);
    let (status, counted) = answer(&probes, "/metrics").await;
    assert_eq!(status, 200);
    assert!(counted.ends_with("# EOF\n"), "{counted}");
}

#[tokio::test]
async fn probes_answer_within_seconds_when_every_connection_is_taken() {
    let database = cluster::fresh_database().await;
    let db = pool::connect_lazy(database.options(), 1);
    let _taken = db.acquire().await.unwrap();
    let probes = probes(&db, CancellationToken::new());
    let began = Instant::now();
    let (one, other) = tokio::join!(answer(&probes, "/readyz"), answer(&probes, "/readyz"));
    assert_eq!(one, unready("database_unreachable"));
    assert_eq!(other, one);
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn an_older_schema_is_not_ready_and_a_newer_one_is() {
    let database = cluster::fresh_database().await;
    let db = pool::connect_lazy(database.options(), 2);
    execute(
        &db,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (99999999999999, 'from the future', true, '', 0)",
    )
    .await;
    assert_eq!(ready(&db).await.0, 200);
    execute(&db, "delete from _sqlx_migrations where version = 6").await;
    assert_eq!(ready(&db).await, unready("migrations_pending"));
    execute(&db, "drop table _sqlx_migrations").await;
    assert_eq!(ready(&db).await, unready("migrations_pending"));
}

#[tokio::test]
async fn a_queue_that_nobody_works_on_is_stuck_and_a_long_one_is_not() {
    let database = cluster::fresh_database().await;
    let db = pool::connect_lazy(database.options(), 2);
    execute(
        &db,
        "insert into jobs (job_id, kind, args, run_at, attempts_max)
         values (gen_random_uuid(), 'analyze', '{}', now() - interval '10 minutes', 3)",
    )
    .await;
    assert_eq!(ready(&db).await, unready("queue_stuck"));
    execute(
        &db,
        "insert into jobs (job_id, kind, args, state, leased_until, attempts_max)
         values (gen_random_uuid(), 'analyze', '{}', 'running', now() + interval '10 s', 3)",
    )
    .await;
    assert_eq!(ready(&db).await.0, 200);
    execute(
        &db,
        "update jobs set leased_until = now() - interval '2 minutes' where state = 'running'",
    )
    .await;
    assert_eq!(ready(&db).await, unready("queue_stuck"));

    let (_, counted) = answer(&probes(&db, CancellationToken::new()), "/metrics").await;
    assert!(
        counted.contains("onhook_queue_jobs{state=\"available\"} 1\n"),
        "{counted}"
    );
    assert!(
        counted.contains("onhook_queue_oldest_due_seconds 60"),
        "{counted}"
    );
}

#[tokio::test]
async fn deliveries_that_nobody_makes_are_stuck_and_those_to_an_endpoint_that_is_away_are_not() {
    let database = cluster::fresh_database().await;
    let db = pool::connect_lazy(database.options(), 2);
    execute(
        &db,
        "insert into delivery_queue (endpoint_id, due_at, delivery_id, account_id, event_id, event_type, size)
         select '00000000-0000-0000-0000-000000000001', now() - interval '2 minutes', gen_random_uuid(), gen_random_uuid(),
                gen_random_uuid(), 'call.ended', 2 from generate_series(1, 3)",
    )
    .await;
    assert_eq!(ready(&db).await, unready("queue_stuck"));
    let (_, counted) = answer(&probes(&db, CancellationToken::new()), "/metrics").await;
    for line in [
        "onhook_webhook_backlog 3\n",
        "onhook_webhook_circuits_open 0\n",
        "onhook_webhook_endpoints_unheld 1\n",
    ] {
        assert!(counted.contains(line), "{counted}");
    }

    // Somebody has it: a backlog is no reason to get no requests.
    execute(
        &db,
        "with worker as (
           insert into delivery_workers (holder, leased_until) values (gen_random_uuid(), now() + interval '1 minute') returning holder)
         insert into endpoint_lanes (endpoint_id, account_id, holder)
         select '00000000-0000-0000-0000-000000000001', gen_random_uuid(), holder from worker",
    )
    .await;
    assert_eq!(ready(&db).await.0, 200);
    execute(&db, "update delivery_workers set leased_until = now()").await;
    assert_eq!(ready(&db).await, unready("queue_stuck"));
    execute(
        &db,
        "update endpoint_lanes set open_until = now() + interval '1 minute'",
    )
    .await;
    assert_eq!(ready(&db).await.0, 200);
    let (_, counted) = answer(&probes(&db, CancellationToken::new()), "/metrics").await;
    assert!(
        counted.contains("onhook_webhook_circuits_open 1\n"),
        "{counted}"
    );
}

#[tokio::test]
async fn a_request_is_counted_by_its_route_and_never_by_its_path() {
    let metrics = Metrics::new();
    let routes = Router::new()
        .route("/calls/{id}", get(async || "found"))
        .layer(from_fn_with_state(metrics.clone(), api::around));
    for uri in [
        "/calls/4155550100",
        "/calls/4155550101?key=secret",
        "/+14155550100",
    ] {
        let request = Request::get(uri).header("host", "a");
        let request = request.header("x-request-id", "mine");
        let request = request.body(Body::empty()).unwrap();
        let answer = routes.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.headers()["x-request-id"], "mine");
    }
    let counted = metrics.encode();
    let line = "onhook_http_request_duration_seconds_count{method=\"GET\",route=\"/calls/{id}\",status=\"200\"} 2";
    assert!(counted.contains(line), "{counted}");
    assert!(counted.contains("route=\"unmatched\",status=\"404\"} 1"));
    assert!(!counted.contains("41555501") && !counted.contains("secret"));
}

#[test]
fn the_documented_metrics_are_those_that_there_are() {
    let page = include_str!("../../docs/operations.md");
    // What was never counted is not shown.
    let metrics = Metrics::new();
    metrics.request_answered("GET", "/", 200, Duration::ZERO);
    metrics.report("voip", "recorded");
    metrics.job_finished("analyze", "done");
    metrics.webhook_attempted("succeeded");
    metrics.authentication_refused("missing");
    metrics.request_limited("requests");
    metrics.export_ended("complete");
    metrics.termination_failed("provider");
    metrics.limit_passed("max_duration");
    metrics.reconciliation("live");
    metrics.call_reconciled("failed");
    metrics.parked_reports("parked", 1);
    drop(metrics.stream_connected("asterisk"));
    metrics.stream_broke("asterisk");
    metrics.stream_message("asterisk", "reports");
    metrics.recording_read("done");
    metrics.recording_written("done");
    metrics.llm_request("answered");
    metrics.llm_tokens(&Usage::default());
    metrics.insights("answered");
    metrics.rows_purged("erasure", "calls", 1);
    metrics.queue(QueueGauges {
        available: 0,
        running: 0,
        dead: 0,
        oldest_due_s: 0.0,
    });
    let counted = metrics.encode();
    let names = counted
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut there = Vec::new();
    for (name, kind) in names {
        let total = if kind == "counter" { "_total" } else { "" };
        there.push(format!("| `{name}{total}` |"));
    }
    assert_eq!(page.matches("| `onhook_").count(), there.len());
    for row in there {
        assert!(page.contains(&row), "{row}");
    }
}
