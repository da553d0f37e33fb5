//! What jambonz answers and posts, as far as we read it, and its words for states and directions.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{
    domain::{
        party::PartyNumber,
        report::{DURATION_S_MAX, Facts, ProviderCallId, ReportKind},
        state::{Direction, EndState},
        text::Text,
    },
    egress::Answer,
    providers::{InboundReport, Leg, ProviderError},
};

/// An account.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    #[expect(dead_code, reason = "what makes it an account's answer")]
    account_sid: String,
}

/// A call that was placed.
#[derive(Debug, Deserialize)]
pub(super) struct CreatedCall {
    pub(super) sid: String,
}

/// A call, as it is posted and as it is answered.
#[derive(Debug, Deserialize)]
pub(super) struct Call {
    #[serde(rename = "call_sid")]
    pub(super) sid: Option<String>,
    #[serde(rename = "call_status")]
    pub(super) status: String,
    parent_call_sid: Option<String>,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
    duration: Option<f64>,
    sip_status: Option<u32>,
    sip_reason: Option<String>,
    #[serde(rename = "call_termination_by")]
    terminated_by: Option<String>,
}

/// An unsuccessful answer in its own words.
#[derive(Debug)]
pub(super) struct Refusal(String);

#[derive(Debug, Deserialize)]
struct RefusalBody {
    msg: String,
}

/// Reads a successful answer. Anything else that is answered is not jambonz's.
fn parse<'a, T: Deserialize<'a>>(answer: &'a Answer, what: &str) -> Result<T, ProviderError> {
    serde_json::from_slice(&answer.body)
        .map_err(|_error| ProviderError::garbled(&format!("not {what}")))
}

impl Account {
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        parse(answer, "an account")
    }
}

impl CreatedCall {
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        parse(answer, "a call that was placed")
    }
}

impl Call {
    pub(super) fn parse(answer: &Answer) -> Result<Self, ProviderError> {
        parse(answer, "a call")
    }

    pub(super) fn parse_list(answer: &Answer) -> Result<Vec<Self>, ProviderError> {
        parse(answer, "a list of calls")
    }

    /// Whether the call has ended; jambonz keeps such calls for a while.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.kind(), Some(ReportKind::Ended(_)))
    }

    /// Whether it went out from here, to these numbers.
    pub(super) fn is_between(&self, from: &str, to: &str) -> bool {
        let same = |own: Option<&String>, other: &str| {
            let digits = |number: &str| number.trim_start_matches('+').to_owned();
            own.is_some_and(|own| digits(own) == digits(other))
        };
        self.direction() == Some(Direction::Outbound)
            && self.parent_call_sid.is_none()
            && same(self.from.as_ref(), from)
            && same(self.to.as_ref(), to)
    }

    /// The call as a report; nothing if its state is one that we do not know.
    pub(super) fn report(
        self,
        name: &ProviderCallId,
        at: Option<DateTime<Utc>>,
    ) -> Option<InboundReport> {
        let kind = self.kind()?;
        let over = matches!(kind, ReportKind::Ended(_));
        let party = |number: &Option<String>| PartyNumber::parse(number.clone()?).ok();
        Some(InboundReport {
            call: name.clone(),
            event_id: None,
            occurred_at: at,
            kind,
            facts: Facts {
                direction: self.direction(),
                from: party(&self.from),
                to: party(&self.to),
                duration_s: self.duration.filter(|_| over).and_then(seconds),
                disconnect_reason: over.then(|| self.disconnect_reason()).flatten(),
                ..Facts::default()
            },
            leg: Leg {
                parent: self
                    .parent_call_sid
                    .and_then(|sid| ProviderCallId::parse(sid).ok()),
                conversation: None,
            },
        })
    }

    /// What the status means; nothing for one that we do not know, which is not an error.
    fn kind(&self) -> Option<ReportKind> {
        Some(match self.status.as_str() {
            "trying" | "queued" => ReportKind::Queued,
            "ringing" | "early-media" => ReportKind::Ringing,
            "in-progress" => ReportKind::Answered,
            "completed" => ReportKind::Ended(EndState::Completed),
            "busy" => ReportKind::Ended(EndState::Busy),
            "no-answer" => ReportKind::Ended(EndState::NoAnswer),
            // It knows fewer words than SIP has codes.
            "failed" => ReportKind::Ended(match self.sip_status {
                Some(486 | 600 | 603) => EndState::Busy,
                Some(487) => EndState::NoAnswer,
                Some(_) | None => EndState::Failed,
            }),
            _ => return None,
        })
    }

    fn direction(&self) -> Option<Direction> {
        match self.direction.as_deref()? {
            "inbound" => Some(Direction::Inbound),
            "outbound" => Some(Direction::Outbound),
            _ => None,
        }
    }

    /// Who hung up, or what the network said.
    fn disconnect_reason(&self) -> Option<Text<512>> {
        let words = match (&self.terminated_by, self.sip_status, &self.sip_reason) {
            (Some(by), _, _) => format!("terminated by {by}"),
            (None, Some(status @ 300..), Some(reason)) => format!("SIP {status} {reason}"),
            (None, Some(status @ 300..), None) => format!("SIP {status}"),
            (None, Some(_) | None, _) => return None,
        };
        Text::parse(words).ok()
    }
}

impl Refusal {
    /// Reads an unsuccessful answer: `{"msg":…}`, or the plain name of its status. Nothing if it is neither, so that nobody
    /// else speaks for jambonz.
    pub(super) fn parse(answer: &Answer) -> Option<Self> {
        if let Ok(RefusalBody { msg }) = serde_json::from_slice(&answer.body) {
            return Some(Self(msg));
        }
        let text = std::str::from_utf8(&answer.body).ok()?.trim();
        let plain = answer.status.canonical_reason() == Some(text);
        plain.then(|| Self(text.to_owned()))
    }

    /// Whether these words are in it.
    pub(super) fn says(&self, words: &str) -> bool {
        self.0.contains(words)
    }

    /// Its words.
    pub(super) fn words(&self) -> &str {
        &self.0
    }
}

/// Whole seconds within what is believed.
fn seconds(seconds: f64) -> Option<i32> {
    let seconds = format!("{seconds:.0}").parse().ok()?;
    (0..=DURATION_S_MAX).contains(&seconds).then_some(seconds)
}
