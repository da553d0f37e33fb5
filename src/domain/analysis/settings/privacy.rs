//! Who is shown what was said as it was said.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::read::Object;
use crate::domain::account::TranscriptAccess;

/// What an account wants of the privacy of what was said. It changes what is shown, not what is found: an analysis is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PrivacySettings {
    /// What credentials read that do not say which: keys made without `--transcripts`, tokens without the claim.
    pub transcripts: TranscriptAccess,
    /// What webhooks carry.
    pub webhooks: TranscriptAccess,
}

impl Default for PrivacySettings {
    fn default() -> Self {
        Self {
            transcripts: TranscriptAccess::Raw,
            webhooks: TranscriptAccess::Raw,
        }
    }
}

impl PrivacySettings {
    /// Reads the part of a body.
    pub(super) fn read(object: &mut Object<'_>) -> Self {
        object.only(&["transcripts", "webhooks"]);
        let default = Self::default();
        Self {
            transcripts: object.word("transcripts").unwrap_or(default.transcripts),
            webhooks: object.word("webhooks").unwrap_or(default.webhooks),
        }
    }
}
