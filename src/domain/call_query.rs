//! What back ends ask of a list of calls: which columns they name, which tests a call must pass, in which order. Pure; the
//! SQL is in `store::calls::query`.
//!
//! A test is about what the Call object *shows*: a caller that nobody has told is the empty text there, and so it is here.

use super::account::TranscriptAccess;

mod column;
mod condition;
mod value;

pub use column::{Column, Kind};
pub use condition::{Bound, Condition, ConditionError, Operator, Part, Side, Test};
pub use value::Value;

/// Most conditions of one list.
pub const CONDITIONS_MAX: usize = 20;

/// Most values of one `in`.
pub const ITEMS_MAX: usize = 100;

/// The longest value, in characters; each value of an `in` may be as long.
pub const VALUE_CHARS_MAX: usize = 255;

/// Words that stand somewhere in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The words.
    pub words: String,
    /// Where they may stand.
    pub columns: &'static [Column],
}

impl Search {
    /// In the callee's number, the notes, the feedback or, for those who read it as it was said, the newest transcript: what is
    /// found tells what was said.
    pub fn new(words: String, access: TranscriptAccess) -> Self {
        let columns: &[Column] = match access {
            TranscriptAccess::Raw => &[
                Column::To,
                Column::Notes,
                Column::Feedback,
                Column::Transcript,
            ],
            TranscriptAccess::Redacted => &[Column::To, Column::Notes, Column::Feedback],
        };
        Self { words, columns }
    }
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// The least.
    Ascending,
    /// The greatest.
    Descending,
}
