//! Connections that last: an HTTP connection that was upgraded, and a plain one to FreeSWITCH's event socket. Both go where
//! a request may go and nowhere else; what is spoken on them, and for how long, is their user's.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, StatusCode};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use url::{Host, Url};

use super::{
    Answer, CONNECT_MAX, Egress, Error, Limits, Request,
    address::Refusal,
    classify, read,
    resolve::{NoAddress, VettingResolver},
};

/// A connection to a vetted address.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Upgraded(Box<reqwest::Upgraded>),
    Plain(TcpStream),
}

/// What became of asking for another protocol.
#[derive(Debug)]
pub enum Upgrade {
    /// The other side speaks it from here on.
    Switched {
        /// What it said about it.
        headers: HeaderMap,
        /// The connection.
        stream: Stream,
    },
    /// It does not.
    Answered(Answer),
}

impl Egress {
    /// Sends a request that asks for another protocol, and takes the connection over if the other side agrees.
    pub async fn upgrade(&self, request: Request, limits: Limits) -> Result<Upgrade, Error> {
        self.resolver
            .policy
            .check(&request.url)
            .map_err(Error::Refused)?;
        let exchange = Box::pin(async {
            let sending = self.client.request(request.method, request.url);
            let mut response = sending.headers(request.headers).send().await?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let answer = read(response, limits.body_bytes_max).await?;
                return Ok(Upgrade::Answered(answer));
            }
            let headers = std::mem::take(response.headers_mut());
            let stream = Stream(Kind::Upgraded(Box::new(response.upgrade().await?)));
            Ok(Upgrade::Switched { headers, stream })
        });
        match tokio::time::timeout(limits.deadline, exchange).await {
            Ok(done) => done.map_err(classify),
            Err(_elapsed) => Err(Error::TimedOut),
        }
    }

    /// Vets the address of an event socket that is about to be stored, as [`Egress::vet`] does a URL.
    pub async fn vet_event_socket(&self, url: &str) -> Result<Url, Refusal> {
        let (url, host, _port) = self.resolver.policy.read_event_socket(url)?;
        match self.addresses(&host).await {
            Ok(_) | Err(NoAddress::Unresolved(_)) => Ok(url),
            Err(NoAddress::Refused(refusal)) => Err(refusal),
        }
    }

    /// Connects to an event socket.
    pub async fn dial_event_socket(&self, url: &Url, deadline: Duration) -> Result<Stream, Error> {
        let policy = &self.resolver.policy;
        let (_, host, port) = policy
            .read_event_socket(url.as_str())
            .map_err(Error::Refused)?;
        let dialling = async {
            let addresses = self.addresses(&host).await.map_err(|error| match error {
                NoAddress::Refused(refusal) => Error::Refused(refusal),
                NoAddress::Unresolved(failed) => Error::Dns(failed),
            })?;
            let mut last = io::Error::from(io::ErrorKind::NotFound);
            for address in addresses {
                match TcpStream::connect(SocketAddr::new(address, port)).await {
                    Ok(stream) => {
                        // Requests are small, and somebody waits for each.
                        stream
                            .set_nodelay(true)
                            .map_err(|error| Error::Connect(error.into()))?;
                        return Ok(Stream(Kind::Plain(stream)));
                    }
                    Err(error) => last = error,
                }
            }
            Err(Error::Connect(last.into()))
        };
        let connect_max = deadline.min(CONNECT_MAX);
        let dialled = tokio::time::timeout(connect_max, dialling).await;
        dialled.unwrap_or(Err(Error::TimedOut))
    }

    /// The addresses of a host, if all of them may be reached. An address that stands in the URL was judged with it.
    async fn addresses(&self, host: &Host) -> Result<Vec<std::net::IpAddr>, NoAddress> {
        match host {
            Host::Domain(name) => VettingResolver::resolve(&self.resolver, name).await,
            Host::Ipv4(address) => Ok(vec![(*address).into()]),
            Host::Ipv6(address) => Ok(vec![(*address).into()]),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Upgraded(stream) => Pin::new(stream).poll_read(context, buffer),
            Kind::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Kind::Upgraded(stream) => Pin::new(stream).poll_write(context, bytes),
            Kind::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Upgraded(stream) => Pin::new(stream).poll_flush(context),
            Kind::Plain(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Upgraded(stream) => Pin::new(stream).poll_shutdown(context),
            Kind::Plain(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
