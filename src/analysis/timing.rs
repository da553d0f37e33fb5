//! Talk, silence, interruptions, latency: counted from the times and words of the utterances, or from where voices were heard.
//!
//! The definitions are those of the reference implementation from which `tests/fixtures/analysis/` was made, and the
//! numbers equal its. Where it would divide by zero (an utterance without length, a conversation without length) the
//! value is null; so is a talk speed under three seconds of talk. An utterance of one participant ends a monologue of
//! another, however short it is. Questions are counted in `questions`, a little more widely than the reference does.

use std::collections::BTreeMap;

use super::{
    number::{count, ratio, whole},
    words::{Split, Words},
};
use crate::domain::{
    analysis::conversation::{
        ConversationCharacteristics, NonTalkTime, Span, TalkTime, TimingMethod,
    },
    sound::VoiceSpan,
    transcript::Utterance,
};

mod interruptions;
mod questions;
mod turns;
mod words;

use words::Counts;

pub(super) use words::{FILLERS, NEGATIONS};

/// A silence must be longer to count as non-talk time.
pub const NON_TALK_MS: u64 = 3_000;
/// Less talk says nothing about its speed.
const TALK_SPEED_MS_MIN: u64 = 3_000;
/// So many instances are listed; all are counted.
pub const INSTANCES_MAX: usize = 1_000;
const MINUTE_MS: u64 = 60_000;

/// An utterance as timing sees it.
#[derive(Debug, Clone, Copy)]
struct Speech<'a> {
    by: &'a str,
    begin: u64,
    end: u64,
    counts: Counts,
    text: &'a str,
}

/// Makes the section from utterances in order of time. `talk_ms` is the talk time of the call's record, where known.
pub fn timing(utterances: &[Utterance], talk_ms: Option<u64>) -> ConversationCharacteristics {
    let split = split(utterances);
    timing_of_split(utterances, &split, talk_ms)
}

/// Makes the section from utterances whose texts were split before.
pub fn timing_of_split(
    utterances: &[Utterance],
    split: &Split<'_>,
    talk_ms: Option<u64>,
) -> ConversationCharacteristics {
    let speech = Speech::all(utterances, split);
    let last = speech.iter().map(|said| said.end).max().unwrap_or(0);
    let duration = talk_ms.unwrap_or(0).max(last);
    let own = by_participant(&speech);
    let said = Said::of(&own);
    characteristics(TimingMethod::Utterances, (&speech, &own), duration, &said)
}

/// Makes the section from where each participant's voice was heard in a recording of this length; words are counted in what
/// was said, if anybody wrote it down.
pub fn timing_of_voices(
    voices: &[(&str, &[VoiceSpan])],
    duration_ms: u64,
    said: Option<&[Utterance]>,
) -> ConversationCharacteristics {
    let mut speech: Vec<Speech<'_>> = voices
        .iter()
        .flat_map(|(by, spans)| spans.iter().map(|span| Speech::heard(by, *span)))
        .collect();
    speech.sort_by_key(|heard| (heard.begin, heard.end, heard.by));
    let said = said.map_or_else(Said::default, |utterances| {
        let written = Speech::all(utterances, &split(utterances));
        Said::of(&by_participant(&written))
    });
    let own = by_participant(&speech);
    let speech = (speech.as_slice(), &own);
    characteristics(TimingMethod::VoiceActivity, speech, duration_ms, &said)
}

fn split(utterances: &[Utterance]) -> Split<'_> {
    Split::of(utterances.iter().map(|utterance| utterance.text.as_str()))
}

/// What each one said, in words; nothing where nobody wrote it down.
#[derive(Debug, Default)]
struct Said {
    words: BTreeMap<String, u64>,
    questions: BTreeMap<String, u64>,
    fillers: BTreeMap<String, u64>,
    negations: BTreeMap<String, u64>,
}

/// Each one's own speech, by participant.
type Own<'s, 'a> = BTreeMap<&'a str, Vec<&'s Speech<'a>>>;

fn by_participant<'s, 'a>(speech: &'s [Speech<'a>]) -> Own<'s, 'a> {
    let mut own: Own<'s, 'a> = BTreeMap::new();
    for said in speech {
        own.entry(said.by).or_default().push(said);
    }
    own
}

impl Said {
    fn of(own: &Own<'_, '_>) -> Self {
        let counted = |of: fn(&Speech<'_>) -> u64| {
            sums(own, |speech| speech.iter().map(|said| of(said)).sum())
        };
        Self {
            words: counted(|said| said.counts.words),
            questions: counted(|said| questions::questions(said.text)),
            fillers: counted(|said| said.counts.fillers),
            negations: counted(|said| said.counts.negations),
        }
    }
}

fn characteristics(
    method: TimingMethod,
    (speech, own): (&[Speech<'_>], &Own<'_, '_>),
    duration: u64,
    said: &Said,
) -> ConversationCharacteristics {
    let anyone = union(speech.iter());
    let talk = sums(own, |own| length(&union(own.iter().copied())));
    let talk_total: u64 = talk.values().sum();
    let runs = turns::runs(speech);
    let switches = count(runs.len().saturating_sub(1));
    ConversationCharacteristics {
        method,
        total_conversation_duration_ms: duration,
        talk_ratio: map(&talk, |_, own| ratio(own, talk_total, 4)),
        talk_percent: map(&talk, |_, own| ratio(own * 100, duration, 2)),
        overlap_ms: talk_total - length(&anyone),
        silence_ms: duration.saturating_sub(length(&anyone)),
        non_talk_time: non_talk_time(&anyone, duration),
        talk_speed_wpm: map(&talk, |by, own| {
            let words = said.words.get(by).copied()?;
            whole(words * MINUTE_MS, own).filter(|_| own >= TALK_SPEED_MS_MIN)
        }),
        interruptions: interruptions::interruptions(speech),
        longest_monologue_ms: turns::longest(&runs),
        response_latency_ms: turns::latency(&runs),
        time_to_first_word_ms: speech.iter().map(|said| said.begin).min().unwrap_or(0),
        first_utterance_offset_ms: sums(own, |own| {
            own.iter().map(|said| said.begin).min().unwrap_or(0)
        }),
        speaker_switches_per_minute: ratio(switches * MINUTE_MS, duration, 2),
        turn_count: turns::counts(&runs),
        question_count: said.questions.clone(),
        word_count: said.words.clone(),
        filler_count: said.fillers.clone(),
        negation_count: said.negations.clone(),
        talk_time: TalkTime {
            total_ms: talk_total,
            by_participant: talk,
        },
    }
}

impl<'a> Speech<'a> {
    fn all(utterances: &'a [Utterance], split: &Split<'_>) -> Vec<Self> {
        let said = utterances.iter().zip(split.texts());
        said.map(|(utterance, words)| Self::of(utterance, words))
            .collect()
    }

    fn of(utterance: &'a Utterance, words: Words<'_>) -> Self {
        Self {
            by: utterance.participant(),
            begin: utterance.begin_ms.into(),
            end: utterance.end_ms.into(),
            counts: words::counts(words),
            text: utterance.text.as_str(),
        }
    }

    fn heard(by: &'a str, span: VoiceSpan) -> Self {
        Self {
            by,
            begin: span.begin_ms.into(),
            end: span.end_ms.into(),
            counts: Counts::default(),
            text: "",
        }
    }

    fn length(&self) -> u64 {
        self.end - self.begin
    }
}

/// Something of each participant's own speech.
fn sums(own: &Own<'_, '_>, of: impl Fn(&[&Speech<'_>]) -> u64) -> BTreeMap<String, u64> {
    own.iter()
        .map(|(by, speech)| ((*by).to_owned(), of(speech)))
        .collect()
}

fn map<T>(own: &BTreeMap<String, u64>, to: impl Fn(&str, u64) -> T) -> BTreeMap<String, T> {
    own.iter()
        .map(|(by, value)| (by.clone(), to(by, *value)))
        .collect()
}

/// The stretches in which at least one of them talks; they come in order of time.
fn union<'a>(speech: impl Iterator<Item = &'a Speech<'a>>) -> Vec<(u64, u64)> {
    let mut union: Vec<(u64, u64)> = Vec::new();
    for said in speech {
        match union.last_mut() {
            Some((_, end)) if said.begin <= *end => *end = (*end).max(said.end),
            Some(_) | None => union.push((said.begin, said.end)),
        }
    }
    union
}

fn length(spans: &[(u64, u64)]) -> u64 {
    spans.iter().map(|(begin, end)| end - begin).sum()
}

/// Silences longer than the threshold, before the first word and after the last one included.
fn non_talk_time(anyone: &[(u64, u64)], duration: u64) -> NonTalkTime {
    let begins = anyone.iter().map(|(begin, _)| *begin).chain([duration]);
    let ends = std::iter::once(0).chain(anyone.iter().map(|(_, end)| *end));
    let gaps: Vec<Span> = ends
        .zip(begins)
        .map(|(begin, end)| Span::new(begin, end))
        .filter(|gap| gap.duration_ms > NON_TALK_MS)
        .collect();
    NonTalkTime {
        threshold_ms: NON_TALK_MS,
        total_ms: gaps.iter().map(|gap| gap.duration_ms).sum(),
        instances: gaps.into_iter().take(INSTANCES_MAX).collect(),
    }
}

impl Span {
    /// From where to where.
    pub(super) fn new(begin: u64, end: u64) -> Self {
        Self {
            begin_offset_ms: begin,
            end_offset_ms: end,
            duration_ms: end.saturating_sub(begin),
        }
    }
}
