//! The voice-calls surface: staff systems keep their side of a call here.
//!
//! [`parse`] is pure: bytes to a change. [`envelope`] is how everything is answered.

pub mod envelope;
pub mod parse;
