//! Runs of digits, written or said, over pauses and the other's "mm-hm".

use super::{
    tokens::{Said, Shape, Token},
    vocabulary::{Sign, Spoken, Traits},
};

/// A pause in a run: so many characters that are no letters or digits.
const GAP_CHARS_MAX: usize = 4;
/// What the other says while a number goes on has so many words at most.
const BACK_CHANNEL_TOKENS_MAX: usize = 12;
/// How many such turns may stand between two parts.
const TURNS_BETWEEN_MAX: usize = 3;

/// A run of so many pieces is over: no number is that long.
const PIECES_MAX: usize = 96;

/// Digits that were said or written together.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) turn: usize,
    /// The token it begins with.
    pub(super) token: usize,
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) digits: Vec<u8>,
    /// It was written in digits.
    pub(super) written: bool,
}

/// Pieces that follow each other.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) pieces: Vec<Piece>,
    /// The token after the last piece.
    pub(super) next: usize,
}

impl Run {
    pub(super) fn digits(&self) -> Vec<u8> {
        let pieces = self.pieces.iter();
        pieces
            .flat_map(|piece| piece.digits.iter().copied())
            .collect()
    }
}

/// Every run.
pub(super) fn runs(said: &[Said<'_>]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (turn, one) in said.iter().enumerate() {
        if !one.traits.has(Traits::NUMBERS) {
            continue;
        }
        let own = within(one, turn);
        let mut own = own.into_iter();
        if let Some(first) = own.next() {
            let before = goes_on(said, &runs, &first);
            match before.and_then(|before| runs.get_mut(before)) {
                Some(run) => {
                    run.pieces.extend(first.pieces);
                    run.next = first.next;
                }
                None => runs.push(first),
            }
        }
        runs.extend(own);
    }
    runs
}

/// The run that this one goes on with: the speaker's last, if nothing but "mm-hm" stands between.
fn goes_on(said: &[Said<'_>], runs: &[Run], first: &Run) -> Option<usize> {
    let piece = first.pieces.first()?;
    let now = said.get(piece.turn)?;
    let leads_in = |token: Token<'_>| {
        token.known.is_filler || token.known.is_back_channel || token.known.number.is_some()
    };
    if !now.tokens(0).take(piece.token).all(leads_in) {
        return None;
    }
    let (index, run) = runs.iter().enumerate().rev().take(8).find(|(_, run)| {
        let last = run.pieces.last().and_then(|piece| said.get(piece.turn));
        last.is_some_and(|last| last.by == now.by)
    })?;
    let turn = run.pieces.last()?.turn;
    let before = said.get(turn)?;
    let is_over = before.tokens(run.next).all(|token| token.known.is_filler);
    let between = said.get(turn + 1..piece.turn)?;
    let only_back_channels = between.len() <= TURNS_BETWEEN_MAX
        && between
            .iter()
            .all(|other| other.by != now.by && is_back_channel(other));
    let fits = run.pieces.len() + first.pieces.len() <= PIECES_MAX;
    (is_over && only_back_channels && fits).then_some(index)
}

/// "mm-hm", or the other's repeating the number.
fn is_back_channel(said: &Said<'_>) -> bool {
    said.len() <= BACK_CHANNEL_TOKENS_MAX
        && said
            .tokens(0)
            .all(|token| token.known.is_back_channel || token.known.is_filler || token.is_number())
}

/// The runs of one turn.
fn within(said: &Said<'_>, turn: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open = false;
    let mut at = 0;
    while at < said.len() {
        if said.is_number(at)
            && let Some((piece, next)) = piece(said, turn, at)
        {
            let joins = open && joins(said, &runs, at);
            match runs.last_mut() {
                Some(run) if joins && run.pieces.len() < PIECES_MAX => {
                    run.pieces.push(piece);
                    run.next = next;
                }
                Some(_) | None => runs.push(Run {
                    pieces: vec![piece],
                    next,
                }),
            }
            open = true;
            at = next;
            continue;
        }
        open = open && said.token(at).is_some_and(goes_between);
        at += 1;
    }
    runs
}

/// What may stand between two parts of a number: "um", "dash".
fn goes_between(token: Token<'_>) -> bool {
    token.known.is_filler || token.known.sign == Some(Sign::Dash)
}

/// Whether a piece at a token goes on the last run: only punctuation and words that may stand between.
fn joins(said: &Said<'_>, runs: &[Run], at: usize) -> bool {
    let Some(from) = runs.last().map(|run| run.next) else {
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

/// The digits that begin at a token, and the token after them.
fn piece(said: &Said<'_>, turn: usize, at: usize) -> Option<(Piece, usize)> {
    let token = said.token(at)?;
    if token.shape == Shape::Digits {
        let piece = Piece {
            turn,
            token: at,
            begin: token.begin,
            end: token.end,
            digits: token.text.bytes().map(|byte| byte - b'0').collect(),
            written: true,
        };
        return Some((piece, at + 1));
    }
    let (digits, mut next) = spoken(said, at)?;
    let mut digits = digits;
    if said
        .token(next)
        .is_some_and(|t| t.known.number == Some(Spoken::Hundred))
        && digits.len() <= 2
    {
        digits.extend([0, 0]);
        next += 1;
    }
    let piece = Piece {
        turn,
        token: at,
        begin: token.begin,
        end: said.token(next.checked_sub(1)?)?.end,
        digits,
        written: false,
    };
    Some((piece, next))
}

/// The digits that words say: "four", "forty one", "double eight", "double oh".
fn spoken(said: &Said<'_>, at: usize) -> Option<(Vec<u8>, usize)> {
    let number = |at: usize| said.token(at).and_then(|token| token.known.number);
    match number(at)? {
        Spoken::Digit(digit) => Some((vec![digit], at + 1)),
        Spoken::Teen(value) => Some((vec![1, value - 10], at + 1)),
        Spoken::Tens(value) => match number(at + 1) {
            Some(Spoken::Digit(unit)) if unit > 0 && said.gap(at + 1).len() <= 1 => {
                Some((vec![value / 10, unit], at + 2))
            }
            _ => Some((vec![value / 10, 0], at + 1)),
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
            Some((vec![digit; times], at + 2))
        }
        Spoken::Hundred => None,
    }
}
