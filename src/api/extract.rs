//! Extractors whose rejections are [`super::error::Error`]: bounded, no plain text, no names of Rust types.
//!
//! What must name every bad field at once reads [`Fields`] through a [`Reader`]; [`Json`] is for a shape that does so by itself.
//! axum's own extractors are banned elsewhere.

mod body;
mod field;
mod fields;
mod lists;
mod path;
mod query;
mod reader;

pub use body::{
    Body, FormOrJson, Json, JsonBody, MergePatch, Payload, TextOrJson, Written, too_large,
    too_slow, unsupported,
};
pub use field::{Field, Wrong};
pub use fields::Fields;
pub use lists::Lists;
pub use path::{Path, PathPair, PathText};
pub use query::{QueryFields, QueryLists};
pub use reader::Reader;

/// The largest body of a route that does not say otherwise.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
