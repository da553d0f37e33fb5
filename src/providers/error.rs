//! Why a vendor did not do what it was asked, by what we do next.

use std::time::Duration;

use http::StatusCode;

use crate::egress::{self, Answer};

/// The longest that a vendor can put us off by asking for it.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// What is kept of the provider's own words for the record.
const DETAIL_CHARS_MAX: usize = 200;

/// Why a vendor did not do what it was asked, by what we do next. The text may stand in the record.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It will not do this: asking again is of no use.
    #[error("refused: {detail}")]
    Refused {
        /// In its own words.
        detail: String,
    },
    /// The connection's credentials are not accepted: somebody must replace them.
    #[error("the connection's credentials are not accepted ({status})")]
    Unauthorized {
        /// Its answer.
        status: StatusCode,
    },
    /// Too many requests: later.
    #[error("asked to come back later")]
    Throttled {
        /// When, if it said so.
        retry_after: Option<Duration>,
    },
    /// No answer: later. Whether it was done is not known.
    #[error("could not be reached: {0}")]
    Unreachable(#[source] egress::Error),
    /// It failed (5xx): later.
    #[error("failed with {status}")]
    Failing {
        /// Its answer.
        status: StatusCode,
    },
    /// An answer that this API does not give: later, in case somebody else answered.
    #[error("gave an answer that cannot be understood: {detail}")]
    Garbled {
        /// What is wrong with it.
        detail: String,
    },
}

/// Whether asking again may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It may.
    Later {
        /// Not before, if the vendor said so.
        after: Option<Duration>,
    },
    /// Not before somebody changes something.
    Never,
}

impl ProviderError {
    /// Whether asking again may help.
    pub fn again(&self) -> Again {
        match self {
            Self::Refused { .. } | Self::Unauthorized { .. } => Again::Never,
            Self::Throttled { retry_after } => Again::Later {
                after: *retry_after,
            },
            Self::Unreachable(_) | Self::Failing { .. } | Self::Garbled { .. } => {
                Again::Later { after: None }
            }
        }
    }

    /// Whether what was asked for may have been done all the same.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Unauthorized { .. } | Self::Throttled { .. } => false,
            Self::Failing { .. } | Self::Garbled { .. } => true,
            Self::Unreachable(error) => match error {
                egress::Error::Refused(_)
                | egress::Error::Dns(_)
                | egress::Error::Connect(_)
                | egress::Error::Tls(_) => false,
                egress::Error::TimedOut | egress::Error::Reset(_) | egress::Error::Protocol(_) => {
                    true
                }
            },
        }
    }

    /// A refusal in the vendor's own words, cut to what the record holds.
    pub fn refused(detail: &str) -> Self {
        Self::Refused {
            detail: short(detail),
        }
    }

    /// What the answer to an unsuccessful request means unless the adapter knows better.
    pub fn of(answer: &Answer) -> Self {
        let status = answer.status;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Unauthorized { status },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Self::Throttled {
                retry_after: answer.retry_after().map(|wait| wait.min(RETRY_AFTER_MAX)),
            },
            _ if status.is_server_error() => Self::Failing { status },
            _ => Self::garbled(&format!("unexpected status {status}")),
        }
    }

    /// What it means that a call was not placed. Only an answer in the vendor's own words is a no; who else answers, such as a
    /// gateway on the way, does not know whether there is a call.
    pub fn not_placed(answer: &Answer, words: Option<&str>) -> Self {
        let status = answer.status;
        match (status, words) {
            (
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS,
                _,
            ) => Self::of(answer),
            (_, Some(words))
                if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT =>
            {
                Self::refused(words)
            }
            (_, _) if status.is_server_error() => Self::Failing { status },
            (_, _) => Self::garbled(&format!("unexpected status {status}")),
        }
    }

    /// An answer that this API does not give.
    pub fn garbled(detail: &str) -> Self {
        Self::Garbled {
            detail: short(detail),
        }
    }
}

fn short(detail: &str) -> String {
    let printable = detail.chars().filter(|c| !c.is_control());
    printable.take(DETAIL_CHARS_MAX).collect()
}
