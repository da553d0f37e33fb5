//! What is wrong with a field of a body, for bodies that name everything that is wrong at once.

/// A field that was refused, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its path in the body: `utterances[3].end_ms`.
    pub field: String,
    /// `missing`, `unknown`, `invalid` or `too_long`.
    pub code: &'static str,
    /// What would be right.
    pub message: String,
}
