//! Who talked when, and how much. Participants are named by role, or by their id where the role is not known.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{ObjectBuilder, OneOfBuilder, Schema, Type},
};

/// How the section was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimingMethod {
    /// Counted from the times and words of the utterances as they were given.
    Utterances,
    /// Counted from where a voice was heard on each channel of the recording; words, where there are any, from the transcript.
    VoiceActivity,
}

/// Who talked when, and how much.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConversationCharacteristics {
    /// How the section was made.
    pub method: TimingMethod,
    /// The talk time of the call, or the end of the last utterance where that is later.
    pub total_conversation_duration_ms: u64,
    /// Time in which somebody talks.
    pub talk_time: TalkTime,
    /// Each one's part of the talk, 0 to 1; null where nobody has any.
    pub talk_ratio: BTreeMap<String, Option<f64>>,
    /// Each one's talk as a percentage of the conversation; null where it has no length.
    pub talk_percent: BTreeMap<String, Option<f64>>,
    /// Time in which more than one talks, counted once for each one more.
    pub overlap_ms: u64,
    /// Time in which nobody talks.
    pub silence_ms: u64,
    /// Silences that are long enough to be noticed.
    pub non_talk_time: NonTalkTime,
    /// Words per minute of own talk; null under three seconds of talk.
    pub talk_speed_wpm: BTreeMap<String, Option<u64>>,
    /// Who cut in.
    pub interruptions: Interruptions,
    /// The longest run of utterances of one participant.
    pub longest_monologue_ms: BTreeMap<String, u64>,
    /// How long each one waits after the other has stopped; null where that never happens.
    #[schema(schema_with = response_latency_schema)]
    pub response_latency_ms: BTreeMap<String, Option<ResponseLatency>>,
    /// Where the first of all utterances begins.
    pub time_to_first_word_ms: u64,
    /// Where each one's first utterance begins.
    pub first_utterance_offset_ms: BTreeMap<String, u64>,
    /// Changes of speaker per minute; null where the conversation has no length.
    pub speaker_switches_per_minute: Option<f64>,
    /// Runs of utterances of one participant.
    pub turn_count: BTreeMap<String, u64>,
    /// Questions; of nobody where there are no words.
    pub question_count: BTreeMap<String, u64>,
    /// Words, split at white space; of nobody where there are none to count.
    pub word_count: BTreeMap<String, u64>,
    /// Words that fill pauses: "um", "uh".
    #[schema(required = false)]
    pub filler_count: BTreeMap<String, u64>,
    /// Words that say no: "not", "don't".
    #[schema(required = false)]
    pub negation_count: BTreeMap<String, u64>,
}

/// Time in which somebody talks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TalkTime {
    /// The sum over participants; more than the conversation where they overlap.
    pub total_ms: u64,
    /// Each one's own, without counting an instant twice.
    pub by_participant: BTreeMap<String, u64>,
}

/// Silences longer than the threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NonTalkTime {
    /// What a silence must exceed.
    pub threshold_ms: u64,
    /// The sum.
    pub total_ms: u64,
    /// Each of them.
    pub instances: Vec<Span>,
}

/// A stretch of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Span {
    /// Where it begins.
    pub begin_offset_ms: u64,
    /// Where it ends.
    pub end_offset_ms: u64,
    /// How long it is.
    pub duration_ms: u64,
}

/// Who cut in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Interruptions {
    /// How many.
    pub total_count: u64,
    /// How long both talked, summed.
    pub total_ms: u64,
    /// The first thousand of them.
    #[schema(max_items = 1_000)]
    pub instances: Vec<Interruption>,
}

/// Somebody began while another talked, and went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Interruption {
    /// Who cut in.
    pub by: String,
    /// While both talked.
    #[serde(flatten)]
    pub span: Span,
}

/// How long one waits after the other has stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResponseLatency {
    /// How often.
    pub count: u64,
    /// The mean.
    pub mean: u64,
    /// The median (nearest rank).
    pub p50: u64,
    /// The ninetieth percentile (nearest rank).
    pub p90: u64,
    /// The longest.
    pub max: u64,
}

/// A map to a latency or null: the derived schema of a map to an optional object does not compile.
fn response_latency_schema() -> Schema {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    let or_null = OneOfBuilder::new()
        .item(null)
        .item(ResponseLatency::schema());
    ObjectBuilder::new()
        .additional_properties(Some(Schema::OneOf(or_null.build())))
        .build()
        .into()
}
