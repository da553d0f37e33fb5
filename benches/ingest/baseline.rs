//! The baseline: the same request, read by the same parser and applied by the same statements, but each in a transaction
//! of its own on a connection of its own.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
    routing::post,
};
use onhook::{
    api::{self, extract::Fields, serve::HttpLimits, voip},
    calls::ingest,
    domain::{
        account::Handling,
        report::{CallReport, ProviderName},
    },
    queue::runner::Wake,
    store::pool,
};
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The database of a process that is to be the baseline.
#[expect(
    clippy::disallowed_methods,
    reason = "this process is configured by its parent"
)]
pub(crate) fn asked() -> Result<String, std::env::VarError> {
    std::env::var("ONHOOK_BENCH_BASELINE")?;
    std::env::var("DATABASE_URL")
}

#[derive(Clone)]
struct Shared {
    db: PgPool,
    wake: Wake,
}

/// Serves until killed.
pub(crate) fn serve(url: &str) {
    let options: PgConnectOptions = url.parse().unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "this process is configured by its parent"
    )]
    let listen: SocketAddr = std::env::var("ONHOOK_LISTEN").unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let shared = Shared {
            db: pool::connect_lazy(options, 32),
            wake: Wake::default(),
        };
        let router = Router::new()
            .route("/api/v1/voip/call-end", post(call_end))
            .with_state(shared);
        let listener = TcpListener::bind(listen).await.unwrap();
        let limits = HttpLimits {
            connections_per_address_max: None,
            ..HttpLimits::default()
        };
        api::serve::serve(listener, router, limits, CancellationToken::new()).await;
    });
}

async fn call_end(State(shared): State<Shared>, body: Bytes) -> Response {
    let fields = Fields::from_json(&body).unwrap();
    let post = voip::parse::parse(voip::parse::Endpoint::End, fields, Handling::Lenient).unwrap();
    let report = CallReport {
        account_id: Uuid::from_u128(1).into(),
        source: "voip",
        provider: ProviderName::voip(),
        connection_id: None,
        name: post.name,
        event_id: None,
        occurred_at: None,
        kind: post.kind,
        facts: post.facts,
    };
    ingest::apply(&shared.db, &shared.wake, &[report])
        .await
        .unwrap();
    let body = r#"{"data":{"success":true,"message":"Successfully saved"}}"#;
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
