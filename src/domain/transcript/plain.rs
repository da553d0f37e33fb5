//! A transcript as lines of text, one utterance a line:
//!
//! ```text
//! line    = [ "[" time [ "-" time ] "]" ] speaker ":" text
//! time    = [ hours ":" ] minutes ":" seconds [ "." 1*3DIGIT ]
//! speaker = agent | customer | system | unknown [ "(" name ")" ] | what the caller calls the agent or the customer
//! ```
//!
//! Names of roles in any case; white space around everything; empty lines say nothing. All lines have both times, or all
//! have none, or all have the beginning alone, of which nothing can be counted: then the transcript has no times.

use std::collections::BTreeSet;

use super::{
    Language, OFFSET_MS_MAX, PARTICIPANTS_MAX, SpeakerRole, Transcript, UTTERANCES_MAX, Utterance,
    draft::Faults, format::Hints,
};
use crate::domain::{fault::Fault, text::Text};

/// What stands before a line's speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    None,
    Begin,
    Span(u32, u32),
}

impl Stamp {
    fn style(self) -> &'static str {
        match self {
            Self::None => "no times",
            Self::Begin => "its beginning alone",
            Self::Span(..) => "both times",
        }
    }
}

/// Reads a text. Either a transcript, or everything that is wrong with it, named by `line[3]`, counted from 1.
pub fn read(text: &str, hints: Hints) -> Result<Transcript, Vec<Fault>> {
    let mut lines = Lines {
        hints: &hints,
        faults: Faults::default(),
        style: None,
        participants: BTreeSet::new(),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered = text.lines().zip(1_usize..);
    let spoken = numbered.filter(|(line, _)| !line.trim().is_empty());
    let mut utterances = Vec::new();
    for (count, (line, number)) in spoken.enumerate() {
        if count >= UTTERANCES_MAX {
            let message = format!("is one too many: at most {UTTERANCES_MAX} lines");
            lines
                .faults
                .add(format!("line[{number}]"), "too_long", message);
            break;
        }
        utterances.extend(lines.utterance(&format!("line[{number}]"), line));
    }
    let (style, mut faults) = (lines.style, lines.faults);
    if utterances.is_empty() && faults.count() == 0 {
        faults.invalid("body", "must have at least one line");
    }
    let faults = faults.into_inner();
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(made(style, hints.language, utterances))
}

fn made(style: Option<&str>, language: Option<Language>, utterances: Vec<Utterance>) -> Transcript {
    if style == Some(Stamp::Span(0, 0).style()) {
        Transcript::of_checked(language, utterances)
    } else {
        Transcript::untimed(language, utterances)
    }
}

struct Lines<'h> {
    hints: &'h Hints,
    faults: Faults,
    style: Option<&'static str>,
    participants: BTreeSet<String>,
}

impl Lines<'_> {
    fn utterance(&mut self, field: &str, line: &str) -> Option<Utterance> {
        let before = self.faults.count();
        let (stamp, rest) = match stamp(line.trim()) {
            Ok(read) => read,
            Err(message) => {
                self.faults.invalid(field, message);
                return None;
            }
        };
        let style = *self.style.get_or_insert(stamp.style());
        if style != stamp.style() {
            let message = format!(
                "has {}, the first line has {style}: all lines must be alike",
                stamp.style()
            );
            self.faults.invalid(field, message);
        }
        let Some((name, said)) = rest.split_once(':') else {
            self.faults
                .invalid(field, "must be a speaker, a colon and what is said");
            return None;
        };
        let speaker = self.speaker(field, name.trim());
        let text = self.faults.filled(field.to_owned(), said.trim());
        let (speaker, participant_id) = speaker?;
        let (begin_ms, end_ms) = match stamp {
            Stamp::Span(begin, end) => (begin, end),
            Stamp::None | Stamp::Begin => (0, 0),
        };
        let utterance = Utterance {
            speaker,
            participant_id,
            text: text.filter(|_| self.faults.count() == before)?,
            begin_ms,
            end_ms,
            confidence: None,
            words: Vec::new(),
        };
        let is_new = self.participants.insert(utterance.participant().to_owned());
        if is_new && self.participants.len() > PARTICIPANTS_MAX {
            let message =
                format!("is by one too many: at most {PARTICIPANTS_MAX} different participants");
            self.faults.invalid(field, message);
        }
        Some(utterance)
    }

    fn speaker(&mut self, field: &str, name: &str) -> Option<(SpeakerRole, Option<Text<64>>)> {
        let is =
            |called: &Option<Text<64>>| called.as_ref().is_some_and(|own| own.as_str() == name);
        if is(&self.hints.agent) {
            return Some((SpeakerRole::Agent, None));
        }
        if is(&self.hints.customer) {
            return Some((SpeakerRole::Customer, None));
        }
        if let Some(role) = SpeakerRole::of_name(&name.to_ascii_lowercase()) {
            return Some((role, None));
        }
        if let Some(id) = unknown(name) {
            return match Text::parse(id) {
                Ok(id) if SpeakerRole::of_name(id.as_str()).is_none() => {
                    Some((SpeakerRole::Unknown, Some(id)))
                }
                Ok(_) => {
                    self.faults
                        .invalid(field, "must not have the name of a role in parentheses");
                    None
                }
                Err(error) => {
                    self.faults
                        .invalid(field, format!("has a name that {error}"));
                    None
                }
            };
        }
        self.faults.invalid(
            field,
            "must begin with `agent:`, `customer:`, `system:`, `unknown:`, `unknown (name):`, or with the name given as \
             `agent` or `customer`",
        );
        None
    }
}

/// The name in `unknown (name)`.
fn unknown(name: &str) -> Option<&str> {
    let (word, rest) = name.split_once('(')?;
    let id = rest.strip_suffix(')')?.trim();
    (word.trim().eq_ignore_ascii_case("unknown") && !id.is_empty()).then_some(id)
}

/// The times before a line, and the rest of it.
fn stamp(line: &str) -> Result<(Stamp, &str), String> {
    let Some(inside) = line.strip_prefix('[') else {
        return Ok((Stamp::None, line));
    };
    let Some((times, rest)) = inside.split_once(']') else {
        return Err("begins with `[`, but has no `]` after its times".to_owned());
    };
    let stamp = match times.split_once('-') {
        None => {
            time(times)?;
            Stamp::Begin
        }
        Some((begin, end)) => {
            let (begin, end) = (time(begin)?, time(end)?);
            if end < begin {
                return Err("must not end before it begins".to_owned());
            }
            Stamp::Span(begin, end)
        }
    };
    Ok((stamp, rest))
}

/// A time in milliseconds.
fn time(text: &str) -> Result<u32, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "has `{}` where a time must be, such as 1:02.500",
            short(text)
        )
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, most: usize| {
        let right = (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        right.then(|| part.parse::<u32>().ok()).flatten()
    };
    let parts: Vec<&str> = whole.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [minutes, seconds] => (Some(0), digits(minutes, 5), digits(seconds, 2)),
        [hours, minutes, seconds] => (
            digits(hours, 3),
            digits(minutes, 2).filter(|minutes| *minutes < 60),
            digits(seconds, 2),
        ),
        _ => return Err(wrong()),
    };
    let seconds = seconds.filter(|seconds| *seconds < 60);
    let fraction = digits(fraction, 3).and_then(|_| format!("{fraction:0<3}").parse::<u32>().ok());
    let (Some(hours), Some(minutes), Some(seconds), Some(fraction)) =
        (hours, minutes, seconds, fraction)
    else {
        return Err(wrong());
    };
    let ms = ((hours * 60 + minutes) * 60 + seconds)
        .checked_mul(1000)
        .and_then(|ms| ms.checked_add(fraction));
    ms.filter(|ms| *ms <= OFFSET_MS_MAX)
        .ok_or_else(|| "has a time after the first week".to_owned())
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
