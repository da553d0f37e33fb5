//! What tells two inputs apart: the SHA-256 of their JSON.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

/// The SHA-256 of the JSON of plain data: texts, numbers, lists of them, and maps whose keys are texts.
pub fn json_sha256(of: &impl Serialize) -> [u8; 32] {
    let bytes = serde_json::to_vec(of).expect("plain data has a JSON");
    sha256(&bytes)
}

/// The SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let hash = digest(&SHA256, bytes);
    hash.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
