//! The settings of the language model that is asked about calls.

use super::{Default, Setting, plain, secret};

pub(in crate::config) const LLM_URL: Setting = plain(
    "ONHOOK_LLM_URL",
    Default::Absent("no language model is asked: `insights` is skipped as `NOT_CONFIGURED`"),
    "the base of an API, like https://api.openai.com/v1 or http://127.0.0.1:8081/v1",
    "A server that speaks OpenAI's `chat/completions`: it is asked about every call with a transcript, unless the account does not want \
     it. It sees the transcript after personal data was masked. It may be on this machine or in a private network, whatever \
     ONHOOK_EGRESS_ALLOW says.",
);
pub(in crate::config) const LLM_API_KEY: Setting = secret(
    "ONHOOK_LLM_API_KEY",
    "none is sent",
    "a key of that server",
    "Sent to it as a Bearer token.",
);
pub(in crate::config) const LLM_MODEL: Setting = plain(
    "ONHOOK_LLM_MODEL",
    Default::Absent("none; required with ONHOOK_LLM_URL"),
    "the name of a model that the server has",
    "Which model is asked. Another name makes new answers: calls that are analysed again are asked about again.",
);
pub(in crate::config) const LLM_TIMEOUT_S: Setting = plain(
    "ONHOOK_LLM_TIMEOUT_S",
    Default::Value("60"),
    "a whole number of seconds from 1 to 300",
    "How long one request to the language model may take, from connecting (5 s at most) to its last byte. A small machine needs more.",
);
pub(in crate::config) const LLM_CONTEXT_TOKENS: Setting = plain(
    "ONHOOK_LLM_CONTEXT_TOKENS",
    Default::Value("32768"),
    "a whole number from 4096 to 2000000",
    "How many tokens the model reads and writes at once. Of a conversation that is longer it sees the first 30 % and the last 50 % of \
     the turns, or less of both. Tokens are counted as three bytes each, which is more than most models need.",
);
pub(in crate::config) const LLM_ANSWER_TOKENS: Setting = plain(
    "ONHOOK_LLM_ANSWER_TOKENS",
    Default::Value("1200"),
    "a whole number from 256 to 32768, at most a quarter of ONHOOK_LLM_CONTEXT_TOKENS",
    "How many tokens an answer may have. More for many fields of an account's own, and for models that think before they answer.",
);
pub(in crate::config) const LLM_ANSWER_TOKENS_PARAMETER: Setting = plain(
    "ONHOOK_LLM_ANSWER_TOKENS_PARAMETER",
    Default::Value("max_tokens"),
    "max_tokens or max_completion_tokens",
    "What the server calls that bound: newer models of OpenAI want the second, others know the first.",
);
pub(in crate::config) const LLM_TEMPERATURE: Setting = plain(
    "ONHOOK_LLM_TEMPERATURE",
    Default::Absent("none is sent; some models refuse one"),
    "a number from 0 to 2",
    "How much the model may stray; 0 for answers that hardly differ.",
);
