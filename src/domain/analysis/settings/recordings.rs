//! What an account wants of its recordings. Nothing is fetched for an account that has not asked for it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::read::Object;

/// What an account wants of its recordings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RecordingSettings {
    /// Fetch the recording of an ended call and listen for voices in it.
    #[schema(default = false)]
    pub fetch: bool,
    /// Have it written down by the speech-to-text service that the server is configured with. Needs `fetch`.
    #[schema(default = false)]
    pub transcribe: bool,
    /// Which channel of a two-channel recording is the agent's; null: not known, and no roles are given.
    pub agent_channel: Option<AgentChannel>,
}

/// Which channel is the agent's; the other is the customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentChannel {
    /// The first, which players put on the left.
    First,
    /// The second.
    Second,
}

/// The word names no channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `first` or `second`")]
pub struct NotChannel;

impl FromStr for AgentChannel {
    type Err = NotChannel;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "first" => Ok(Self::First),
            "second" => Ok(Self::Second),
            _ => Err(NotChannel),
        }
    }
}

impl AgentChannel {
    /// Its place among the channels.
    pub fn index(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

impl RecordingSettings {
    /// Reads the part of a body.
    pub fn read(object: &mut Object<'_>) -> Self {
        object.only(&["fetch", "transcribe", "agent_channel"]);
        let fetch = object.flag("fetch").unwrap_or_default();
        let transcribe = object.flag("transcribe").unwrap_or_default();
        if transcribe && !fetch {
            object.refuse("transcribe", "needs `fetch` to be true");
        }
        Self {
            fetch,
            transcribe,
            agent_channel: object.word("agent_channel"),
        }
    }
}
