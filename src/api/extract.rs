//! Extractors whose rejections are [`super::error::Error`]: no plain text, no names of Rust types.
