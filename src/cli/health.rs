//! `onhook health`: asks the service on this machine whether it is ready. For `HEALTHCHECK` in an image that has no shell and no
//! curl.
//!
//! Speaks the one request that it needs: the HTTP client of the service is for the world outside and refuses loopback addresses.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::print;

/// How long the answer may take; the service itself takes at most a second.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// The longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// Prints what the service says of itself; fails unless it is ready.
pub(super) async fn run(listen: SocketAddr) -> anyhow::Result<ExitCode> {
    let address = reachable(listen);
    let answer = tokio::time::timeout(WAIT_MAX, ask(address)).await;
    let answer = answer
        .map_err(|_elapsed| anyhow::anyhow!("no answer from {address} within {WAIT_MAX:?}"))?
        .map_err(|error| anyhow::anyhow!("no answer from {address}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    print(&body.trim_end())?;
    if head.starts_with("HTTP/1.1 200 ") {
        Ok(ExitCode::SUCCESS)
    } else {
        Ok(ExitCode::FAILURE)
    }
}

async fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut answer)
        .await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Where a listener on every address can be reached.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
