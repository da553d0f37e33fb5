//! Settings of recordings and of the speech-to-text service.

use super::{Default, Setting, plain, secret};

pub(in crate::config) const RECORDING_BYTES_MAX: Setting = plain(
    "ONHOOK_RECORDING_BYTES_MAX",
    Default::Value("268435456"),
    "a whole number of bytes from 1048576 to 4294967296",
    "The largest recording that is fetched, for accounts that have asked for it. It lies in a temporary file (`TMPDIR`) while it is \
     read: leave room for eight.",
);
pub(in crate::config) const RECORDING_TIMEOUT_S: Setting = plain(
    "ONHOOK_RECORDING_TIMEOUT_S",
    Default::Value("300"),
    "a whole number of seconds from 1 to 3000",
    "How long fetching a recording may take in one attempt.",
);
pub(in crate::config) const STT_URL: Setting = plain(
    "ONHOOK_STT_URL",
    Default::Absent("recordings are not written down"),
    "the base of a speech-to-text service, like https://api.openai.com/v1 or http://127.0.0.1:8000/v1",
    "Has recordings written down, for accounts that have asked for it: the sound of their calls is sent there. It may be on this \
     machine or in a private network. docs/recordings.md tells the whole.",
);
pub(in crate::config) const STT_KIND: Setting = plain(
    "ONHOOK_STT_KIND",
    Default::Value("openai"),
    "openai or deepgram",
    "What the service speaks: `POST {base}/audio/transcriptions` as OpenAI and most self-hosted servers have it, or Deepgram's \
     `POST {base}/listen`.",
);
pub(in crate::config) const STT_API_KEY: Setting = secret(
    "ONHOOK_STT_API_KEY",
    "none is sent",
    "the service's API key",
    "What the speech-to-text service knows us by.",
);
pub(in crate::config) const STT_MODEL: Setting = plain(
    "ONHOOK_STT_MODEL",
    Default::Absent("`whisper-1`, or `nova-3` of Deepgram"),
    "the name of a model that the service has",
    "Which model is asked for.",
);
pub(in crate::config) const STT_TIMEOUT_S: Setting = plain(
    "ONHOOK_STT_TIMEOUT_S",
    Default::Value("300"),
    "a whole number of seconds from 1 to 3000",
    "How long one request to the speech-to-text service may take: it has five minutes of sound at most.",
);
