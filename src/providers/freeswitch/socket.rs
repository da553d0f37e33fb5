//! The event socket, as far as we speak it: `auth`, `api`, `bgapi`, `event`. Messages are headers, an empty line, and a body if
//! there is a `Content-Length`. One connection for each request, closed after it; everything on it within one deadline.

use std::time::Duration;

use http::StatusCode;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use crate::{
    egress::{self, stream::Stream},
    providers::{Access, ProviderError},
};

/// The longest header.
const LINE_BYTES_MAX: u64 = 8 * 1024;

/// The most headers of a message.
const LINES_MAX: usize = 100;

/// The largest body: what `uuid_dump` says of a channel has some tens of kilobytes.
const BODY_BYTES_MAX: u64 = 1024 * 1024;

/// How many messages that nobody asked for may come before an answer.
const UNASKED_MAX: usize = 100;

/// A connection whose password was accepted.
#[derive(Debug)]
pub(super) struct Session {
    stream: BufReader<Stream>,
    /// What came while an answer was waited for.
    events: Vec<String>,
}

/// A message from FreeSWITCH.
#[derive(Debug, Default)]
struct Message {
    kind: String,
    reply: String,
    body: String,
}

impl Session {
    /// Makes one `api` request on a connection of its own.
    pub(super) async fn once(access: &Access<'_>, command: &str) -> Result<String, ProviderError> {
        within(access.deadline, async {
            let mut session = Self::open(access).await?;
            session.api(command).await
        })
        .await
    }

    /// Connects and authenticates.
    pub(super) async fn open(access: &Access<'_>) -> Result<Self, ProviderError> {
        let connection = access.connection;
        let dialled = access
            .egress
            .dial_event_socket(&connection.base_url, access.deadline);
        let mut session = Self {
            stream: BufReader::new(dialled.await.map_err(ProviderError::Unreachable)?),
            events: Vec::new(),
        };
        match session.read().await?.kind.as_str() {
            "auth/request" => {}
            // Its list of addresses does not have ours.
            "text/rude-rejection" => return Err(unauthorized(StatusCode::FORBIDDEN)),
            _ => return Err(ProviderError::garbled("not an event socket")),
        }
        let password = connection.credentials.secret.expose_secret();
        if password.contains(['\r', '\n']) {
            return Err(ProviderError::refused(
                "the password has a line break in it",
            ));
        }
        let reply = session.command(&format!("auth {password}")).await?;
        if !reply.starts_with("+OK") {
            return Err(unauthorized(StatusCode::UNAUTHORIZED));
        }
        Ok(session)
    }

    /// Has something done and waits for what it says.
    pub(super) async fn api(&mut self, command: &str) -> Result<String, ProviderError> {
        self.write(&format!("api {command}")).await?;
        let answer = self.answer().await?;
        match answer.kind.as_str() {
            "api/response" => Ok(answer.body),
            // The user may not do this.
            _ if answer.reply.starts_with('-') => Err(ProviderError::refused(&answer.reply)),
            _ => Err(ProviderError::garbled("not an answer to the command")),
        }
    }

    /// Says something and waits for the reply to it.
    pub(super) async fn command(&mut self, command: &str) -> Result<String, ProviderError> {
        self.write(command).await?;
        let answer = self.answer().await?;
        if answer.kind == "command/reply" {
            Ok(answer.reply)
        } else {
            Err(ProviderError::garbled("not a reply to the command"))
        }
    }

    /// The next event's body, if one comes in time.
    pub(super) async fn event(&mut self, wait: Duration) -> Result<Option<String>, ProviderError> {
        if let Some(event) = self.events.pop() {
            return Ok(Some(event));
        }
        // Nothing of a message is lost: what has begun to come is waited for.
        let begun = tokio::time::timeout(wait, self.stream.fill_buf()).await;
        match begun {
            Err(_elapsed) => Ok(None),
            Ok(Err(error)) => Err(broken(error)),
            Ok(Ok(_)) => Ok(Some(self.read().await?.body)),
        }
    }

    async fn write(&mut self, command: &str) -> Result<(), ProviderError> {
        debug_assert!(!command.contains(['\r', '\n']), "a command is one line");
        let command = format!("{command}\n\n");
        let written = self.stream.write_all(command.as_bytes()).await;
        written.map_err(broken)
    }

    async fn answer(&mut self) -> Result<Message, ProviderError> {
        for _ in 0..UNASKED_MAX {
            let message = self.read().await?;
            match message.kind.as_str() {
                "text/event-plain" => self.events.push(message.body),
                "text/disconnect-notice" => {
                    return Err(ProviderError::garbled("the event socket said goodbye"));
                }
                _ => return Ok(message),
            }
        }
        Err(ProviderError::garbled("events, and no answer"))
    }

    async fn read(&mut self) -> Result<Message, ProviderError> {
        let mut message = Message::default();
        let mut length = 0;
        for _ in 0..LINES_MAX {
            let line = self.line().await?;
            if line.is_empty() {
                message.body = self.body(length).await?;
                return Ok(message);
            }
            let Some((name, value)) = line.split_once(':') else {
                return Err(ProviderError::garbled("not an event socket"));
            };
            match (name, value.trim()) {
                ("Content-Type", kind) => kind.clone_into(&mut message.kind),
                ("Reply-Text", reply) => reply.clone_into(&mut message.reply),
                ("Content-Length", bytes) => {
                    length = bytes
                        .parse()
                        .ok()
                        .filter(|bytes| *bytes <= BODY_BYTES_MAX)
                        .ok_or_else(|| ProviderError::garbled("a message that is too large"))?;
                }
                (_, _) => {}
            }
        }
        Err(ProviderError::garbled("a message of too many headers"))
    }

    async fn line(&mut self) -> Result<String, ProviderError> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE_BYTES_MAX);
        limited.read_until(b'\n', &mut line).await.map_err(broken)?;
        if line.pop() != Some(b'\n') {
            return Err(if line.is_empty() {
                closed()
            } else {
                ProviderError::garbled("not an event socket")
            });
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    async fn body(&mut self, length: u64) -> Result<String, ProviderError> {
        let mut body = Vec::new();
        let mut limited = (&mut self.stream).take(length);
        let read = limited.read_to_end(&mut body).await.map_err(broken)?;
        if u64::try_from(read).ok() != Some(length) {
            return Err(closed());
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// Everything that is said on one connection, within the deadline.
pub(super) async fn within<T>(
    deadline: Duration,
    exchange: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    tokio::time::timeout(deadline, exchange)
        .await
        .unwrap_or(Err(ProviderError::Unreachable(egress::Error::TimedOut)))
}

fn unauthorized(status: StatusCode) -> ProviderError {
    ProviderError::Unauthorized { status }
}

fn closed() -> ProviderError {
    broken(std::io::ErrorKind::UnexpectedEof.into())
}

fn broken(error: std::io::Error) -> ProviderError {
    ProviderError::Unreachable(egress::Error::Reset(error.into()))
}
