//! The voip surface: telephony providers and PBXs tell us where a call stands.
//!
//! [`parse`] is pure: bytes to what a report says.

pub mod parse;
