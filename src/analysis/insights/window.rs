//! What of a conversation fits into a model's context: all of it, or its beginning and its end.

use serde::Serialize;

use crate::domain::transcript::Utterance;

/// Bytes of text for one token, at least: English has more than four, and a character of three bytes is about a token.
const BYTES_PER_TOKEN: usize = 3;
/// What the number, the speaker and the line's end of a turn take.
const TOKENS_PER_TURN: usize = 8;

/// A turn as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turn {
    /// Its place in the conversation, from 0.
    pub number: usize,
    /// Who speaks.
    pub by: String,
    /// What is said, in one line.
    pub text: String,
}

/// What the model sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The turns from the beginning on.
    pub head: Vec<Turn>,
    /// How many are left out.
    pub left_out: usize,
    /// The turns until the end.
    pub tail: Vec<Turn>,
    /// Something is left out, turns or the ends of some.
    pub truncated: bool,
}

/// The turns of utterances.
pub(super) fn turns(utterances: &[Utterance]) -> Vec<Turn> {
    let turns = utterances.iter().enumerate();
    turns
        .map(|(number, said)| Turn {
            number,
            by: one_line(said.participant()),
            text: one_line(said.text.as_str()),
        })
        .collect()
}

/// So that no turn can look like two.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// How many tokens a text has at most, for texts as people speak them.
pub(super) fn tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_PER_TOKEN)
}

/// As many turns as there is room for: if not all, the first 30 % and the last 50 %, and less of both where that is still too much.
/// Where not even two turns fit, their ends are cut off.
pub(super) fn window(turns: Vec<Turn>, room: usize) -> Window {
    let cost = |turn: &Turn| tokens(&turn.text) + tokens(&turn.by) + TOKENS_PER_TURN;
    let all: usize = turns.iter().map(cost).sum();
    if all <= room {
        return Window {
            head: turns,
            left_out: 0,
            tail: Vec::new(),
            truncated: false,
        };
    }
    let count = turns.len();
    let fits = |of: usize| {
        let (head, tail) = (of * 3 / 10, of / 2);
        let kept = turns
            .iter()
            .take(head)
            .chain(turns.iter().skip(count - tail));
        kept.map(cost).sum::<usize>() <= room
    };
    // More turns never cost less: the most that fit are found by halving.
    let (mut least, mut most) = (0, count);
    while least < most {
        let middle = (least + most).div_ceil(2);
        if fits(middle) {
            least = middle;
        } else {
            most = middle - 1;
        }
    }
    let (head, tail) = (least * 3 / 10, least / 2);
    if head == 0 || tail == 0 {
        return cut(turns, room);
    }
    let left_out = count - head - tail;
    let mut turns = turns.into_iter();
    Window {
        head: turns.by_ref().take(head).collect(),
        left_out,
        tail: turns.skip(left_out).collect(),
        truncated: true,
    }
}

/// The first and the last turn, as much of each as fits into half of the room.
fn cut(turns: Vec<Turn>, room: usize) -> Window {
    let count = turns.len();
    let bytes = (room / 2).saturating_sub(4 * TOKENS_PER_TURN) * BYTES_PER_TOKEN;
    let short = |turn: Turn| {
        let end = (0..=bytes.min(turn.text.len()))
            .rev()
            .find(|end| turn.text.is_char_boundary(*end));
        Turn {
            text: turn
                .text
                .get(..end.unwrap_or(0))
                .unwrap_or_default()
                .to_owned(),
            ..turn
        }
    };
    let mut turns = turns.into_iter();
    let head: Vec<Turn> = turns.next().map(short).into_iter().collect();
    let tail: Vec<Turn> = turns.last().map(short).into_iter().collect();
    Window {
        left_out: count - head.len() - tail.len(),
        head,
        tail,
        truncated: true,
    }
}
