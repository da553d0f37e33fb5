//! FreeSWITCH's words: what it answers to `api`, the hang-up causes of its records, and its times. From its sources:
//! `mod_commands.c`, `switch_channel.c`.

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;

use crate::{
    domain::{
        party::PartyNumber,
        report::{Facts, ProviderCallId, ReportKind},
        state::{Direction, EndState},
    },
    providers::{InboundReport, Leg, LookUp, ProviderError},
};

/// A call's name as a word of a command. Its calls have no other names, and a line break or a space in one would begin
/// another command or argument.
pub(super) fn word(call: &ProviderCallId) -> Option<&str> {
    let name = call.as_str();
    let safe = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_.:@+".contains(&b));
    safe.then_some(name)
}

/// `-ERR No such channel!`, in either of the two spellings that there have been.
pub(super) fn is_unknown(said: &str) -> bool {
    said.trim().eq_ignore_ascii_case("-ERR No such channel!")
}

/// `true` or `false`.
pub(super) fn truth(said: &str) -> Option<bool> {
    match said.trim() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// What it means that neither the one nor the other was answered.
pub(super) fn refusal(said: &str) -> ProviderError {
    match said.trim().strip_prefix('-') {
        Some(reason) => ProviderError::refused(reason),
        None => ProviderError::garbled("not an answer to the command"),
    }
}

/// What `uuid_dump` tells: a line for each field, its value percent-encoded.
pub(super) fn standing(dump: &str, call: &ProviderCallId) -> Result<LookUp, ProviderError> {
    let field = |name: &str| {
        dump.lines().find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            (field == name).then(|| decoded(value))
        })
    };
    let state = field("Answer-State")
        .ok_or_else(|| ProviderError::garbled("not what uuid_dump says of a channel"))?;
    let (kind, since) = match state.as_str() {
        "answered" => (ReportKind::Answered, "Caller-Channel-Answered-Time"),
        "ringing" | "early" => (ReportKind::Ringing, "Caller-Channel-Progress-Time"),
        _ => return Ok(LookUp::Unclear),
    };
    let number = |name: &str| field(name).and_then(|number| PartyNumber::parse(number).ok());
    Ok(LookUp::Known(Box::new(InboundReport {
        call: call.clone(),
        event_id: None,
        occurred_at: field(since).and_then(|time| micros(&time)),
        kind,
        facts: Facts {
            direction: field("Call-Direction").as_deref().and_then(direction),
            from: number("Caller-Caller-ID-Number"),
            to: number("Caller-Destination-Number"),
            ..Facts::default()
        },
        leg: Leg {
            parent: field("variable_originator").and_then(|by| ProviderCallId::parse(by).ok()),
            conversation: None,
        },
    })))
}

/// How a call ended. Whoever was answered was answered, whatever the cause says.
pub(super) fn end_state(cause: &str, answered: bool) -> EndState {
    if answered {
        return EndState::Completed;
    }
    match cause {
        "USER_BUSY" | "CALL_REJECTED" => EndState::Busy,
        "NO_ANSWER" | "NO_USER_RESPONSE" | "ALLOTTED_TIMEOUT" | "PROGRESS_TIMEOUT" => {
            EndState::NoAnswer
        }
        // Hung up by either side or by an API; taken elsewhere.
        "NORMAL_CLEARING" | "ORIGINATOR_CANCEL" | "MANAGER_REQUEST" | "LOSE_RACE"
        | "PICKED_OFF" => EndState::Canceled,
        _ => EndState::Failed,
    }
}

/// Its words for who called whom.
pub(super) fn direction(word: &str) -> Option<Direction> {
    match word {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

/// Microseconds since 1970; 0 is never.
pub(super) fn micros(text: &str) -> Option<DateTime<Utc>> {
    let micros = text.parse().ok().filter(|micros| *micros > 0)?;
    DateTime::from_timestamp_micros(micros)
}

/// A percent-encoded value. A plus is a plus.
pub(super) fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}
