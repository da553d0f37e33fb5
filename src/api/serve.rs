//! The HTTP listener: accepts, bounds and ends connections.
//!
//! Our own loop on hyper, because `axum::serve` waits for ever: half a header line or half a body would hold a
//! connection as long as its sender likes. Here every phase of a connection has its time ([`pace`]), every address its
//! share ([`peers`]), and a stop lets what was begun come to its end.

mod connection;
mod pace;
mod peers;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use self::{connection::Connection, peers::Peers};

pub use pace::BodyTooSlow;
pub use peers::client;

/// How long to wait before the next try when the system gives us no more connections (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What one process grants its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// From the first byte of a request to the last of its headers; from the connection to its first request too.
    pub header_wait: Duration,
    /// The longest silence within a body.
    pub body_wait: Duration,
    /// The longest time an answer waits for its reader to take more of it.
    pub write_wait: Duration,
    /// Between two requests. Longer than a proxy in front of us keeps connections, so that it is the one to close them.
    pub idle_wait: Duration,
    /// The largest head of a request.
    pub header_bytes_max: usize,
    /// Connections at a time; further ones wait to be accepted.
    pub connections_max: usize,
    /// Those of one address; further ones are closed at once. A quarter of all, so that no address has them all and a proxy
    /// still has enough.
    pub connections_per_address_max: Option<u32>,
    /// Whether that goes for this machine's own address too. A proxy beside us comes from there, a stranger never does.
    pub counts_loopback: bool,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            header_wait: Duration::from_secs(5),
            body_wait: Duration::from_secs(10),
            write_wait: Duration::from_secs(30),
            idle_wait: Duration::from_secs(75),
            header_bytes_max: 64 * 1024,
            connections_max: 1024,
            connections_per_address_max: Some(256),
            counts_loopback: false,
        }
    }
}

/// Serves `router` until `stop`; then accepts no more, and returns when the last connection has had its answer. What
/// takes too long is cut off by dropping this future.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: HttpLimits,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let peers = Peers::new(&limits);
    // They end with this future, which the supervisor knows by name.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
            Some(ended) = connections.join_next() => {
                log_panic(ended);
                continue;
            }
        };
        let (stream, address, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_the_client(&error) => continue,
            Err(error) => {
                tracing::warn!(error = %error, "cannot accept connections");
                stop.run_until_cancelled(tokio::time::sleep(ACCEPT_PAUSE))
                    .await;
                continue;
            }
        };
        let Some(share) = peers.admit(address.ip()) else {
            tracing::debug!("a client address has too many connections");
            continue;
        };
        let connection = Connection {
            router: router.clone(),
            address,
            limits,
            places: Arc::clone(&places),
        };
        let stop = stop.clone();
        connections.spawn(async move {
            connection.serve(stream, stop).await;
            drop((share, place));
        });
    }
    drop(listener);
    while let Some(ended) = connections.join_next().await {
        log_panic(ended);
    }
}

/// Waits for a place and for somebody to take it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    Ok((stream, address, place))
}

/// Whether it has gone before we came to it, rather than that something is wrong here.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = %error, "a connection broke off");
    }
}
