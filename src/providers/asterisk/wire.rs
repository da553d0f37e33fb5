//! What ARI sends, as far as we read it, and its words for states, causes and times. The shapes: `rest-api/api-docs` of
//! Asterisk's sources; the values were seen in recordings of Asterisk 16 and 22 (`tests/fixtures/asterisk`).

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{domain::state::EndState, egress::Answer};

/// A channel.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Channel {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) caller: CallerId,
    #[serde(default)]
    pub(super) dialplan: Dialplan,
    #[serde(default)]
    pub(super) creationtime: String,
}

/// Who is at one end of a channel.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct CallerId {
    #[serde(default)]
    pub(super) number: String,
}

/// Where a channel is in the dialplan.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Dialplan {
    #[serde(default)]
    pub(super) exten: String,
}

/// An event. Which fields it has depends on its type.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) timestamp: String,
    pub(super) channel: Option<Channel>,
    pub(super) cause: Option<i32>,
    pub(super) cause_txt: Option<String>,
    pub(super) caller: Option<Channel>,
    pub(super) peer: Option<Channel>,
    #[serde(default)]
    pub(super) dialstatus: String,
    #[serde(default)]
    pub(super) dialstring: String,
}

/// What Asterisk says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Info<T> {
    #[serde(rename = "system")]
    _system: T,
}

/// Why ARI did not do what it was asked. An inability to make a channel is told as an `error`, all else as a `message`.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    #[serde(alias = "error")]
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn parse(answer: &Answer) -> Option<Self> {
        serde_json::from_slice(&answer.body).ok()
    }
}

/// How a channel ended. One that was up was answered, whatever the cause says: it may be 0 then.
pub(super) fn end_state(state: &str, cause: i32) -> EndState {
    match (state, cause) {
        ("Up", _) => EndState::Completed,
        // Busy; call rejected.
        (_, 17 | 21) => EndState::Busy,
        // None, which is what a dialling that took too long has; no response; no answer.
        (_, 0 | 18 | 19) => EndState::NoAnswer,
        // Normal clearing; answered elsewhere; interworking, which is what a caller's CANCEL comes to.
        (_, 16 | 26 | 127) => EndState::Canceled,
        (_, _) => EndState::Failed,
    }
}

/// A time such as `2026-11-21T22:04:27.629+0000`.
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok()?;
    Some(time.to_utc())
}
