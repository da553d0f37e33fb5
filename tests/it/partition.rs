//! Between us and the database the network goes silent: nothing is refused, nothing comes back. Requests end in time
//! with 503, and the service recovers by itself.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    app::TestApp,
    cluster::{Database, fresh_database},
    deadline::eventually,
};

/// Stands between the service and the server. Connections that are older than a silence hear nothing any more and are
/// never closed; newer ones work, as when a host dies behind an address that has moved.
struct Wire {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    silent_below: Arc<AtomicUsize>,
}

impl Wire {
    fn to(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Self {
            address: listener.local_addr().unwrap(),
            accepted: Arc::default(),
            silent_below: Arc::default(),
        };
        let options = database.options();
        let (accepted, silent_below) = (Arc::clone(&wire.accepted), Arc::clone(&wire.silent_below));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = accepted.fetch_add(1, Ordering::SeqCst);
                let silent_below = Arc::clone(&silent_below);
                let silent = move || number < silent_below.load(Ordering::SeqCst);
                if let Some(dir) = options.get_socket() {
                    let path = dir.join(format!(".s.PGSQL.{}", options.get_port()));
                    let server = UnixStream::connect(path).unwrap();
                    join(&client, server.try_clone().unwrap(), server, silent);
                } else {
                    let server =
                        TcpStream::connect((options.get_host(), options.get_port())).unwrap();
                    join(&client, server.try_clone().unwrap(), server, silent);
                }
            }
        });
        wire
    }

    /// Silences every connection there is.
    fn fall_silent(&self) {
        self.silent_below
            .store(self.accepted.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

/// Carries bytes both ways until the connection falls silent.
fn join(
    client: &TcpStream,
    from_server: impl Read + Send + 'static,
    to_server: impl Write + Send + 'static,
    silent: impl Fn() -> bool + Clone + Send + 'static,
) {
    let (from_client, to_client) = (client.try_clone().unwrap(), client.try_clone().unwrap());
    let too = silent.clone();
    thread::spawn(move || carry(from_client, to_server, &silent));
    thread::spawn(move || carry(from_server, to_client, &too));
}

fn carry(mut from: impl Read, mut to: impl Write, silent: &dyn Fn() -> bool) {
    let mut bytes = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if silent() {
            // Swallows the bytes and keeps both ends open for as long as the tests run.
            thread::sleep(Duration::MAX);
        }
        if to.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

/// Reports a call; answers the status and whether the answer says when to come back.
async fn report(app: &TestApp, name: &str) -> (StatusCode, bool) {
    let body = json!({"From": "+1234567890", "To": "+1789451230", "CallId": name});
    let answer = app
        .request(Method::POST, "/api/v1/voip/call-in-queue")
        .json(&body)
        .send()
        .await
        .unwrap();
    (
        answer.status(),
        answer.headers().contains_key("retry-after"),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_database_costs_503s_and_no_restart() {
    let database = fresh_database().await;
    let wire = Wire::to(&database);
    let options = database.options();
    let name = options.get_database().unwrap();
    let url = format!(
        "postgres://{}@{}/{name}",
        options.get_username(),
        wire.address
    );
    let app = TestApp::boot_with(&[("DATABASE_URL", &url)]).await;
    assert_eq!(report(&app, "CA1").await, (StatusCode::OK, false));

    wire.fall_silent();
    assert_eq!(
        report(&app, "CA2").await,
        (StatusCode::SERVICE_UNAVAILABLE, true)
    );
    eventually(
        Duration::from_mins(1),
        "the service has recovered",
        async || (report(&app, "CA2").await.0 == StatusCode::OK).then_some(()),
    )
    .await;
    let calls: i64 = sqlx::query_scalar("select count(*) from calls")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(calls, 2);
}
