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

use words::{Counts, counts};

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
struct Speech {
    /// Whose it is, by their place among the names.
    by: usize,
    begin: u64,
    end: u64,
    /// How many words it has.
    words: u64,
}

/// Those who take part, by name: what is counted of somebody stands at the same place.
#[derive(Debug)]
struct Names<'a>(Vec<&'a str>);

/// What each one said, in words; nothing where nobody wrote it down.
#[derive(Debug, Default)]
struct Said {
    words: BTreeMap<String, u64>,
    questions: BTreeMap<String, u64>,
    fillers: BTreeMap<String, u64>,
    negations: BTreeMap<String, u64>,
}

/// Stretches of time in which somebody talks, and what lies between them.
#[derive(Debug, Clone, Default)]
struct Talk {
    first: Option<u64>,
    until: u64,
    length: u64,
}

/// Makes the section from utterances in order of time. `talk_ms` is the talk time of the call's record, where known.
pub fn timing(utterances: &[Utterance], talk_ms: Option<u64>) -> ConversationCharacteristics {
    let split = Split::of(utterances.iter().map(|utterance| utterance.text.as_str()));
    let texts: Vec<Words<'_>> = split.texts().collect();
    timing_of_split(utterances, &texts, talk_ms)
}

/// Makes the section from utterances whose texts were split before.
pub fn timing_of_split(
    utterances: &[Utterance],
    texts: &[Words<'_>],
    talk_ms: Option<u64>,
) -> ConversationCharacteristics {
    let names = Names::of(utterances.iter().map(Utterance::participant));
    let mut said = vec![Counts::default(); names.0.len()];
    let speech = utterances.iter().zip(texts).map(|(utterance, words)| {
        let by = names.place(utterance.participant());
        let counts = counts(*words);
        if let Some(said) = said.get_mut(by) {
            said.add(counts);
        }
        Speech {
            by,
            begin: utterance.begin_ms.into(),
            end: utterance.end_ms.into(),
            words: counts.words,
        }
    });
    let speech: Vec<Speech> = speech.collect();
    let last = speech.iter().map(|said| said.end).max().unwrap_or(0);
    let duration = talk_ms.unwrap_or(0).max(last);
    let said = Said::of(&names, &said);
    characteristics(TimingMethod::Utterances, (&speech, &names), duration, said)
}

/// Makes the section from where each participant's voice was heard in a recording of this length; words are counted in what
/// was said, if anybody wrote it down.
pub fn timing_of_voices(
    voices: &[(&str, &[VoiceSpan])],
    duration_ms: u64,
    said: Option<(&[Utterance], &[Words<'_>])>,
) -> ConversationCharacteristics {
    let names = Names::of(voices.iter().map(|(by, _)| *by));
    let spans = voices.iter().flat_map(|(by, spans)| {
        let by = names.place(by);
        spans.iter().map(move |span| (by, span))
    });
    let speech = spans.map(|(by, span)| Speech {
        by,
        begin: span.begin_ms.into(),
        end: span.end_ms.into(),
        words: 0,
    });
    let mut speech: Vec<Speech> = speech.collect();
    speech.sort_by_key(|heard| (heard.begin, heard.end, heard.by));
    let said = said.map_or_else(Said::default, |(utterances, texts)| {
        let names = Names::of(utterances.iter().map(Utterance::participant));
        let mut said = vec![Counts::default(); names.0.len()];
        for (utterance, words) in utterances.iter().zip(texts) {
            if let Some(said) = said.get_mut(names.place(utterance.participant())) {
                said.add(counts(*words));
            }
        }
        Said::of(&names, &said)
    });
    let method = TimingMethod::VoiceActivity;
    characteristics(method, (&speech, &names), duration_ms, said)
}

impl<'a> Names<'a> {
    fn of(names: impl Iterator<Item = &'a str>) -> Self {
        let mut known = Vec::new();
        for name in names {
            if !known.contains(&name) {
                known.push(name);
            }
        }
        known.sort_unstable();
        Self(known)
    }

    /// The place of a name. There are few.
    fn place(&self, name: &str) -> usize {
        let place = self.0.iter().position(|known| *known == name);
        place.unwrap_or(self.0.len())
    }

    fn name(&self, place: usize) -> &'a str {
        self.0.get(place).copied().unwrap_or_default()
    }

    /// What there is of each one, by name.
    fn named<T>(&self, own: impl Iterator<Item = T>) -> BTreeMap<String, T> {
        let names = self.0.iter().map(|name| (*name).to_owned());
        names.zip(own).collect()
    }
}

impl Said {
    fn of(names: &Names<'_>, counts: &[Counts]) -> Self {
        let named = |of: fn(&Counts) -> u64| names.named(counts.iter().map(of));
        Self {
            words: named(|said| said.words),
            questions: named(|said| said.questions),
            fillers: named(|said| said.fillers),
            negations: named(|said| said.negations),
        }
    }
}

impl Talk {
    /// Adds a stretch, which begins no sooner than those before; gives the silence before it.
    fn add(&mut self, begin: u64, end: u64) -> Span {
        let silence = Span::new(self.until, begin);
        self.length += end.saturating_sub(self.until.max(begin));
        self.until = self.until.max(end);
        self.first = Some(self.first.map_or(begin, |first| first.min(begin)));
        silence
    }
}

fn characteristics(
    method: TimingMethod,
    (speech, names): (&[Speech], &Names<'_>),
    duration: u64,
    said: Said,
) -> ConversationCharacteristics {
    let mut own = vec![Talk::default(); names.0.len()];
    let mut anyone = Talk::default();
    let mut silences = Vec::with_capacity(speech.len() + 1);
    for one in speech {
        silences.push(anyone.add(one.begin, one.end));
        if let Some(own) = own.get_mut(one.by) {
            own.add(one.begin, one.end);
        }
    }
    silences.push(Span::new(anyone.until, duration));
    let talk_total: u64 = own.iter().map(|own| own.length).sum();
    let runs = turns::runs(speech);
    let switches = count(runs.len().saturating_sub(1));
    let speed = |(name, own): (&&str, &Talk)| {
        let words = said.words.get(*name).copied()?;
        whole(words * MINUTE_MS, own.length).filter(|_| own.length >= TALK_SPEED_MS_MIN)
    };
    let talk = own.iter();
    ConversationCharacteristics {
        method,
        total_conversation_duration_ms: duration,
        talk_ratio: names.named(talk.clone().map(|own| ratio(own.length, talk_total, 4))),
        talk_percent: names.named(talk.clone().map(|own| ratio(own.length * 100, duration, 2))),
        overlap_ms: talk_total - anyone.length,
        silence_ms: duration.saturating_sub(anyone.length),
        non_talk_time: non_talk_time(silences),
        talk_speed_wpm: names.named(names.0.iter().zip(&own).map(speed)),
        interruptions: interruptions::interruptions(speech, names),
        longest_monologue_ms: turns::longest(&runs, names),
        response_latency_ms: turns::latency(&runs, names),
        time_to_first_word_ms: anyone.first.unwrap_or(0),
        first_utterance_offset_ms: names.named(talk.clone().map(|own| own.first.unwrap_or(0))),
        speaker_switches_per_minute: ratio(switches * MINUTE_MS, duration, 2),
        turn_count: turns::counts(&runs, names),
        talk_time: TalkTime {
            total_ms: talk_total,
            by_participant: names.named(talk.map(|own| own.length)),
        },
        question_count: said.questions,
        word_count: said.words,
        filler_count: said.fillers,
        negation_count: said.negations,
    }
}

/// Silences longer than the threshold, before the first word and after the last one included.
fn non_talk_time(silences: Vec<Span>) -> NonTalkTime {
    let mut gaps = silences;
    gaps.retain(|gap| gap.duration_ms > NON_TALK_MS);
    let total_ms = gaps.iter().map(|gap| gap.duration_ms).sum();
    gaps.truncate(INSTANCES_MAX);
    NonTalkTime {
        threshold_ms: NON_TALK_MS,
        total_ms,
        instances: gaps,
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
