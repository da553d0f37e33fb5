//! What ARI's events tell of calls.
//!
//! A channel that rings towards Asterisk is `Ring` from the beginning, one that Asterisk rings is `Down` at first. Later
//! events do not say who called; `Dial` says which channel made which. An event's name is made of what it says, so that
//! the list of channels after a reconnection repeats nothing.

use crate::{
    domain::{
        id::CallId,
        party::PartyNumber,
        report::{Facts, ProviderCallId, ReportKind},
        state::Direction,
        text::Text,
    },
    providers::{InboundReport, Leg, stream::Heard},
};

use super::wire::{self, Channel, Event};

/// Channels that are parts of Asterisk, not calls.
const INTERNAL: [&str; 12] = [
    "Announcer/",
    "AudioSocket/",
    "Bridge/",
    "CBAnn/",
    "CBRec/",
    "Message/",
    "MulticastRTP/",
    "Recorder/",
    "Snoop/",
    "Surrogate/",
    "UnicastRTP/",
    "WebSocket/",
];

/// Reads a message.
pub(super) fn read(text: &str) -> Heard {
    match serde_json::from_str::<Event>(text) {
        Ok(event) => Heard::Reports(reports(&event).into_iter().collect()),
        Err(error) => Heard::Unreadable(error.to_string()),
    }
}

fn reports(event: &Event) -> Option<InboundReport> {
    let channel = event.channel.as_ref();
    match event.kind.as_str() {
        "ChannelCreated" => created(channel?),
        "ChannelStateChange" | "StasisStart" => changed(channel?, event),
        "ChannelDestroyed" => destroyed(channel?, event),
        "Dial" if event.dialstatus.is_empty() => dialled(event.peer.as_ref()?, event),
        _ => None,
    }
}

/// What a channel that is in a list, or was looked up, tells; nothing if its state is one that we have no word for.
pub(super) fn standing(channel: &Channel) -> Option<InboundReport> {
    let kind = match channel.state.as_str() {
        "Ring" | "Ringing" => ReportKind::Ringing,
        "Up" => ReportKind::Answered,
        "Down" | "Rsrved" | "OffHook" | "Dialing" | "Dialing Offhook" | "Pre-ring" => {
            return created(channel);
        }
        _ => return None,
    };
    let mut report = report(channel, &channel.state, kind)?;
    report.facts = facts(channel);
    Some(report)
}

fn created(channel: &Channel) -> Option<InboundReport> {
    let kind = match channel.state.as_str() {
        "Ring" => ReportKind::Ringing,
        _ => ReportKind::Queued,
    };
    let mut report = report(channel, "created", kind)?;
    report.occurred_at = wire::time(&channel.creationtime);
    report.facts = facts(channel);
    Some(report)
}

fn changed(channel: &Channel, event: &Event) -> Option<InboundReport> {
    let kind = match channel.state.as_str() {
        "Ring" | "Ringing" => ReportKind::Ringing,
        "Up" => ReportKind::Answered,
        _ => return None,
    };
    let mut report = report(channel, &channel.state, kind)?;
    report.occurred_at = wire::time(&event.timestamp);
    Some(report)
}

fn dialled(peer: &Channel, event: &Event) -> Option<InboundReport> {
    let mut report = report(peer, "dialled", ReportKind::Queued)?;
    report.occurred_at = wire::time(&event.timestamp);
    let caller = event.caller.as_ref().map_or(&peer.caller, |by| &by.caller);
    // `+14155550148@trunk`, `trunk/+14155550148` or only an endpoint's name, by technology.
    let address = event.dialstring.split('@').next().unwrap_or_default();
    let callee = address.rsplit('/').next().unwrap_or_default();
    report.facts = Facts {
        direction: Some(Direction::Outbound),
        from: party(&caller.number),
        to: party(callee),
        ..Facts::default()
    };
    report.leg = Leg {
        parent: event.caller.as_ref().and_then(name),
        conversation: None,
    };
    Some(report)
}

fn destroyed(channel: &Channel, event: &Event) -> Option<InboundReport> {
    let state = wire::end_state(&channel.state, event.cause.unwrap_or_default());
    let mut report = report(channel, "destroyed", ReportKind::Ended(state))?;
    report.occurred_at = wire::time(&event.timestamp);
    let cause = event.cause_txt.clone().filter(|cause| cause != "Unknown");
    report.facts.disconnect_reason = cause.and_then(|cause| Text::parse(cause).ok());
    Some(report)
}

fn report(channel: &Channel, what: &str, kind: ReportKind) -> Option<InboundReport> {
    let call = name(channel)?;
    Some(InboundReport {
        event_id: Some(format!("{} {what}", call.as_str())),
        call,
        occurred_at: None,
        kind,
        facts: Facts::default(),
        leg: Leg::default(),
    })
}

/// What a channel says of its parties: the caller's side does, as long as the dialplan has not led it elsewhere.
fn facts(channel: &Channel) -> Facts {
    match channel.state.as_str() {
        "Ring" => Facts {
            direction: Some(Direction::Inbound),
            from: party(&channel.caller.number),
            to: party(&channel.dialplan.exten).filter(|to| to.raw() != "s"),
            ..Facts::default()
        },
        "Down" | "Dialing" | "Ringing" => Facts {
            direction: Some(Direction::Outbound),
            ..Facts::default()
        },
        _ => Facts::default(),
    }
}

/// The channel's name as a call, if it is one. The two halves of a `Local` channel are Asterisk's own, unless the call was
/// placed here.
fn name(channel: &Channel) -> Option<ProviderCallId> {
    let internal = INTERNAL.iter().any(|part| channel.name.starts_with(part));
    let local = channel.name.starts_with("Local/") && channel.id.parse::<CallId>().is_err();
    if internal || local {
        return None;
    }
    ProviderCallId::parse(channel.id.as_str()).ok()
}

fn party(number: &str) -> Option<PartyNumber> {
    PartyNumber::parse(number).ok()
}
