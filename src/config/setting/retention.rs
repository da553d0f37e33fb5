//! Settings of what is kept, and for how long.

use super::{Default, Setting, plain};

const DAYS: &str = "a whole number of days from 1 to 36500";

pub(in crate::config) const TOMBSTONE_DAYS: Setting = plain(
    "ONHOOK_TOMBSTONE_DAYS",
    Default::Value("400"),
    DAYS,
    "For how long hashes of what erased calls were called are kept, so that a report that comes late does not make one anew: longer \
     than any provider repeats itself. docs/retention.md tells the whole.",
);

pub(in crate::config) const RETENTION_PAYLOAD_DAYS: Setting = plain(
    "ONHOOK_RETENTION_PAYLOAD_DAYS",
    Default::Value("30"),
    DAYS,
    "For how long the bodies of webhooks are kept, so that they can be sent again and recovered. An account may say otherwise, as for each of \
     the following: docs/retention.md.",
);
pub(in crate::config) const RETENTION_ATTEMPT_DAYS: Setting = plain(
    "ONHOOK_RETENTION_ATTEMPT_DAYS",
    Default::Value("90"),
    DAYS,
    "For how long deliveries that are over are kept, with their attempts and what was answered.",
);
pub(in crate::config) const RETENTION_RECEIPT_DAYS: Setting = plain(
    "ONHOOK_RETENTION_RECEIPT_DAYS",
    Default::Value("90"),
    DAYS,
    "For how long reports of calls are kept as they came, by which one that comes again is recognised.",
);
pub(in crate::config) const RETENTION_TRANSCRIPT_DAYS: Setting = plain(
    "ONHOOK_RETENTION_TRANSCRIPT_DAYS",
    Default::Absent("for ever"),
    DAYS,
    "For how long transcripts are kept, with what was made of the words.",
);
pub(in crate::config) const RETENTION_RECORDING_DAYS: Setting = plain(
    "ONHOOK_RETENTION_RECORDING_DAYS",
    Default::Absent("for ever"),
    DAYS,
    "For how long it is kept where recordings are, from the last change of the call.",
);
pub(in crate::config) const RETENTION_CALL_DAYS: Setting = plain(
    "ONHOOK_RETENTION_CALL_DAYS",
    Default::Absent("for ever"),
    DAYS,
    "For how long calls are kept, with everything.",
);
