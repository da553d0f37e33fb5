//! Names that are introduced as such, and streets with their numbers.

use super::{
    PiiSpan,
    tokens::{Said, Shape, Token},
    vocabulary::{Kinds, Topic},
};
use crate::{analysis::words::Traits, domain::analysis::privacy::EntityType};

/// A name has so many words.
const NAME_TOKENS_MAX: usize = 3;
/// A street's name, and a town's.
const STREET_TOKENS_MAX: usize = 3;
const TOWN_TOKENS_MAX: usize = 3;

const SIDES: [&str; 8] = ["N", "E", "S", "W", "NE", "NW", "SE", "SW"];

/// Adds the names and addresses of a turn.
pub(super) fn find(said: &[Said<'_>], turn: usize, found: &mut Vec<PiiSpan>) {
    let Some(now) = said.get(turn) else {
        return;
    };
    let mut add = |(first, last): (usize, usize), entity| {
        if let (Some(first), Some(last)) = (now.token(first), now.token(last)) {
            found.push(PiiSpan {
                turn,
                begin: first.begin,
                end: last.end,
                entity,
            });
        }
    };
    if now.traits.has(Traits::INTRODUCES) {
        for at in 0..now.len() {
            if let Some(place) = name(now, at) {
                add(place, EntityType::Name);
            }
        }
    }
    if now.traits.has(Traits::STREET)
        && (now.traits.has(Traits::NUMBER) || now.traits.has(Traits::MIXED))
    {
        let is_told = || {
            let before = turn.checked_sub(1).and_then(|before| said.get(before));
            let own = (0..now.len()).any(|at| now.topic(at) == Some(Topic::Address));
            own || before.is_some_and(|before| before.last_topic() == Some(Topic::Address))
        };
        for at in 0..now.len() {
            if let Some(place) = address(now, at, &is_told) {
                add(place, EntityType::Address);
            }
        }
    }
}

/// The name that is introduced by a token.
fn name(said: &Said<'_>, at: usize) -> Option<(usize, usize)> {
    let token = said.token(at)?;
    let is = |at: Option<usize>, word: &str| {
        at.and_then(|at| said.token(at)).is_some_and(|t| t.is(word))
    };
    if token.is("speaking") {
        // "this is Sarah speaking"
        let this = (1..=NAME_TOKENS_MAX)
            .filter_map(|count| at.checked_sub(count))
            .find(|first| is(first.checked_sub(1), "is") && is(first.checked_sub(2), "this"))?;
        return (run_of_name(said, this)? + 1 == at).then_some((this, at.checked_sub(1)?));
    }
    let from = if token.is("name's") {
        at + 1
    } else if token.is("name") && is(Some(at + 1), "is") {
        at + 2
    } else if ["mr", "mrs", "ms", "dr"]
        .iter()
        .any(|title| token.is(title))
        && token.is_capitalised()
    {
        let next = said.token(at + 1).filter(Token::is_capitalised)?;
        return (said.gap(at + 1).trim_start_matches('.') == " " && !next.known.is(Kinds::STREET))
            .then_some((at + 1, at + 1));
    } else {
        return None;
    };
    let of_person = is(at.checked_sub(1), "my")
        || is(at.checked_sub(1), "his")
        || is(at.checked_sub(1), "her")
        || is(at.checked_sub(1), "the")
        || is(at.checked_sub(1), "last")
        || is(at.checked_sub(1), "first");
    if !of_person {
        return None;
    }
    Some((from, run_of_name(said, from)?))
}

/// The last word of the name that begins at a token: capitals, or anything uncommon where nobody wrote capitals.
fn run_of_name(said: &Said<'_>, from: usize) -> Option<usize> {
    let words = (from..said.len().min(from + NAME_TOKENS_MAX)).take_while(|at| {
        let Some(token) = said.token(*at) else {
            return false;
        };
        let gap = said.gap(*at);
        let is_next = *at == from || matches!(gap, " " | "-" | ". " | "\u{a0}");
        let in_capitals = token.is_capitalised()
            && !(token.known.is(Kinds::COMMON) && *at > from && !token.is_letter());
        let in_small = !said.traits.has(Traits::UPPER)
            && token.shape == Shape::Letters
            && !token.known.is(Kinds::COMMON)
            && !token.known.is(Kinds::FILLER)
            && !token.is_number()
            && *at < from + 2;
        is_next && (in_capitals || in_small)
    });
    words.last()
}

/// The address that begins with the house number at a token.
fn address(said: &Said<'_>, at: usize, is_told: &dyn Fn() -> bool) -> Option<(usize, usize)> {
    let number = said.token(at)?;
    if at > 0
        && said
            .token(at.checked_sub(1)?)
            .is_some_and(|token| token.is_number())
    {
        return None;
    }
    let is_written = number.shape == Shape::Digits && number.text.len() <= 5;
    if !is_written && number.known.number.is_none() {
        return None;
    }
    let mut name = at + 1;
    while said.token(name).is_some_and(|token| token.is_number()) {
        name += 1;
    }
    let street = (name + 1..=name + STREET_TOKENS_MAX).find(|at| {
        said.token(*at)
            .is_some_and(|token| token.known.is(Kinds::STREET))
    })?;
    let is_plain = (at + 1..=street).all(|at| matches!(said.gap(at), " " | "-" | ", " | ". "));
    let is_written_out = is_written
        && (name..=street).all(|at| {
            let token = said.token(at);
            token.is_some_and(|t| t.is_capitalised() || t.shape == Shape::Mixed)
        });
    let is_named = (name..street).all(|at| {
        said.token(at)
            .is_some_and(|t| !t.known.is(Kinds::COMMON) && !t.known.is(Kinds::UNIT))
    });
    if !is_plain || !(is_written_out || (is_named && is_told())) {
        return None;
    }
    Some((at, town(said, street)))
}

/// The last token of the town that follows a street, with its state and code; else the street's.
fn town(said: &Said<'_>, street: usize) -> usize {
    let is_side = said.token(street + 1).is_some_and(|token| {
        said.gap(street + 1) == " " && SIDES.iter().any(|side| token.is(side))
    });
    let street = street + usize::from(is_side);
    let mut last = street;
    for at in street + 1..=street + TOWN_TOKENS_MAX + 2 {
        let Some(token) = said.token(at) else {
            break;
        };
        let gap = said.gap(at);
        let joins = if last == street {
            matches!(gap, ", " | " in ")
        } else {
            matches!(gap, " " | ", ")
        };
        let is_code = token.shape == Shape::Digits && token.text.len() == 5 && last > street;
        if !joins || !(is_code || (token.is_capitalised() && !token.known.is(Kinds::COMMON))) {
            break;
        }
        last = at;
        if is_code {
            break;
        }
    }
    last
}
