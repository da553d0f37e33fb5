//! The one HTTP client: webhooks, providers and rooms go through it.
//!
//! It resolves a name once, vets *every* address and connects only to a vetted one; follows no redirect; bounds the
//! whole exchange, body included, by one deadline, and what it reads by a cap. [`address`] is the address policy.

pub mod address;
