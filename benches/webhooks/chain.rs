//! The whole chain: call-ends in, analysed, two webhooks each out.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use crate::receiver::Receiver;

const CLIENTS: usize = 16;
const CALLS: u64 = 20_000;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Measures how many calls per second go all the way, and at half of that how long an end takes from its answer to the receiver.
pub(crate) async fn run(
    receiver: &Arc<Receiver>,
    service: SocketAddr,
    memory: impl Fn() -> String,
) {
    let begun = Instant::now();
    report(service, CALLS, None).await;
    let reported = begun.elapsed();
    receiver.wait_for(2 * CALLS).await;
    let rate = CALLS as f64 / begun.elapsed().as_secs_f64();
    println!(
        "whole chain: {rate:.0} calls/s reported, analysed and told by two webhooks each ({:.0} calls/s reported), {}",
        CALLS as f64 / reported.as_secs_f64(),
        memory()
    );
    let calls = (rate * 5.0) as u64;
    receiver.note_calls();
    let answered = report(service, calls, Some(rate / 2.0)).await;
    receiver.wait_for(2 * (CALLS + calls)).await;
    let answered: std::collections::HashMap<u64, Instant> = answered.into_iter().collect();
    let mut waits: Vec<Duration> = receiver
        .noted()
        .into_iter()
        .map(|(call, came)| came.saturating_duration_since(answered[&call]))
        .collect();
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() as f64 * share) as usize).min(waits.len() - 1)];
    println!(
        "at half of that, from accepted to delivered: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        at(0.5).as_secs_f64() * 1e3,
        at(0.99).as_secs_f64() * 1e3,
        at(1.0).as_secs_f64() * 1e3
    );
}

/// Reports so many calls, so many a second or as fast as they are answered; when each was answered.
async fn report(service: SocketAddr, calls: u64, rate: Option<f64>) -> Vec<(u64, Instant)> {
    let last = NEXT.load(Ordering::Relaxed) + calls;
    let begun = Instant::now();
    let first = NEXT.load(Ordering::Relaxed);
    let mut set = JoinSet::new();
    for _ in 0..CLIENTS {
        set.spawn(async move {
            let mut stream = TcpStream::connect(service).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut answered = Vec::new();
            loop {
                let id = NEXT.fetch_add(1, Ordering::Relaxed);
                if id >= last {
                    return answered;
                }
                if let Some(rate) = rate {
                    let at = begun + Duration::from_secs_f64((id - first) as f64 / rate);
                    tokio::time::sleep_until(at.into()).await;
                }
                let body = format!(
                    r#"{{"From":"+1234567890","To":"+1789451230","CallId":"CAbench-{id}","CallStatus":"completed","Duration":"10","Direction":"incoming"}}"#
                );
                let request = format!(
                    "POST /api/v1/voip/call-end HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(request.as_bytes()).await.unwrap();
                let mut answer = [0; 4096];
                let read = stream.read(&mut answer).await.unwrap();
                assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
                answered.push((id, Instant::now()));
            }
        });
    }
    let answered = set.join_all().await;
    NEXT.store(last, Ordering::Relaxed);
    answered.into_iter().flatten().collect()
}
