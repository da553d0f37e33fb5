//! What became of a call's recording: read, or not and why. Where it is, is told by reports; it is never kept here.

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::{
    analysis::{
        Section, SectionState,
        settings::recordings::{AgentChannel, RecordingSettings},
    },
    sound::{Codec, Sound, VoiceSpan},
};

/// What is kept of reading a recording: what was heard, and whether it was written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// What was heard.
    pub sound: Section<Sound>,
    /// How it was written down; the words are a transcript of the call.
    pub transcription: Section<Transcription>,
}

impl Reading {
    /// Whether it could not be heard, or not be written down.
    pub fn is_failed(&self) -> bool {
        [self.sound.state(), self.transcription.state()].contains(&SectionState::Failed)
    }

    /// Whether another may take its place: nothing that was heard or written down is given up for less.
    pub fn gives_way_to(&self, other: &Self) -> bool {
        let stays =
            |before, after| before != SectionState::Completed || after == SectionState::Completed;
        stays(self.sound.state(), other.sound.state())
            && stays(self.transcription.state(), other.transcription.state())
    }
}

/// How a recording was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transcription {
    /// Which interface the service has.
    pub method: TranscriptionMethod,
    /// The model that was asked for.
    pub model: String,
    /// How finely the service gave times.
    pub times: HeardTimes,
    /// How much sound was sent, silence left out.
    pub audio_ms: u64,
    /// In how many requests.
    pub requests: u32,
}

/// The interface of a speech-to-text service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptionMethod {
    /// `POST /v1/audio/transcriptions`, as OpenAI's and most self-hosted servers have it.
    Openai,
    /// Deepgram's `POST /v1/listen`.
    Deepgram,
}

/// How finely a speech-to-text service gave times; where several pieces differ, the coarsest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeardTimes {
    /// Every word.
    Words,
    /// Only segments: shifted by half a second or more, often.
    Segments,
    /// None: only where the speech that was sent begins and ends.
    None,
}

/// What was heard in the recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecordingFindings {
    /// How the section was made.
    pub method: HeardMethod,
    /// How the recording is coded.
    pub codec: Codec,
    /// Samples a second.
    pub sample_rate_hz: u32,
    /// How long it is.
    pub duration_ms: u32,
    /// How many bytes it has.
    pub bytes: u64,
    /// It ends early, or parts of it could not be decoded and count as silence.
    pub damaged: bool,
    /// Its channels, in order.
    #[schema(max_items = 2)]
    pub channels: Vec<ChannelFindings>,
    /// Time in which somebody speaks.
    pub speech_ms: u64,
    /// Time in which nobody speaks.
    pub silence_ms: u64,
}

/// How a recording was listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeardMethod {
    /// Voices were told from other sound, frame by frame.
    VoiceActivity,
}

/// What was heard on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChannelFindings {
    /// Who is on it, by the name that metrics count under; null in a recording of one channel.
    pub participant: Option<String>,
    /// Time in which somebody speaks on it.
    pub speech_ms: u64,
}

/// The places of recordings that are fetched: absolute http or https URLs. What else a report calls one is only shown.
pub fn fetchable(url: &str) -> Option<Url> {
    let mut url = Url::parse(url.trim()).ok()?;
    // It would never be sent.
    url.set_fragment(None);
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Who is on a channel of a two-channel recording: the role that the account has given it, or the channel itself.
pub fn participant(settings: &RecordingSettings, channel: usize) -> &'static str {
    let agent = settings.agent_channel.map(AgentChannel::index);
    match (agent, channel) {
        (Some(agent), channel) if agent == channel => "agent",
        (Some(_), _) => "customer",
        (None, 0) => "channel_1",
        (None, _) => "channel_2",
    }
}

impl Sound {
    /// Where each participant speaks, if there is a channel for each.
    pub fn by_participant(
        &self,
        settings: &RecordingSettings,
    ) -> Option<Vec<(&'static str, &[VoiceSpan])>> {
        let separate = self.voices.len() == 2;
        let name = |(channel, spans)| (participant(settings, channel), Vec::as_slice(spans));
        separate.then(|| self.voices.iter().enumerate().map(name).collect())
    }
}
