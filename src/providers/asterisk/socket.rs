//! ARI's WebSocket of events, and the list of channels that are live.
//!
//! Asterisk gives every application one WebSocket and closes the older one when another comes. The application's name here
//! is the connection's id, so that two accounts, or two services, that use one Asterisk do not take each other's.

use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::{digest, rand};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Bytes, Message,
        protocol::{Role, WebSocketConfig},
    },
};

use crate::{
    egress::{self, Limits, Request, stream::Upgrade},
    providers::{
        Access, InboundReport, ProviderError,
        stream::{Heard, Stream},
    },
};

use super::{basic, error, event, wire::Channel};

/// The largest event that is read; they have a few kilobytes.
const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// The largest list of channels that is read: some tens of thousands of them.
const LIST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How often it is asked before it is taken for dead.
const PINGS_MAX: u32 = 2;

/// What a WebSocket handshake appends to the key (RFC 6455, 1.3).
const HANDSHAKE: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// An open WebSocket.
#[derive(Debug)]
pub(super) struct Events {
    socket: WebSocketStream<egress::stream::Stream>,
    /// When nothing is heard for so long, Asterisk is asked whether it is there.
    quiet: Duration,
    pings: u32,
}

/// Opens the WebSocket, subscribed to every event of the Asterisk.
pub(super) async fn open(access: &Access<'_>) -> Result<Events, ProviderError> {
    let mut url = access.url(&["ari", "events"]);
    url.query_pairs_mut()
        .append_pair(
            "app",
            &format!("onhook-{}", access.connection.connection_id),
        )
        .append_pair("subscribeAll", "true");
    let (key, accept) = handshake()?;
    let mut headers = HeaderMap::new();
    headers.insert(
        header::AUTHORIZATION,
        basic(&access.connection.credentials)?,
    );
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        header::SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    headers.insert(header::SEC_WEBSOCKET_KEY, key);
    let request = Request {
        method: Method::GET,
        url,
        headers,
        body: Bytes::new(),
    };
    let limits = Limits {
        deadline: access.deadline,
        body_bytes_max: MESSAGE_BYTES_MAX,
    };
    let upgraded = access.egress.upgrade(request, limits).await;
    match upgraded.map_err(ProviderError::Unreachable)? {
        Upgrade::Switched { headers, stream } => {
            if headers.get(header::SEC_WEBSOCKET_ACCEPT) != Some(&accept) {
                return Err(ProviderError::garbled("not a WebSocket"));
            }
            let config = WebSocketConfig::default()
                .max_message_size(Some(MESSAGE_BYTES_MAX))
                .max_frame_size(Some(MESSAGE_BYTES_MAX));
            let socket = WebSocketStream::from_raw_socket(stream, Role::Client, Some(config));
            Ok(Events {
                socket: socket.await,
                // As long as it may take to answer any other request.
                quiet: access.deadline,
                pings: 0,
            })
        }
        Upgrade::Answered(answer) => Err(error(&answer)),
    }
}

/// A key, and what proves that the other side has read it.
fn handshake() -> Result<(HeaderValue, HeaderValue), ProviderError> {
    let mut nonce = [0; 16];
    rand::fill(&mut nonce)
        .map_err(|_unspecified| ProviderError::garbled("no randomness for a WebSocket"))?;
    let key = BASE64_STANDARD.encode(nonce);
    let signed = format!("{key}{HANDSHAKE}");
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, signed.as_bytes());
    let header = |text: String| {
        HeaderValue::try_from(text).map_err(|_invalid| ProviderError::garbled("not a header"))
    };
    Ok((header(key)?, header(BASE64_STANDARD.encode(digest))?))
}

/// What is live now.
pub(super) async fn live(access: &Access<'_>) -> Result<Vec<InboundReport>, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        header::AUTHORIZATION,
        basic(&access.connection.credentials)?,
    );
    let request = Request {
        method: Method::GET,
        url: access.url(&["ari", "channels"]),
        headers,
        body: Bytes::new(),
    };
    let limits = Limits {
        deadline: access.deadline,
        body_bytes_max: LIST_BYTES_MAX,
    };
    let answer = access.egress.send(request, limits).await;
    let answer = answer.map_err(ProviderError::Unreachable)?;
    if answer.status != StatusCode::OK {
        return Err(error(&answer));
    }
    let channels: Vec<Channel> = serde_json::from_slice(&answer.body)
        .map_err(|_error| ProviderError::garbled("not a list of channels"))?;
    Ok(channels.iter().filter_map(event::standing).collect())
}

#[async_trait]
impl Stream for Events {
    async fn next(&mut self) -> Result<Heard, ProviderError> {
        loop {
            let Ok(message) = tokio::time::timeout(self.quiet, self.socket.next()).await else {
                self.ask_whether_it_is_there().await?;
                continue;
            };
            self.pings = 0;
            match message {
                Some(Ok(Message::Text(text))) => return Ok(event::read(&text)),
                Some(Ok(Message::Binary(_))) => {
                    return Ok(Heard::Unreadable("a binary message".to_owned()));
                }
                // Pings are answered by the WebSocket itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => {
                    return Err(ProviderError::garbled("the WebSocket was closed"));
                }
                Some(Err(error)) => return Err(broken(error)),
            }
        }
    }
}

impl Events {
    async fn ask_whether_it_is_there(&mut self) -> Result<(), ProviderError> {
        if self.pings == PINGS_MAX {
            return Err(ProviderError::Unreachable(egress::Error::TimedOut));
        }
        self.pings += 1;
        let ping = self.socket.send(Message::Ping(Bytes::new()));
        match tokio::time::timeout(self.quiet, ping).await {
            Ok(sent) => sent.map_err(broken),
            Err(_elapsed) => Err(ProviderError::Unreachable(egress::Error::TimedOut)),
        }
    }
}

fn broken(error: tungstenite::Error) -> ProviderError {
    match error {
        tungstenite::Error::Capacity(_) => {
            ProviderError::garbled("a message is larger than any event")
        }
        tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_) => {
            ProviderError::garbled("not the WebSocket protocol")
        }
        other => ProviderError::Unreachable(egress::Error::Reset(other.into())),
    }
}
