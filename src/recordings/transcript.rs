//! Puts together what was heard in the pieces of a recording: utterances in order of time, each by one speaker.
//!
//! Words with times are grouped anew: a pause of more than 0.8 s, the start of another speaker and the end of a sentence each end an
//! utterance. Segments are taken as they are, text without times as one utterance for its piece. Services tell times that cannot be; they
//! are brought inside the piece that was sent.

use std::{collections::BTreeMap, time::Duration};

use anyhow::anyhow;

use super::{
    Failure,
    speech::{Heard, HeardSegment, HeardWord},
};
use crate::{
    audio::Piece,
    domain::{
        analysis::FailReason,
        recording::HeardTimes,
        text::Text,
        transcript::{
            Language, PARTICIPANTS_MAX, SpeakerRole, TEXT_CHARS_MAX, Transcript, UTTERANCES_MAX,
            Utterance, WORDS_MAX, Word,
        },
    },
};

/// A longer pause ends an utterance.
const PAUSE_MS_MAX: u32 = 800;
/// More characters are another utterance.
const CHARS_MAX: usize = TEXT_CHARS_MAX - 300;

/// What was heard in a piece.
#[derive(Debug, Clone)]
pub struct HeardPiece {
    /// Where the piece lies.
    pub piece: Piece,
    /// Who speaks on its channel; `None`: anybody.
    pub participant: Option<&'static str>,
    /// What the service answered.
    pub heard: Heard,
}

/// A transcript, and how finely its times are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembled {
    /// What was said; `None` if nothing was.
    pub transcript: Option<Transcript>,
    /// The coarsest of the times of all pieces.
    pub times: HeardTimes,
}

/// Who says something.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Speaker {
    role: SpeakerRole,
    id: Option<Text<64>>,
}

/// A word in its place in the recording.
#[derive(Debug, Clone)]
struct Timed {
    by: Speaker,
    word: Word,
}

/// Where an utterance ends besides a pause and another's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sentences {
    /// At the end of a sentence, too.
    Apart,
    /// Not there.
    Together,
}

/// Puts pieces together, in order of time on each channel.
pub fn assemble(pieces: &[HeardPiece]) -> Result<Assembled, Failure> {
    let mut assembled = utterances(pieces, Sentences::Apart);
    if assembled.len() > UTTERANCES_MAX {
        assembled = utterances(pieces, Sentences::Together);
    }
    if assembled.len() > UTTERANCES_MAX {
        let cause = anyhow!("more than {UTTERANCES_MAX} utterances");
        return Err(Failure::never(FailReason::SpeechToTextUnreadable, cause));
    }
    let spoken = pieces.iter().filter(|piece| says_something(&piece.heard));
    let times = spoken.map(|piece| times(&piece.heard)).max();
    let times = times.unwrap_or(HeardTimes::Words);
    let transcript = (!assembled.is_empty()).then(|| {
        let transcript = Transcript::of_checked(language(pieces), assembled);
        if times > HeardTimes::Segments {
            // Where the pieces lie gives the order; it says nothing of when in a piece something was said.
            let (language, ordered) = transcript.into_parts();
            return Transcript::untimed(language, ordered);
        }
        transcript
    });
    Ok(Assembled { transcript, times })
}

fn says_something(heard: &Heard) -> bool {
    !(heard.words.is_empty() && heard.segments.is_empty() && heard.text.trim().is_empty())
}

fn times(heard: &Heard) -> HeardTimes {
    match (heard.words.is_empty(), heard.segments.is_empty()) {
        (false, _) => HeardTimes::Words,
        (true, false) => HeardTimes::Segments,
        (true, true) => HeardTimes::None,
    }
}

/// The language of most of the sound.
fn language(pieces: &[HeardPiece]) -> Option<Language> {
    let mut spoken: BTreeMap<&str, (u64, &Language)> = BTreeMap::new();
    for piece in pieces {
        if let Some(language) = &piece.heard.language {
            let length = u64::from(piece.piece.end_ms - piece.piece.begin_ms);
            spoken.entry(language.as_str()).or_insert((0, language)).0 += length;
        }
    }
    let most = spoken.into_values().max_by_key(|(length, _)| *length);
    most.map(|(_, language)| language.clone())
}

fn utterances(pieces: &[HeardPiece], sentences: Sentences) -> Vec<Utterance> {
    let mut names = Names::default();
    let mut words: BTreeMap<Option<&str>, Vec<Timed>> = BTreeMap::new();
    let mut utterances = Vec::new();
    for piece in pieces {
        let HeardPiece {
            heard, participant, ..
        } = piece;
        match times(heard) {
            HeardTimes::Words => {
                let timed = heard.words.iter().filter_map(|word| {
                    let by = names.speaker(*participant, word.speaker.as_deref());
                    Some(Timed {
                        by,
                        word: in_place(piece.piece, word)?,
                    })
                });
                words.entry(*participant).or_default().extend(timed);
            }
            HeardTimes::Segments => utterances.extend(heard.segments.iter().filter_map(|said| {
                let by = names.speaker(*participant, said.speaker.as_deref());
                segment(piece.piece, by, said)
            })),
            HeardTimes::None => {
                let whole = HeardSegment {
                    text: heard.text.clone(),
                    begin_s: 0.0,
                    end_s: f64::MAX,
                    speaker: None,
                };
                let by = names.speaker(*participant, None);
                utterances.extend(segment(piece.piece, by, &whole));
            }
        }
    }
    let starts: BTreeMap<Option<&str>, Vec<u32>> = words
        .iter()
        .map(|(channel, words)| (*channel, starts(words)))
        .collect();
    for (channel, words) in words {
        let mut others: Vec<u32> = starts
            .iter()
            .filter(|(other, _)| **other != channel)
            .flat_map(|(_, starts)| starts.iter().copied())
            .collect();
        others.sort_unstable();
        utterances.extend(grouped(words, &others, sentences));
    }
    utterances
}

/// Speakers as they are named in the transcript.
#[derive(Debug, Default)]
struct Names(BTreeMap<String, Speaker>);

impl Names {
    /// The one whose channel it is; else the one whom the service names.
    fn speaker(&mut self, participant: Option<&str>, told: Option<&str>) -> Speaker {
        let nobody = Speaker {
            role: SpeakerRole::Unknown,
            id: None,
        };
        let name = match (participant, told) {
            (Some("agent"), _) => {
                return Speaker {
                    role: SpeakerRole::Agent,
                    id: None,
                };
            }
            (Some("customer"), _) => {
                return Speaker {
                    role: SpeakerRole::Customer,
                    id: None,
                };
            }
            (Some(channel), _) => channel.to_owned(),
            (None, Some(told)) => {
                let plain = told.chars().filter(|letter| !letter.is_control());
                format!("speaker_{}", plain.take(50).collect::<String>())
            }
            (None, None) => return nobody,
        };
        if let Some(known) = self.0.get(&name) {
            return known.clone();
        }
        // More than a transcript may have: the rest are nobody in particular.
        if self.0.len() + 1 >= PARTICIPANTS_MAX {
            return nobody;
        }
        let speaker = Speaker {
            role: SpeakerRole::Unknown,
            id: Text::parse(&name).ok(),
        };
        self.0.insert(name, speaker.clone());
        speaker
    }
}

/// A word in its place, if there is anything to it.
fn in_place(piece: Piece, word: &HeardWord) -> Option<Word> {
    let (begin_ms, end_ms) = place(piece, word.begin_s, word.end_s);
    Some(Word {
        text: clean(&word.text)?,
        begin_ms,
        end_ms,
        confidence: word.confidence,
    })
}

fn segment(piece: Piece, by: Speaker, said: &HeardSegment) -> Option<Utterance> {
    let (begin_ms, end_ms) = place(piece, said.begin_s, said.end_s);
    Some(Utterance {
        speaker: by.role,
        participant_id: by.id,
        text: clean(&said.text)?,
        begin_ms,
        end_ms,
        confidence: None,
        words: Vec::new(),
    })
}

/// Seconds within a piece as milliseconds within the recording.
fn place(piece: Piece, begin_s: f64, end_s: f64) -> (u32, u32) {
    let length = piece.end_ms - piece.begin_ms;
    let inside = |seconds: f64| {
        let offset = Duration::try_from_secs_f64(seconds.max(0.0));
        let offset = offset.map_or(u128::MAX, |offset| (offset.as_micros() + 500) / 1_000);
        u32::try_from(offset).unwrap_or(u32::MAX).min(length)
    };
    let begin = inside(begin_s);
    let end = inside(end_s).max(begin);
    (piece.begin_ms + begin, piece.begin_ms + end)
}

/// A text as a transcript has it: trimmed, without control characters, cut where it is too long.
fn clean<const MAX: usize>(text: &str) -> Option<Text<MAX>> {
    let plain: String = text
        .trim()
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(MAX)
        .collect();
    Text::parse(plain.trim())
        .ok()
        .filter(|text| !text.as_str().is_empty())
}

/// Where somebody begins to speak after a pause.
fn starts(words: &[Timed]) -> Vec<u32> {
    let mut end = None;
    words
        .iter()
        .filter_map(|timed| {
            let pause =
                end.is_none_or(|end| timed.word.begin_ms.saturating_sub(end) > PAUSE_MS_MAX);
            end = Some(timed.word.end_ms);
            pause.then_some(timed.word.begin_ms)
        })
        .collect()
}

/// The words of one channel as utterances. `others`: where others begin, in order.
fn grouped(words: Vec<Timed>, others: &[u32], sentences: Sentences) -> Vec<Utterance> {
    let mut utterances = Vec::new();
    let mut group: Vec<Timed> = Vec::new();
    let mut letters = 0;
    for timed in words {
        let ends = group.last().is_some_and(|last| {
            let begins = timed.word.begin_ms;
            let next = others.partition_point(|start| *start <= last.word.begin_ms);
            let interrupted = others.get(next).is_some_and(|start| *start <= begins);
            begins.saturating_sub(last.word.end_ms) > PAUSE_MS_MAX
                || last.by != timed.by
                || interrupted
                || (sentences == Sentences::Apart && ends_sentence(last.word.text.as_str()))
                || group.len() >= WORDS_MAX
                || letters > CHARS_MAX
        });
        if ends {
            utterances.extend(utterance(std::mem::take(&mut group)));
            letters = 0;
        }
        letters += timed.word.text.as_str().chars().count() + 1;
        group.push(timed);
    }
    utterances.extend(utterance(group));
    utterances
}

fn ends_sentence(word: &str) -> bool {
    let word = word.trim_end_matches(['"', '\'', '”', '’', ')']);
    word.ends_with(['.', '?', '!', '。', '？', '！', '…'])
}

fn utterance(group: Vec<Timed>) -> Option<Utterance> {
    let (by, begin_ms) = group
        .first()
        .map(|first| (first.by.clone(), first.word.begin_ms))?;
    let end_ms = group.iter().map(|timed| timed.word.end_ms).max()?;
    let texts: Vec<&str> = group.iter().map(|timed| timed.word.text.as_str()).collect();
    let text = clean(&texts.join(" "))?;
    let sure: Option<Vec<f64>> = group.iter().map(|timed| timed.word.confidence).collect();
    Some(Utterance {
        speaker: by.role,
        participant_id: by.id,
        text,
        begin_ms,
        end_ms,
        confidence: sure.map(|sure| mean(&sure)),
        words: group.into_iter().map(|timed| timed.word).collect(),
    })
}

/// To four digits, as services give them.
fn mean(sure: &[f64]) -> f64 {
    let count = u32::try_from(sure.len()).unwrap_or(u32::MAX).max(1);
    let mean = sure.iter().sum::<f64>() / f64::from(count);
    ((mean * 10_000.0).round() / 10_000.0).clamp(0.0, 1.0)
}
