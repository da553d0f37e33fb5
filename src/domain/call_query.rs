//! What back ends ask of a list of calls: which columns they name, which tests a call must pass, in which order. Pure; the
//! SQL is in `store::calls::query`.
//!
//! A test is about what the Call object *shows*: a caller that nobody has told is the empty text there, and so it is here.

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

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// The least.
    Ascending,
    /// The greatest.
    Descending,
}
