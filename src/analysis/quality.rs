//! What a person should look at, from the sections that were made.

use crate::domain::{
    analysis::{ConversationCharacteristics, QualityFlag, Sentiment},
    transcript::{SpeakerRole, Utterance},
};

/// A silence of this length is dead air.
const DEAD_AIR_MS: u64 = 10_000;
/// More than this part of the talk is one-sided.
const ONE_SIDED_RATIO: f64 = 0.9;
/// A last quarter of this score or less is a negative ending.
const NEGATIVE_ENDING: f64 = -1.0;
/// Reported talk times are whole seconds: a transcript may run past one by so much.
const TALK_TIME_TOLERANCE_MS: u64 = 1_000;

/// The flags of a call with a transcript, sorted. `talk_ms` is the talk time of the call's record.
pub fn flags(
    utterances: &[Utterance],
    talk_ms: Option<u64>,
    (conversation, sentiment): (Option<&ConversationCharacteristics>, Option<&Sentiment>),
) -> Vec<QualityFlag> {
    let has = |role| utterances.iter().any(|utterance| utterance.speaker == role);
    let roles_known = has(SpeakerRole::Agent) || has(SpeakerRole::Customer);
    let separated = utterances
        .iter()
        .any(|u| u.speaker != SpeakerRole::Unknown || u.participant_id.is_some());
    let exceeds = |talk: u64| {
        utterances
            .iter()
            .any(|u| u64::from(u.end_ms) > talk + TALK_TIME_TOLERANCE_MS)
    };
    let of_conversation =
        |test: fn(&ConversationCharacteristics) -> bool| conversation.is_some_and(test);
    let held = [
        (QualityFlag::DeadAir, of_conversation(has_dead_air)),
        (
            QualityFlag::OneSided,
            separated && of_conversation(is_one_sided),
        ),
        (
            QualityFlag::NoAgentSpeech,
            roles_known && !has(SpeakerRole::Agent),
        ),
        (
            QualityFlag::NoCustomerSpeech,
            roles_known && !has(SpeakerRole::Customer),
        ),
        (
            QualityFlag::HighInterruptions,
            of_conversation(is_interrupted_often),
        ),
        (
            QualityFlag::NegativeEnding,
            sentiment.is_some_and(ends_negative),
        ),
        (
            QualityFlag::TranscriptExceedsCall,
            talk_ms.is_some_and(exceeds),
        ),
    ];
    held.into_iter()
        .filter_map(|(flag, holds)| holds.then_some(flag))
        .collect()
}

/// The flags of a call that was only heard, sorted: nobody knows what was said.
pub fn of_voices(conversation: &ConversationCharacteristics) -> Vec<QualityFlag> {
    let talk = &conversation.talk_time.by_participant;
    let has = |role: SpeakerRole| talk.contains_key(role.as_str());
    let (agent, customer) = (has(SpeakerRole::Agent), has(SpeakerRole::Customer));
    let held = [
        (QualityFlag::DeadAir, has_dead_air(conversation)),
        (QualityFlag::OneSided, is_one_sided(conversation)),
        (QualityFlag::NoAgentSpeech, customer && !agent),
        (QualityFlag::NoCustomerSpeech, agent && !customer),
        (
            QualityFlag::HighInterruptions,
            is_interrupted_often(conversation),
        ),
    ];
    held.into_iter()
        .filter_map(|(flag, holds)| holds.then_some(flag))
        .collect()
}

fn has_dead_air(conversation: &ConversationCharacteristics) -> bool {
    let silences = &conversation.non_talk_time.instances;
    silences.iter().any(|gap| gap.duration_ms >= DEAD_AIR_MS)
}

fn is_one_sided(conversation: &ConversationCharacteristics) -> bool {
    let mut ratios = conversation.talk_ratio.values().flatten();
    ratios.any(|ratio| *ratio > ONE_SIDED_RATIO)
}

fn is_interrupted_often(conversation: &ConversationCharacteristics) -> bool {
    conversation.interruptions.total_count * 60_000 > conversation.total_conversation_duration_ms
}

fn ends_negative(sentiment: &Sentiment) -> bool {
    sentiment
        .by_period
        .quarter
        .get(SpeakerRole::Customer.as_str())
        .and_then(|quarters| quarters.last())
        .is_some_and(|last| last.score <= NEGATIVE_ENDING)
}
