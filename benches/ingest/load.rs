//! Clients that post call-ends as fast as they are answered: raw HTTP/1.1 on kept connections, so that the load takes as
//! little as possible of the cores that it shares with what it measures.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Runs so many clients for so long. Panics when an answer is not 200.
pub(crate) async fn run(address: SocketAddr, clients: usize, time: Duration) -> Measured {
    let start = Instant::now();
    let mut set = JoinSet::new();
    for _ in 0..clients {
        set.spawn(client(address, start + time));
    }
    let mut latencies: Vec<Duration> = set.join_all().await.into_iter().flatten().collect();
    let took = start.elapsed();
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        latencies[index.min(latencies.len() - 1)]
    };
    Measured {
        per_second: latencies.len() as f64 / took.as_secs_f64(),
        p50: at(0.50),
        p99: at(0.99),
    }
}

async fn client(address: SocketAddr, until: Instant) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut latencies = Vec::new();
    let mut answer = vec![0; 4096];
    while Instant::now() < until {
        let request = request();
        let sent = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        read_answer(&mut stream, &mut answer).await;
        latencies.push(sent.elapsed());
    }
    latencies
}

/// The documented body with a `CallId` of its own.
fn request() -> String {
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let body = format!(
        r#"{{"From":"+1234567890","To":"+1789451230","CallId":"CA{:x}-{id}","email":"user@example.com","CallStatus":"completed","RecordingUrl":"string","Duration":"10","Direction":"incoming"}}"#,
        std::process::id()
    );
    format!(
        "POST /api/v1/voip/call-end HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one answer to its end; answers carry a length.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.unwrap();
        assert!(read > 0, "the connection was closed");
        filled += read;
        let text = std::str::from_utf8(&buffer[..filled]).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        assert!(head.starts_with("HTTP/1.1 200"), "{text}");
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length:")
                    .map(|rest| rest.trim().to_owned())
            })
            .expect("an answer has a length");
        if body.len() >= length.parse().unwrap() {
            return;
        }
    }
}
