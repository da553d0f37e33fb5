//! Runs of digits, written or said, over pauses and the other's "mm-hm".

use super::{
    tokens::{Said, Shape, Token},
    vocabulary::{Kinds, Sign, Spoken},
};
use crate::analysis::words::Traits;

/// A pause in a run: so many characters that are no letters or digits.
const GAP_CHARS_MAX: usize = 4;
/// What the other says while a number goes on has so many words at most.
const BACK_CHANNEL_TOKENS_MAX: usize = 12;
/// How many such turns may stand between two parts.
const TURNS_BETWEEN_MAX: usize = 3;

/// A run of so many pieces is over: no number is that long.
const PIECES_MAX: usize = 96;

/// Digits that were said or written together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'t> {
    /// The run it belongs to.
    run: usize,
    pub(super) turn: usize,
    /// The token it begins with.
    pub(super) token: usize,
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) digits: Digits<'t>,
}

/// The digits of a piece.
#[derive(Debug, Clone, Copy)]
pub(super) enum Digits<'t> {
    /// They were written: characters of the text.
    Written(&'t str),
    /// Words say them: as characters, and how many.
    Said([u8; SAID_MAX], usize),
}

/// So many digits are said together: "nineteen hundred", "quadruple five".
const SAID_MAX: usize = 4;

/// Pieces that follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'r, 't> {
    pub(super) pieces: &'r [Piece<'t>],
    /// The token after the last piece.
    pub(super) next: usize,
}

/// Runs, one after the other.
#[derive(Debug, Default)]
pub(super) struct Runs<'t> {
    /// The pieces of the first, then those of the next, and so on.
    pieces: Vec<Piece<'t>>,
    ends: Vec<End>,
}

/// What is known of a run to which more may belong.
#[derive(Debug, Clone, Copy)]
struct End {
    pieces: usize,
    /// The turn of the last piece.
    turn: usize,
    /// The token after it.
    next: usize,
}

impl Digits<'_> {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.characters().len()
    }

    /// As characters of ASCII.
    pub(super) fn characters(&self) -> &[u8] {
        match self {
            Self::Written(text) => text.as_bytes(),
            Self::Said(digits, count) => digits.get(..*count).unwrap_or_default(),
        }
    }

    /// As numbers.
    pub(super) fn values(&self) -> impl Iterator<Item = u8> {
        let characters = self.characters().iter();
        characters.map(|character| character - b'0')
    }

    /// Those that words say.
    fn said(values: &[u8]) -> Self {
        let mut digits = [b'0'; SAID_MAX];
        for (digit, value) in digits.iter_mut().zip(values) {
            *digit += value;
        }
        Self::Said(digits, values.len().min(SAID_MAX))
    }
}

impl Run<'_, '_> {
    pub(super) fn digits(&self) -> Vec<u8> {
        let pieces = self.pieces.iter();
        pieces.flat_map(|piece| piece.digits.values()).collect()
    }
}

/// Every run.
pub(super) fn runs<'t>(said: &[Said<'t>]) -> Runs<'t> {
    let mut runs = Runs::default();
    for (turn, one) in said.iter().enumerate() {
        if one.traits.has(Traits::NUMBER) {
            let (run, piece) = (runs.ends.len(), runs.pieces.len());
            runs.add_turn(one, turn);
            if let Some(before) = goes_on(said, &runs, (run, piece)) {
                runs.join(before, (run, piece));
            }
        }
    }
    runs.pieces.sort_by_key(|piece| piece.run);
    runs
}

impl<'t> Runs<'t> {
    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Run<'_, 't>> + Clone {
        let mut from = 0;
        self.ends.iter().map(move |end| {
            let until = from + end.pieces;
            let pieces = self.pieces.get(from..until).unwrap_or_default();
            from = until;
            Run {
                pieces,
                next: end.next,
            }
        })
    }

    /// Adds the runs of one turn.
    fn add_turn(&mut self, said: &Said<'t>, turn: usize) {
        let mut open = false;
        let mut at = 0;
        while at < said.len() {
            if said.is_number(at)
                && let Some((piece, next)) = piece(said, turn, at)
            {
                self.add(piece, next, open && self.goes_on_at(said, at));
                open = true;
                at = next;
                continue;
            }
            open = open && said.token(at).is_some_and(goes_between);
            at += 1;
        }
    }

    /// Adds a piece, to the last run or as a run.
    fn add(&mut self, piece: Piece<'t>, next: usize, joins: bool) {
        match self.ends.last_mut() {
            Some(end) if joins && end.pieces < PIECES_MAX => {
                end.pieces += 1;
                end.next = next;
            }
            Some(_) | None => self.ends.push(End {
                pieces: 1,
                turn: piece.turn,
                next,
            }),
        }
        let run = self.ends.len() - 1;
        self.pieces.push(Piece { run, ..piece });
    }

    /// Whether a piece at a token goes on the last run: only punctuation and words that may stand between.
    fn goes_on_at(&self, said: &Said<'_>, at: usize) -> bool {
        let Some(from) = self.ends.last().map(|run| run.next) else {
            return false;
        };
        (from..=at).all(|token| {
            let gap = said.gap(token);
            gap.chars().count() <= GAP_CHARS_MAX
                && gap.chars().all(|c| {
                    c.is_whitespace()
                        || matches!(c, ',' | '-' | '.' | '(' | ')' | '+' | '/' | '\u{2013}')
                })
        })
    }

    /// Makes a run, whose first piece this is, part of one before.
    fn join(&mut self, before: usize, (run, first): (usize, usize)) {
        let joined = self.ends.remove(run);
        for piece in self.pieces.iter_mut().skip(first) {
            piece.run = if piece.run == run {
                before
            } else {
                piece.run - 1
            };
        }
        if let Some(end) = self.ends.get_mut(before) {
            end.pieces += joined.pieces;
            end.turn = joined.turn;
            end.next = joined.next;
        }
    }
}

/// The run that this one, whose first piece this is, goes on with: the speaker's last, if nothing but "mm-hm" stands between.
fn goes_on(said: &[Said<'_>], runs: &Runs<'_>, (run, first): (usize, usize)) -> Option<usize> {
    let own = runs.ends.get(run)?;
    let piece = runs.pieces.get(first)?;
    let now = said.get(piece.turn)?;
    let leads_in = |token: Token<'_>| {
        token.known.is(Kinds::FILLER)
            || token.known.is(Kinds::BACK_CHANNEL)
            || token.known.number.is_some()
    };
    if !now.tokens(0).take(piece.token).all(leads_in) {
        return None;
    }
    let earlier = runs.ends.iter().take(run).enumerate().rev();
    let (index, end) = earlier.take(8).find(|(_, end)| {
        let last = said.get(end.turn);
        last.is_some_and(|last| last.by == now.by)
    })?;
    let before = said.get(end.turn)?;
    let is_over = before
        .tokens(end.next)
        .all(|token| token.known.is(Kinds::FILLER));
    let between = said.get(end.turn + 1..piece.turn)?;
    let only_back_channels = between.len() <= TURNS_BETWEEN_MAX
        && between
            .iter()
            .all(|other| other.by != now.by && is_back_channel(other));
    let fits = end.pieces + own.pieces <= PIECES_MAX;
    (is_over && only_back_channels && fits).then_some(index)
}

/// "mm-hm", or the other's repeating the number.
fn is_back_channel(said: &Said<'_>) -> bool {
    said.len() <= BACK_CHANNEL_TOKENS_MAX
        && said.tokens(0).all(|token| {
            token.known.is(Kinds::BACK_CHANNEL)
                || token.known.is(Kinds::FILLER)
                || token.is_number()
        })
}

/// What may stand between two parts of a number: "um", "dash".
fn goes_between(token: Token<'_>) -> bool {
    token.known.is(Kinds::FILLER) || token.known.sign == Some(Sign::Dash)
}

/// The digits that begin at a token, and the token after them.
fn piece<'t>(said: &Said<'t>, turn: usize, at: usize) -> Option<(Piece<'t>, usize)> {
    let token = said.token(at)?;
    let (digits, next) = if token.shape == Shape::Digits {
        (Digits::Written(token.text), at + 1)
    } else {
        spoken(said, at)?
    };
    let piece = Piece {
        run: 0,
        turn,
        token: at,
        begin: token.begin,
        end: said.token(next.checked_sub(1)?)?.end,
        digits,
    };
    Some((piece, next))
}

/// The digits that words say: "four", "forty one", "double eight", "double oh", and each with "hundred".
fn spoken<'t>(said: &Said<'t>, at: usize) -> Option<(Digits<'t>, usize)> {
    let number = |at: usize| said.token(at).and_then(|token| token.known.number);
    let is_hundred = |at: usize| number(at) == Some(Spoken::Hundred);
    let (first, second, next) = match number(at)? {
        Spoken::Digit(digit) if is_hundred(at + 1) => {
            return Some((Digits::said(&[digit, 0, 0]), at + 2));
        }
        Spoken::Digit(digit) => return Some((Digits::said(&[digit]), at + 1)),
        Spoken::Teen(value) => (1, value - 10, at + 1),
        Spoken::Tens(value) => match number(at + 1) {
            Some(Spoken::Digit(unit)) if unit > 0 && said.gap(at + 1).len() <= 1 => {
                (value / 10, unit, at + 2)
            }
            _ => (value / 10, 0, at + 1),
        },
        Spoken::Times(times) => {
            let token = said.token(at + 1)?;
            let digit = match token.known.number {
                Some(Spoken::Digit(digit)) => digit,
                None if token.shape == Shape::Digits && token.text.len() == 1 => {
                    token.text.bytes().next()? - b'0'
                }
                _ => return None,
            };
            match times {
                2 => (digit, digit, at + 2),
                3 => return Some((Digits::said(&[digit; 3]), at + 2)),
                _ => return Some((Digits::said(&[digit; 4]), at + 2)),
            }
        }
        Spoken::Hundred => return None,
    };
    Some(if is_hundred(next) {
        (Digits::said(&[first, second, 0, 0]), next + 1)
    } else {
        (Digits::said(&[first, second]), next)
    })
}
