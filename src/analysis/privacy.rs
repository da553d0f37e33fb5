//! Finds personal data in what was said, written and spoken: "4111 1111 1111 1111" and "four one one one, double one", "jane
//! dot doe at example dot com". Rules, no model: they see no name that is not introduced and no address without its number.
//!
//! What was said is split once, for all sections ([`super::words`]). Numbers are put together over pauses, fillers and
//! the other's "mm-hm" (`runs`), and their length, checksum and the words before them say what they are (`numbers`). The
//! rest has a file each. [`redacted`] has the text with the spans masked; the text itself is not changed.

use std::borrow::Cow;

use super::words::{Split, Words};
use crate::domain::{
    analysis::privacy::{EntityType, MaskMode, Pii, PrivacyMethod, TextSpan, TurnSpan},
    transcript::Utterance,
};

mod cards;
mod dates;
mod iban;
mod mail;
mod numbers;
mod people;
mod redact;
mod runs;
mod tokens;
pub(super) mod vocabulary;

use tokens::Said;

pub use redact::{redact_shown, redacted};

/// So many spans are listed; all are counted.
pub const SPANS_MAX: usize = 1_000;

/// Where personal data stands, in bytes of a turn's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PiiSpan {
    /// The turn, from 0.
    pub turn: usize,
    /// Its first byte.
    pub begin: usize,
    /// The byte after its last.
    pub end: usize,
    /// What it is.
    pub entity: EntityType,
}

/// The spans in utterances in order of time: by turn and place, none over another.
pub fn detect(utterances: &[Utterance]) -> Vec<PiiSpan> {
    let texts = utterances
        .iter()
        .map(|utterance| (utterance.participant(), utterance.text.as_str()));
    detect_in(texts)
}

/// The spans in texts, each with who said it.
pub fn detect_in<'t>(texts: impl Iterator<Item = (&'t str, &'t str)> + Clone) -> Vec<PiiSpan> {
    let split = Split::of(texts.clone().map(|(_, text)| text));
    detect_split(texts.map(|(by, _)| by).zip(split.texts()))
}

/// The spans in texts that were split before, each with who said it.
pub fn detect_split<'t>(texts: impl Iterator<Item = (&'t str, Words<'t>)>) -> Vec<PiiSpan> {
    let said: Vec<Said<'t>> = texts.map(|(by, words)| Said::new(by, words)).collect();
    let mut found = Vec::new();
    for turn in 0..said.len() {
        mail::find(&said, turn, &mut found);
        iban::find(&said, turn, &mut found);
        dates::find(&said, turn, &mut found);
        people::find(&said, turn, &mut found);
    }
    numbers::find(&said, &runs::runs(&said), &mut found);
    without_overlaps(found)
}

/// Sorted; of two that overlap, the one that begins first, or the longer one, with the end of the other.
fn without_overlaps(mut found: Vec<PiiSpan>) -> Vec<PiiSpan> {
    found.sort_unstable_by_key(|span| (span.turn, span.begin, std::cmp::Reverse(span.end)));
    let mut kept: Vec<PiiSpan> = Vec::with_capacity(found.len());
    for span in found {
        match kept.last_mut() {
            Some(last) if last.turn == span.turn && span.begin < last.end => {
                last.end = last.end.max(span.end);
            }
            Some(_) | None => kept.push(span),
        }
    }
    kept
}

/// Makes the section of the spans.
pub fn section(utterances: &[Utterance], spans: &[PiiSpan]) -> Pii {
    let mut pii = Pii {
        method: PrivacyMethod::Rules,
        mask_mode: MaskMode::EntityType,
        counts: std::collections::BTreeMap::new(),
        spans: Vec::new(),
    };
    for span in spans {
        *pii.counts.entry(span.entity).or_insert(0) += 1;
        if pii.spans.len() < SPANS_MAX
            && let Some(utterance) = utterances.get(span.turn)
        {
            pii.spans.push(TurnSpan {
                turn: span.turn,
                span: span.in_characters(utterance.text.as_str()),
            });
        }
    }
    pii
}

/// The spans of a turn.
pub fn of_turn(spans: &[PiiSpan], turn: usize) -> &[PiiSpan] {
    let from = spans.partition_point(|span| span.turn < turn);
    let until = spans.partition_point(|span| span.turn <= turn);
    spans.get(from..until).unwrap_or_default()
}

/// A text with its spans masked.
pub fn mask<'t>(text: &'t str, spans: &[PiiSpan]) -> Cow<'t, str> {
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    for span in spans {
        masked.push_str(text.get(at..span.begin).unwrap_or_default());
        masked.push_str(span.entity.mask());
        at = span.end;
    }
    masked.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(masked)
}

impl PiiSpan {
    /// The same in characters of the turn's text.
    pub fn in_characters(&self, text: &str) -> TextSpan {
        let count = |until: usize| text.get(..until).unwrap_or_default().chars().count();
        TextSpan {
            entity: self.entity,
            begin_offset_char: count(self.begin),
            end_offset_char: count(self.end),
        }
    }
}
