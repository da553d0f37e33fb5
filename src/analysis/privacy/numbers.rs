//! What a number is: by its length, its checksum, how it is written, and the words before it.

use super::{
    PiiSpan,
    cards::{CARD_DIGITS, card},
    runs::{Digits, Piece, Run, Runs},
    tokens::Said,
    vocabulary::{Kinds, Topic},
};
use crate::domain::analysis::privacy::EntityType;

/// How far before a number its topic may stand, in words of its turn.
const TOPIC_TOKENS_MAX: usize = 12;
/// How many turns before it.
const TOPIC_TURNS_MAX: usize = 3;
/// What words say with fewer digits is nobody's secret.
const DIGITS_MIN: usize = 3;
const PHONE_DIGITS_MAX: usize = 15;
/// No telephone number has fewer digits; nor has what is told of a Social Security number.
const PHONE_DIGITS_MIN: usize = 7;
const SSN_DIGITS_MIN: usize = 4;

/// As national numbers are written.
const PHONE_FORMS: [&str; 4] = [
    "999-999-9999",
    "999.999.9999",
    "999) 999-9999",
    "9-999-999-9999",
];

/// As a Social Security number is written.
const SSN_FORMS: [&str; 2] = ["999-99-9999", "999\u{2013}99\u{2013}9999"];

/// A national number has so many digits, with its 1.
const NATIONAL_DIGITS_MAX: usize = 11;

/// Adds what each run is, or its parts are; and what the other repeats of a number while it is said.
pub(super) fn find(said: &[Said<'_>], runs: &Runs<'_>, found: &mut Vec<PiiSpan>) {
    let mut runs = runs.iter();
    while let Some(run) = runs.next() {
        let from = found.len();
        classify(said, &run, found);
        let turns = (
            run.pieces.first().map(|p| p.turn),
            run.pieces.last().map(|p| p.turn),
        );
        let (Some(first), Some(last)) = turns else {
            continue;
        };
        let Some(entity) = found
            .get(from)
            .map(|span| span.entity)
            .filter(|_| first < last)
        else {
            continue;
        };
        let whole = run.digits();
        let between = runs
            .clone()
            .take_while(|other| other.pieces.first().is_some_and(|piece| piece.turn < last));
        for other in between {
            let part = other.digits();
            if part.len() >= DIGITS_MIN && whole.windows(part.len()).any(|window| window == part) {
                add(said, Some(other.pieces), entity, found);
            }
        }
    }
}

/// Adds what a run is, or its parts are.
fn classify(said: &[Said<'_>], run: &Run<'_, '_>, found: &mut Vec<PiiSpan>) {
    let Some(first) = run.pieces.first() else {
        return;
    };
    if run
        .pieces
        .iter()
        .map(|piece| piece.digits.count())
        .sum::<usize>()
        < DIGITS_MIN
    {
        return;
    }
    let topic = topic(said, first, run.next);
    if is_price(said, run) {
        return;
    }
    let counts = is_amount(said, run);
    parts(said, run.pieces, (topic, counts), found);
}

/// The topic of a number: the last in its turn before it, else said right after it, else of the turns before.
fn topic(said: &[Said<'_>], first: &Piece<'_>, next: usize) -> Option<Topic> {
    let now = said.get(first.turn)?;
    if let Some(topic) = now.topic_before(first.token, TOPIC_TOKENS_MAX) {
        return Some(topic);
    }
    // "… is my account number"
    if now.token(next).is_some_and(|token| token.is("is")) {
        let named = (next + 1..next + 5).find_map(|at| now.topic(at));
        if named.is_some() {
            return named;
        }
    }
    let before = said.get(..first.turn)?;
    before
        .iter()
        .rev()
        .take(TOPIC_TURNS_MAX)
        .find_map(Said::last_topic)
}

/// Whether a sign of money stands before it.
fn is_price(said: &[Said<'_>], run: &Run<'_, '_>) -> bool {
    let first = run.pieces.first();
    let before = first.and_then(|first| Some(said.get(first.turn)?.gap(first.token)));
    before.is_some_and(|gap| gap.ends_with(['$', '€', '£', '¥']))
}

/// Whether the number counts something: "dollars".
fn is_amount(said: &[Said<'_>], run: &Run<'_, '_>) -> bool {
    let last = run.pieces.last();
    let unit = last.and_then(|last| said.get(last.turn)?.token(run.next));
    unit.is_some_and(|token| token.known.is(Kinds::UNIT))
}

fn parts(
    said: &[Said<'_>],
    pieces: &[Piece<'_>],
    (topic, counts): (Option<Topic>, bool),
    found: &mut Vec<PiiSpan>,
) {
    let total: usize = pieces.iter().map(|piece| piece.digits.count()).sum();
    if total < DIGITS_MIN {
        return;
    }
    let is_phone =
        |until: usize| Form::of(said, pieces.get(..until).unwrap_or_default()).is_one(&PHONE_FORMS);
    if topic != Some(Topic::Card)
        && let Some(until) = [3, 4]
            .into_iter()
            .find(|until| pieces.len() > *until && is_phone(*until))
    {
        add(said, pieces.get(..until), EntityType::Phone, found);
        parts(
            said,
            pieces.get(until..).unwrap_or_default(),
            (topic, counts),
            found,
        );
        return;
    }
    if let Some((from, until)) = card(pieces) {
        add(
            said,
            pieces.get(from..until),
            EntityType::CreditDebitNumber,
            found,
        );
        parts(
            said,
            pieces.get(..from).unwrap_or_default(),
            (topic, counts),
            found,
        );
        let rest = pieces.get(until..).unwrap_or_default();
        match rest.iter().map(|piece| piece.digits.count()).sum() {
            3_usize => add(said, Some(rest), EntityType::CreditDebitCvv, found),
            4..=8 => add(said, Some(rest), EntityType::CreditDebitExpiry, found),
            _ => parts(said, rest, (topic, counts), found),
        }
        return;
    }
    if let Some(entity) = whole(said, pieces, (topic, counts)) {
        add(said, Some(pieces), entity, found);
        return;
    }
    // The number may be followed by another: its longest beginning that is one.
    let fewest = if topic == Some(Topic::Ssn) {
        SSN_DIGITS_MIN
    } else {
        PHONE_DIGITS_MIN
    };
    let mut left = total;
    let mut ends = pieces.iter().enumerate().skip(1).rev();
    let shorter = ends.find_map(|(until, piece)| {
        left -= piece.digits.count();
        if until > PHONE_DIGITS_MAX || left < fewest {
            return None;
        }
        let entity = whole(said, pieces.get(..until)?, (topic, false))?;
        matches!(entity, EntityType::Phone | EntityType::Ssn).then_some((until, entity))
    });
    if let Some((until, entity)) = shorter {
        add(said, pieces.get(..until), entity, found);
        let rest = pieces.get(until..).unwrap_or_default();
        parts(said, rest, (topic, counts), found);
    }
}

/// What all of the digits are, if they are something.
fn whole(
    said: &[Said<'_>],
    pieces: &[Piece<'_>],
    (topic, counts): (Option<Topic>, bool),
) -> Option<EntityType> {
    let count: usize = pieces.iter().map(|piece| piece.digits.count()).sum();
    if count < DIGITS_MIN {
        return None;
    }
    // Nobody looks at more of them.
    let mut head = [0; NATIONAL_DIGITS_MAX];
    let digits = pieces.iter().flat_map(|piece| piece.digits.values());
    head.iter_mut()
        .zip(digits)
        .for_each(|(at, digit)| *at = digit);
    let digits = head.get(..count).unwrap_or(&head);
    let form = Form::of(said, pieces);
    if form.written.contains('/') {
        let is_expiry =
            matches!(topic, Some(Topic::Expiry | Topic::Card)) && matches!(count, 3..=6);
        return (is_expiry && begins_with_month(digits)).then_some(EntityType::CreditDebitExpiry);
    }
    if form.is_one(&SSN_FORMS) && topic != Some(Topic::Business) {
        return Some(EntityType::Ssn);
    }
    let by_topic = match topic {
        _ if counts && count < 10 => None,
        Some(Topic::Card) if CARD_DIGITS.contains(&count) => Some(EntityType::CreditDebitNumber),
        Some(Topic::Cvv) if (3..=4).contains(&count) => Some(EntityType::CreditDebitCvv),
        Some(Topic::Expiry) if (3..=6).contains(&count) && begins_with_month(digits) => {
            Some(EntityType::CreditDebitExpiry)
        }
        Some(Topic::Pin) if (4..=8).contains(&count) => Some(EntityType::Pin),
        Some(Topic::Ssn) if count == 9 || count == SSN_DIGITS_MIN => Some(EntityType::Ssn),
        Some(Topic::Routing) if count == 9 || count == 6 => Some(EntityType::BankRouting),
        Some(Topic::Account | Topic::Routing) if (5..=17).contains(&count) => {
            Some(EntityType::BankAccountNumber)
        }
        Some(Topic::Phone) if (PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&count) => {
            Some(EntityType::Phone)
        }
        _ => None,
    };
    if by_topic.is_some() || topic == Some(Topic::Business) {
        return by_topic;
    }
    let is_written_whole = pieces.iter().all(is_written) && pieces.len() == 1;
    let is_phone = (count <= NATIONAL_DIGITS_MAX && is_national(digits))
        || ((form.has_plus || form.written.starts_with('+'))
            && (8..=PHONE_DIGITS_MAX).contains(&count))
        || (digits.first() == Some(&0) && matches!(count, 10 | 11) && !is_written_whole);
    is_phone.then_some(EntityType::Phone)
}

/// How a number is written, digits as `9`, with the sign before it; empty if it is said, or stands in several turns.
#[derive(Clone, Copy, Default)]
struct Form<'t> {
    has_plus: bool,
    written: &'t str,
}

impl<'t> Form<'t> {
    fn of(said: &[Said<'t>], pieces: &[Piece<'_>]) -> Self {
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
            return Self::default();
        };
        if first.turn != last.turn || !pieces.iter().all(is_written) {
            return Self::default();
        }
        let Some(now) = said.get(first.turn) else {
            return Self::default();
        };
        Self {
            has_plus: now.gap(first.token).ends_with('+'),
            written: now.text.get(first.begin..last.end).unwrap_or_default(),
        }
    }

    /// Whether it is written so.
    fn is(self, form: &str) -> bool {
        let written = self.written.bytes();
        let digits = written.map(|byte| if byte.is_ascii_digit() { b'9' } else { byte });
        !self.has_plus && self.written.len() == form.len() && digits.eq(form.bytes())
    }

    fn is_one(self, forms: &[&str]) -> bool {
        forms.iter().any(|form| self.is(form))
    }
}

fn is_written(piece: &Piece<'_>) -> bool {
    matches!(piece.digits, Digits::Written(_))
}

/// Ten digits of the North American plan, or eleven with its 1.
fn is_national(digits: &[u8]) -> bool {
    let national = match digits.split_first() {
        Some((1, rest)) if rest.len() == 10 => rest,
        Some(_) if digits.len() == 10 => digits,
        Some(_) | None => return false,
    };
    let is_code = |code: Option<&[u8]>| match code {
        Some([first, second, third]) => *first >= 2 && !(*second == 1 && *third == 1),
        Some(_) | None => false,
    };
    is_code(national.get(..3)) && is_code(national.get(3..6))
}

fn begins_with_month(digits: &[u8]) -> bool {
    matches!(digits, [0, 1..=9, ..] | [1, 0..=2, ..] | [1..=9, _, _])
}

/// How many bytes before a telephone number belong to it: `+`, `(`.
fn signs(said: &[Said<'_>], piece: &Piece<'_>, entity: EntityType) -> usize {
    let before = said.get(piece.turn).map(|said| said.gap(piece.token));
    match before {
        Some(gap) if entity == EntityType::Phone => {
            gap.len() - gap.trim_end_matches(['+', '(']).len()
        }
        Some(_) | None => 0,
    }
}

/// Adds a span for each turn that the pieces stand in.
fn add(
    said: &[Said<'_>],
    pieces: Option<&[Piece<'_>]>,
    entity: EntityType,
    found: &mut Vec<PiiSpan>,
) {
    let from = found.len();
    for piece in pieces.unwrap_or_default() {
        let last = found.get_mut(from..).and_then(<[PiiSpan]>::last_mut);
        match last {
            Some(last) if last.turn == piece.turn => last.end = piece.end,
            Some(_) | None => found.push(PiiSpan {
                turn: piece.turn,
                begin: piece.begin - signs(said, piece, entity),
                end: piece.end,
                entity,
            }),
        }
    }
}
