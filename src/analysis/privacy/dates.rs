//! When somebody was born: a date near "born" or "birth".

use super::{
    PiiSpan,
    tokens::{Said, Shape},
    vocabulary::{Kinds, Spoken, Topic},
};
use crate::{analysis::words::Traits, domain::analysis::privacy::EntityType};

/// How far after "born" the date may begin, in words.
const TOKENS_MAX: usize = 12;

/// Adds the dates of birth of a turn.
pub(super) fn find(said: &[Said<'_>], turn: usize, found: &mut Vec<PiiSpan>) {
    let Some(now) = said.get(turn) else {
        return;
    };
    let from = if now.traits.has(Traits::BIRTH) {
        let born = (0..now.len()).find(|at| now.topic(*at) == Some(Topic::Birth));
        born.map_or(0, |at| at + 1)
    } else {
        // The answer to "your date of birth?"
        let asked = turn.checked_sub(1).and_then(|before| said.get(before));
        let asked = asked.filter(|before| before.traits.has(Traits::BIRTH));
        if !asked.is_some_and(|before| before.last_topic() == Some(Topic::Birth)) {
            return;
        }
        0
    };
    let until = now.len().min(from + TOKENS_MAX);
    if let Some((first, last)) = (from..until).find_map(|at| Some((at, date(now, at)?)))
        && let (Some(first), Some(last)) = (now.token(first), now.token(last))
    {
        found.push(PiiSpan {
            turn,
            begin: first.begin,
            end: last.end,
            entity: EntityType::DateOfBirth,
        });
    }
}

/// The last token of the date that begins at one.
fn date(said: &Said<'_>, at: usize) -> Option<usize> {
    let token = said.token(at)?;
    if token.known.is(Kinds::MONTH) {
        let (day, _) = day(said, skip(said, at + 1, &["the"]))?;
        return Some(year(said, skip(said, day + 1, &["of", "in"])).unwrap_or(day));
    }
    if let Some((day, is_ordinal)) = day(said, at) {
        let month = skip(said, day + 1, &["of"]);
        if said
            .token(month)
            .is_some_and(|token| token.known.is(Kinds::MONTH))
        {
            return Some(year(said, skip(said, month + 1, &["of", "in"])).unwrap_or(month));
        }
        if is_ordinal {
            return None;
        }
    }
    written(said, at).or_else(|| digits(said, at))
}

fn skip(said: &Said<'_>, at: usize, words: &[&str]) -> usize {
    let is_one = said
        .token(at)
        .is_some_and(|token| words.iter().any(|word| token.is(word)));
    at + usize::from(is_one)
}

/// The last token of a day of the month, and whether it is an ordinal: "3", "3rd", "third", "twenty third".
fn day(said: &Said<'_>, at: usize) -> Option<(usize, bool)> {
    let token = said.token(at)?;
    let is_ordinal = token.known.is(Kinds::ORDINAL);
    match (token.shape, token.known.number, is_ordinal) {
        (Shape::Digits, ..) => (token.text.len() <= 2).then_some((at, false)),
        (Shape::Mixed, ..) => {
            let number = token
                .text
                .trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let suffix = token.text.get(number.len()..)?.to_ascii_lowercase();
            let is_day = number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
            (is_day && ["st", "nd", "rd", "th"].contains(&suffix.as_str())).then_some((at, true))
        }
        (Shape::Letters, Some(Spoken::Tens(20 | 30)), _) => {
            let next = said.token(at + 1);
            let unit = next.is_some_and(|next| matches!(next.known.number, Some(Spoken::Digit(_))));
            let ordinal = next.is_some_and(|next| next.known.is(Kinds::ORDINAL_BELOW_TEN));
            Some((at + usize::from(unit || ordinal), ordinal))
        }
        (Shape::Letters, Some(Spoken::Digit(_) | Spoken::Teen(_)), _) => Some((at, false)),
        (Shape::Letters, _, true) => Some((at, true)),
        (Shape::Letters, ..) => None,
    }
}

/// The last token of a year: "1985", "85", "nineteen eighty five", "two thousand and five".
fn year(said: &Said<'_>, at: usize) -> Option<usize> {
    let token = said.token(at)?;
    if token.shape == Shape::Digits {
        return matches!(token.text.len(), 2 | 4).then_some(at);
    }
    let number = |at: usize| said.token(at).and_then(|token| token.known.number);
    match number(at)? {
        Spoken::Teen(19) | Spoken::Tens(_) => {}
        Spoken::Digit(2) if said.token(at + 1).is_some_and(|token| token.is("thousand")) => {}
        _ => return None,
    }
    let words = (at + 1..).take_while(|at| {
        number(*at).is_some()
            || said
                .token(*at)
                .is_some_and(|t| t.is("thousand") || t.is("and"))
    });
    words.take(4).last().or(Some(at))
}

/// `03/14/1985`, `1985-03-14`, `14.3.85`.
fn written(said: &Said<'_>, at: usize) -> Option<usize> {
    let part = |at: usize| said.token(at).filter(|token| token.shape == Shape::Digits);
    let lengths = [part(at)?, part(at + 1)?, part(at + 2)?].map(|part| part.text.len());
    let is_date = matches!(lengths, [1 | 2, 1 | 2, 2 | 4] | [4, 1 | 2, 1 | 2]);
    let is_joined = [at + 1, at + 2]
        .iter()
        .all(|at| matches!(said.gap(*at), "/" | "-" | "." | " "));
    (is_date && is_joined).then_some(at + 2)
}

/// "oh three fourteen nineteen eighty five": six or eight digits.
fn digits(said: &Said<'_>, at: usize) -> Option<usize> {
    let mut count = 0;
    let mut last = None;
    for index in at..said.len().min(at + 10) {
        let token = said.token(index)?;
        let before = index
            .checked_sub(1)
            .filter(|_| index > at)
            .and_then(|at| said.token(at));
        let after_tens =
            before.is_some_and(|token| matches!(token.known.number, Some(Spoken::Tens(_))));
        count += match (token.shape, token.known.number) {
            (Shape::Digits, _) => token.text.len(),
            (_, Some(Spoken::Digit(1..=9))) if after_tens => 0,
            (_, Some(Spoken::Digit(_))) => 1,
            (_, Some(Spoken::Teen(_) | Spoken::Tens(_))) => 2,
            _ => break,
        };
        last = Some(index);
    }
    matches!(count, 5..=8).then_some(last?)
}
