//! What is made of a call after its end: one immutable revision per input, as it is stored, shown and sent.
//!
//! Every section says how it stands and by which `method` it was made, so that nobody takes a guess for a measurement.
//! Offsets and durations are in milliseconds. `docs/analysis.md` defines every field.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    id::{AnalysisId, CallId},
    recording::{RecordingFindings, Transcription},
    transcript::Language,
};

pub mod call_metrics;
pub mod content;
pub mod conversation;
pub mod flat;
pub mod insights;
pub mod privacy;
pub mod sentiment;
pub mod settings;

pub use call_metrics::CallMetrics;
pub use content::{Categories, Highlights, KeyPhrases, Summary, Voicemail};
pub use conversation::ConversationCharacteristics;
pub use insights::{Insights, StructuredData, SuccessEvaluation};
pub use privacy::Pii;
pub use sentiment::{Sentiment, TurnSentiment};
pub use settings::{PrivacySettings, Settings};

/// The shape of [`Analysis`]; rises when a field changes its meaning.
pub const SCHEMA_VERSION: u16 = 1;

/// Why an analysis was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "analysis_trigger", rename_all = "snake_case")]
pub enum Trigger {
    /// The call ended.
    CallEnded,
    /// A transcript came, or a newer one.
    TranscriptUpdated,
    /// A recording came.
    RecordingAvailable,
    /// Somebody asked for it.
    Requested,
}

/// How an analysis went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "analysis_status", rename_all = "snake_case")]
pub enum AnalysisStatus {
    /// Every section was made, or skipped for a reason that it gives.
    Completed,
    /// At least one section failed.
    Partial,
    /// Nothing could be made.
    Failed,
}

/// How much the analysis had to go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnalysisLevel {
    /// What telephony reported, alone.
    CallEvents,
    /// A recording with a channel for each party besides, and no transcript.
    AudioTiming,
    /// A transcript besides.
    Transcript,
    /// A language model read the transcript, too.
    Llm,
}

/// A section that was not asked of this call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SkipReason {
    /// Nobody gave a transcript.
    NoTranscript,
    /// The transcript does not say when anything was said.
    NoTimes,
    /// The transcript's language is not one that the method knows.
    LanguageNotSupported,
    /// The account has not asked for it.
    Disabled,
    /// The server has no service for it.
    NotConfigured,
    /// There is no recording that could be fetched, or it has not been read yet.
    NoRecording,
    /// The speakers cannot be told apart: one channel, and nobody said who speaks.
    NoSpeakerSeparation,
    /// Nobody speaks.
    NoSpeech,
    /// A client of the API gave a transcript.
    TranscriptGiven,
    /// What was said is not kept any more.
    NotKept,
}

/// A section that should have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailReason {
    /// A fault of ours.
    InternalError,
    /// The language model's server could not be reached, or answered with errors of its own, in every attempt.
    ModelUnavailable,
    /// It did not answer in time, in any attempt.
    ModelTimedOut,
    /// It does not take the request: the key, the model's name, or something in the request is not right.
    ModelRejectedRequest,
    /// The model would not say anything about this conversation.
    ModelRefused,
    /// Its answer was longer than it may be, and is cut.
    ModelAnswerCut,
    /// Its answer was not of the schema, nor was the second one.
    ModelAnswerInvalid,
    /// The server of the recording has no such file, and had none for an hour.
    RecordingNotFound,
    /// It asks for credentials, or does not accept the URL's.
    RecordingForbidden,
    /// It does not give the file out for another reason: another refusal, or redirects without end.
    RecordingRefused,
    /// The URL, or a redirect, leads to an address that may not be reached.
    RecordingAddressRefused,
    /// It could not be reached, answered with errors of its own, or broke off, for an hour.
    RecordingUnreachable,
    /// The file has more bytes than are fetched.
    RecordingTooLarge,
    /// The recording lasts longer than twelve hours.
    RecordingTooLong,
    /// The file cannot be decoded.
    RecordingDamaged,
    /// There is no sound in the file.
    RecordingEmpty,
    /// What the server gives is not audio.
    NotAudio,
    /// The file is coded in a way that is not decoded here.
    UnsupportedCodec,
    /// The recording has more than two channels.
    TooManyChannels,
    /// The speech-to-text service could not be reached, or answered with errors of its own, in every attempt.
    SpeechToTextUnavailable,
    /// The speech-to-text service refused the request.
    SpeechToTextRefused,
    /// The speech-to-text service's answers could not be read.
    SpeechToTextUnreadable,
}

/// A part of an analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Section<T> {
    /// It was made.
    Completed(T),
    /// It does not apply.
    Skipped {
        /// Why.
        reason: SkipReason,
    },
    /// It went wrong.
    Failed {
        /// Why.
        reason: FailReason,
    },
}

/// How a section stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionState {
    /// It was made.
    Completed,
    /// It does not apply.
    Skipped,
    /// It went wrong.
    Failed,
}

impl<T> From<Result<T, FailReason>> for Section<T> {
    fn from(made: Result<T, FailReason>) -> Self {
        match made {
            Ok(section) => Self::Completed(section),
            Err(reason) => Self::Failed { reason },
        }
    }
}

impl<T> Section<T> {
    /// The section, if it was made.
    pub fn completed(&self) -> Option<&T> {
        match self {
            Self::Completed(section) => Some(section),
            Self::Skipped { .. } | Self::Failed { .. } => None,
        }
    }

    /// How it stands.
    pub fn state(&self) -> SectionState {
        match self {
            Self::Completed(_) => SectionState::Completed,
            Self::Skipped { .. } => SectionState::Skipped,
            Self::Failed { .. } => SectionState::Failed,
        }
    }

    /// The section with something else in it, if it was made.
    pub fn map<U>(&self, to: impl FnOnce(&T) -> U) -> Section<U> {
        match self {
            Self::Completed(section) => Section::Completed(to(section)),
            Self::Skipped { reason } => Section::Skipped { reason: *reason },
            Self::Failed { reason } => Section::Failed { reason: *reason },
        }
    }
}

/// Who gave the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "transcript_source", rename_all = "snake_case")]
pub enum TranscriptSource {
    /// A client of the API.
    Caller,
    /// Speech-to-text, asked by us.
    SpeechToText,
}

/// What the timing metrics were counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimingSource {
    /// The times of the utterances, as the giver of the transcript had them.
    Utterances,
    /// Where voices were heard on the channels of the recording.
    Vad,
    /// The times of words, as speech-to-text had them.
    Words,
    /// The times of segments, as speech-to-text had them.
    Segments,
    /// There was no speech to go by: only what telephony reported.
    CallEventsOnly,
}

/// Who said which language it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LanguageSource {
    /// The giver of the transcript.
    Caller,
    /// Nobody: the words tell.
    Detected,
    /// The speech-to-text service.
    SpeechToText,
}

impl LanguageSource {
    /// Whoever gave the transcript.
    pub fn given_by(source: TranscriptSource) -> Self {
        match source {
            TranscriptSource::Caller => Self::Caller,
            TranscriptSource::SpeechToText => Self::SpeechToText,
        }
    }
}

/// What went into an analysis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Input {
    /// Where the transcript came from; null without one.
    pub transcript_source: Option<TranscriptSource>,
    /// What the timing metrics were counted from.
    pub timing_source: TimingSource,
    /// `sha256:` and the hash of everything that went in, the analysers' versions included.
    pub input_hash: String,
}

/// Something that makes sections; its version rises when its output can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Analyzer {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// What came of the call, as far as rules can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeValue {
    /// Nobody answered.
    NoContact,
    /// A machine answered, or took a message.
    Voicemail,
    /// Answered, and over within ten seconds.
    ShortCall,
    /// What the customer wanted was done; a language model says so.
    Resolved,
    /// It was not; a language model says so.
    Unresolved,
    /// Somebody will do something about it; a language model says so.
    FollowUp,
    /// Somebody else took the call; a language model says so.
    Transferred,
    /// Nobody talked to anybody; a language model says so.
    NoConversation,
    /// Something else; a language model says so.
    Other,
    /// Nothing says.
    Unknown,
}

/// How the outcome was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeMethod {
    /// By the rules of `docs/analysis.md`.
    Rules,
    /// By a language model, where the rules do not say.
    Llm,
}

/// What came of the call.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Outcome {
    /// The outcome.
    pub value: OutcomeValue,
    /// How it was found.
    pub method: OutcomeMethod,
    /// 0 to 1; null where the method has no notion of it.
    pub confidence: Option<f64>,
}

/// Something about the call, or about its transcript, that a person should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QualityFlag {
    /// Ten seconds or more in which nobody spoke.
    DeadAir,
    /// One participant has more than nine tenths of the talk.
    OneSided,
    /// No agent speaks.
    NoAgentSpeech,
    /// No customer speaks.
    NoCustomerSpeech,
    /// More than one interruption a minute.
    HighInterruptions,
    /// The customer's last quarter scores -1 or less.
    NegativeEnding,
    /// The transcript runs past the known talk time; the conversation is taken to be as long as the transcript.
    TranscriptExceedsCall,
}

/// What was found, whatever revision it becomes: equal input gives equal findings, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Findings {
    /// How the analysis went.
    pub status: AnalysisStatus,
    /// How much it had to go by.
    pub analysis_level: AnalysisLevel,
    /// The transcript's language; null where nobody said and the words do not tell.
    #[schema(value_type = Option<String>)]
    pub language_code: Option<Language>,
    /// Who said so.
    pub language_source: Option<LanguageSource>,
    /// What went in.
    pub input: Input,
    /// What made the sections.
    pub analyzers: Vec<Analyzer>,
    /// The call as telephony reported it.
    pub call_metrics: Section<CallMetrics>,
    /// Who talked when, and how much.
    pub conversation_characteristics: Section<ConversationCharacteristics>,
    /// What was heard in the recording; revisions from before it was told do not have it.
    #[schema(required = false)]
    pub recording: Section<RecordingFindings>,
    /// How what is said in it was written down; as above.
    #[schema(required = false)]
    pub transcription: Section<Transcription>,
    /// How it sounded, by the words alone.
    pub sentiment: Section<Sentiment>,
    /// The personal data that was found in what was said. Revisions from before have neither this nor the next five.
    #[schema(required = false)]
    pub pii: Section<Pii>,
    /// What it was about.
    #[schema(required = false)]
    pub key_phrases: Section<KeyPhrases>,
    /// Turns worth reading.
    #[schema(required = false)]
    pub highlights: Section<Highlights>,
    /// The account's categories that it is in.
    #[schema(required = false)]
    pub categories: Section<Categories>,
    /// Whether a machine took the call.
    #[schema(required = false)]
    pub voicemail: Section<Voicemail>,
    /// The facts in a few sentences.
    #[schema(required = false)]
    pub summary: Section<Summary>,
    /// What a language model says of it.
    #[schema(required = false)]
    pub insights: Section<Insights>,
    /// Whether it was a success, as a language model reads it.
    #[schema(required = false)]
    pub success_evaluation: Section<SuccessEvaluation>,
    /// The account's own fields, as a language model filled them in.
    #[schema(required = false)]
    pub structured_data: Section<StructuredData>,
    /// What came of it; null where that failed.
    pub outcome: Option<Outcome>,
    /// What a person should look at, sorted; null where that failed.
    pub quality_flags: Option<Vec<QualityFlag>>,
}

/// One revision of a call's analysis.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Analysis {
    /// The shape of this object.
    pub schema_version: u16,
    /// This revision's id.
    pub analysis_id: AnalysisId,
    /// The call.
    pub call_id: CallId,
    /// From 1, rising.
    pub revision: i32,
    /// Why it was made.
    pub trigger: Trigger,
    /// When its input was read.
    pub created_at: DateTime<Utc>,
    /// When it was stored.
    pub completed_at: DateTime<Utc>,
    /// What was found.
    #[serde(flatten)]
    pub findings: Findings,
}
