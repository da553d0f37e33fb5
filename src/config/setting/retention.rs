//! Settings of what is kept, and for how long.

use super::{Default, Setting, plain};

pub(in crate::config) const TOMBSTONE_DAYS: Setting = plain(
    "ONHOOK_TOMBSTONE_DAYS",
    Default::Value("400"),
    "a whole number of days from 1 to 36500",
    "For how long hashes of what erased calls were called are kept, so that a report that comes late does not make one anew: longer \
     than any provider repeats itself. docs/retention.md tells the whole.",
);
