//! The listener: nobody holds a connection for longer than is due, nobody has more than a share, and a stop cuts nobody off.

use std::{
    fs,
    io::ErrorKind,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, routing};
use onhook::{
    api::{
        extract::JsonBody,
        serve::{HttpLimits, serve},
    },
    supervisor::{Shutdown, Supervisor},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
    time::timeout,
};

use crate::deadline::eventually;

/// Longer than anything here takes; what does not come within it does not come.
const DEADLINE: Duration = Duration::from_secs(30);

const SHORT: Duration = Duration::from_millis(80);

/// How many file descriptors the listener gets that runs out of them.
const DESCRIPTORS: usize = 40;

/// Tells the helper process to serve, and us where it does.
const SERVE: &str = "ONHOOK_TESTS_SERVE";

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const LAST_GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
const HALF_A_HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: local";
const ALL_BUT_THE_LAST_BYTE: &[u8] = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{";

struct Server {
    address: SocketAddr,
    supervisor: Supervisor,
}

impl Server {
    async fn start(limits: HttpLimits) -> Self {
        let get = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| format!("hello {}", peer.ip());
        let post = async |JsonBody(body): JsonBody| body;
        Self::with(
            limits,
            Router::new().route("/", routing::get(get).post(post)),
        )
        .await
    }

    async fn with(limits: HttpLimits, router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let supervisor = Supervisor::new();
        supervisor.spawn("http", |stop| serve(listener, router, limits, stop));
        Self {
            address,
            supervisor,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Says this on a connection of its own and returns all that comes back until it is closed.
    async fn ask(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        rest(&mut stream).await
    }
}

/// All that comes until the other side closes, or has closed while we were still writing.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    match timeout(DEADLINE, stream.read_to_end(&mut bytes))
        .await
        .expect("it is closed")
    {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    String::from_utf8(bytes).unwrap()
}

/// One answer to [`GET`] on a connection that stays open.
async fn get(stream: &mut TcpStream) -> String {
    stream.write_all(GET).await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"hello 127.0.0.1") {
        let read = timeout(DEADLINE, stream.read_buf(&mut bytes))
            .await
            .expect("an answer")
            .unwrap();
        assert_ne!(
            read,
            0,
            "closed after {:?}",
            String::from_utf8_lossy(&bytes)
        );
    }
    String::from_utf8(bytes).unwrap()
}

fn generous() -> HttpLimits {
    HttpLimits {
        header_wait: DEADLINE * 2,
        body_wait: DEADLINE * 2,
        write_wait: DEADLINE * 2,
        idle_wait: DEADLINE * 2,
        ..HttpLimits::default()
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_to_its_end_is_cut_off() {
    let server = Server::start(HttpLimits {
        header_wait: SHORT,
        ..generous()
    })
    .await;
    assert_eq!(server.ask(HALF_A_HEAD).await, "");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_cut_off() {
    let server = Server::start(HttpLimits {
        header_wait: SHORT,
        ..generous()
    })
    .await;
    assert_eq!(server.ask(b"").await, "");
}

#[tokio::test]
async fn a_connection_may_idle_for_longer_than_a_head_may_take() {
    let server = Server::start(HttpLimits {
        header_wait: SHORT,
        ..generous()
    })
    .await;
    let mut patient = server.connect().await;
    get(&mut patient).await;
    // This takes as long as a head may.
    server.ask(HALF_A_HEAD).await;
    assert!(get(&mut patient).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_connection_that_idles_for_too_long_is_closed() {
    let server = Server::start(HttpLimits {
        idle_wait: SHORT,
        ..generous()
    })
    .await;
    let mut stream = server.connect().await;
    get(&mut stream).await;
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_answered_with_408() {
    let server = Server::start(HttpLimits {
        body_wait: SHORT,
        ..generous()
    })
    .await;
    let answer = server.ask(ALL_BUT_THE_LAST_BYTE).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let large = "x".repeat(32 << 20);
    let router = Router::new().route("/", routing::get(async || large));
    let server = Server::with(
        HttpLimits {
            write_wait: SHORT,
            ..generous()
        },
        router,
    )
    .await;
    let mut stream = server.connect().await;
    stream.write_all(GET).await.unwrap();
    // There is something to read, so it was asked before the stop.
    timeout(DEADLINE, stream.readable()).await.unwrap().unwrap();
    assert_eq!(
        server.supervisor.shutdown(DEADLINE).await,
        Shutdown::Finished
    );
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start(HttpLimits {
        header_bytes_max: 8192,
        ..generous()
    })
    .await;
    let request = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "x".repeat(9000)
    );
    let answer = server.ask(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn one_address_has_only_its_share_of_connections() {
    let server = Server::start(HttpLimits {
        connections_per_address_max: Some(1),
        counts_loopback: true,
        ..generous()
    })
    .await;
    let mut first = server.connect().await;
    get(&mut first).await;
    assert_eq!(server.ask(LAST_GET).await, "");
    drop(first);
    timeout(DEADLINE, async {
        while server.ask(LAST_GET).await.is_empty() {}
    })
    .await
    .expect("the share is given back");
}

#[tokio::test]
async fn more_connections_than_there_are_places_are_served_in_turn() {
    let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = {
        let most = Arc::clone(&most);
        async move || {
            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            inside.fetch_sub(1, Ordering::SeqCst);
            "hello"
        }
    };
    let router = Router::new().route("/", routing::get(counted));
    let server = Server::with(
        HttpLimits {
            connections_max: 2,
            ..generous()
        },
        router,
    )
    .await;
    let (a, b, c, d) = tokio::join!(
        server.ask(LAST_GET),
        server.ask(LAST_GET),
        server.ask(LAST_GET),
        server.ask(LAST_GET)
    );
    for answer in [a, b, c, d] {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn connections_that_idle_make_room_when_there_are_no_more_places() {
    let server = Server::start(HttpLimits {
        connections_max: 1,
        ..generous()
    })
    .await;
    let mut idle = server.connect().await;
    get(&mut idle).await;
    assert!(server.ask(LAST_GET).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(&mut idle).await, "");
}

#[tokio::test]
async fn what_was_begun_before_a_stop_is_answered_and_nothing_new_is_accepted() {
    let server = Server::start(generous()).await;
    let mut begun = server.connect().await;
    begun.write_all(ALL_BUT_THE_LAST_BYTE).await.unwrap();
    let mut idle = server.connect().await;
    get(&mut idle).await;

    let (shutdown, answer) = tokio::join!(server.supervisor.shutdown(DEADLINE), async {
        assert_eq!(
            rest(&mut idle).await,
            "",
            "an idle connection is closed at once"
        );
        timeout(DEADLINE, async {
            while TcpStream::connect(server.address).await.is_ok() {}
        })
        .await
        .expect("refused");
        begun.write_all(b"}").await.unwrap();
        rest(&mut begun).await
    });
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("{}"),
        "{answer}"
    );
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(shutdown, Shutdown::Finished);
}

#[tokio::test]
async fn half_a_head_does_not_hold_up_a_stop() {
    let server = Server::start(HttpLimits {
        header_wait: SHORT,
        ..generous()
    })
    .await;
    let mut stream = server.connect().await;
    stream.write_all(HALF_A_HEAD).await.unwrap();
    assert_eq!(
        server.supervisor.shutdown(DEADLINE).await,
        Shutdown::Finished
    );
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn running_out_of_file_descriptors_is_survived() {
    let mut server = Command::new("sh")
        .args([
            "-c",
            &format!(r#"ulimit -n {DESCRIPTORS}; exec "$@""#),
            "sh",
        ])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "serve::helper_that_serves",
            "--ignored",
            "--nocapture",
        ])
        .env(SERVE, "1")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    let address: SocketAddr = loop {
        let line = timeout(DEADLINE, said.next_line())
            .await
            .expect("it starts")
            .unwrap()
            .unwrap();
        if let Some((_, address)) = line.split_once(SERVE) {
            break address.trim().parse().unwrap();
        }
    };
    let mut held = Vec::new();
    for _ in 0..DESCRIPTORS {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    let open = Path::new("/proc")
        .join(server.id().unwrap().to_string())
        .join("fd");
    if open.exists() {
        eventually(DEADLINE, "no descriptor is left", async || {
            (fs::read_dir(&open).unwrap().count() >= DESCRIPTORS).then_some(())
        })
        .await;
    }
    held.clear();
    let answer = get(&mut TcpStream::connect(address).await.unwrap()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Not a test: a listener in a process of its own, until it is killed.
#[tokio::test]
#[ignore = "another test runs it in a process of its own"]
async fn helper_that_serves() {
    #[expect(clippy::disallowed_methods, reason = "how it is told to")]
    let wanted = std::env::var(SERVE);
    if wanted.is_ok() {
        let server = Server::start(generous()).await;
        println!("{SERVE} {}", server.address);
        server.supervisor.faulted().await;
    }
}
