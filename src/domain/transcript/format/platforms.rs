//! Platforms whose documents say who the agent is.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use super::{
    language, role,
    turns::{Turn, Turns, Unit, When, Who, confidence, numbered, words},
};
use crate::domain::transcript::{
    Language, OFFSET_MS_MAX, SpeakerRole, Word,
    tree::{Node, Tree},
};

const AGENT: Option<SpeakerRole> = Some(SpeakerRole::Agent);
const CUSTOMER: Option<SpeakerRole> = Some(SpeakerRole::Customer);
const SYSTEM: Option<SpeakerRole> = Some(SpeakerRole::System);
/// Something that nobody said: a prompt, a tool's call and its result.
const NOT_SPOKEN: Option<SpeakerRole> = None;

/// `messages` of a call, of its `artifact`, or of the report that carries it. A message's own length is its two clock times,
/// which are milliseconds; `secondsFromStart` counts from the call's start.
pub(super) fn vapi(root: &Node<'_>, turns: &mut Turns<'_>) -> Option<Language> {
    let report = root.get("message");
    let call = if report.is_object() { &report } else { root };
    let artifact = call.get("artifact");
    let holder = if artifact.is_object() {
        &artifact
    } else {
        call
    };
    let roles = BTreeMap::from([
        ("assistant", AGENT),
        ("bot", AGENT),
        ("system", NOT_SPOKEN),
        ("tool", NOT_SPOKEN),
        ("tool_call_result", NOT_SPOKEN),
        ("tool_calls", NOT_SPOKEN),
        ("user", CUSTOMER),
    ]);
    for message in turns.list(&holder.get("messages"), "") {
        let Some(role) = role(&mut turns.faults, &message.get("role"), &roles) else {
            continue;
        };
        let when = When::Known(vapi_span(&message, turns));
        turns.take(Turn {
            who: Who::Role(role, message.get("speakerLabel").label()),
            text: message.get("message"),
            when,
            confidence: confidence(&message.get("confidence")),
            words: Vec::new(),
        });
    }
    None
}

fn vapi_span(message: &Node<'_>, turns: &mut Turns<'_>) -> Option<(u32, u32)> {
    let begin = turns.offset(&message.get("secondsFromStart"), Unit::Seconds)?;
    let clock = |name| clock_ms(message.get(name).tree);
    let length = clock("endTime")?.checked_sub(clock("time")?)?;
    let end = begin.checked_add(u32::try_from(length).ok()?)?;
    (end <= OFFSET_MS_MAX).then_some((begin, end))
}

/// A time of day in milliseconds; only the difference of two means something here.
fn clock_ms(tree: &Tree) -> Option<u64> {
    match tree {
        Tree::Whole(whole) => Some(*whole),
        Tree::Number(number) => {
            let since = Duration::try_from_secs_f64(number / 1000.0).ok()?;
            u64::try_from(since.as_millis()).ok()
        }
        _ => None,
    }
}

/// `transcript_object` of a call, or of the webhook that carries it. A turn is as long as its words.
pub(super) fn retell(root: &Node<'_>, turns: &mut Turns<'_>) -> Option<Language> {
    let wrapped = root.get("call");
    let call = if wrapped.is_object() { &wrapped } else { root };
    let roles = BTreeMap::from([
        ("agent", AGENT),
        ("transfer_target", Some(SpeakerRole::Unknown)),
        ("user", CUSTOMER),
    ]);
    for turn in turns.list(&call.get("transcript_object"), "") {
        let Some(role) = role(&mut turns.faults, &turn.get("role"), &roles) else {
            continue;
        };
        let id = (role == SpeakerRole::Unknown).then_some(Cow::Borrowed("transfer_target"));
        let words = words(
            &turn.get("words"),
            (&["word"], "start", "end"),
            Unit::Seconds,
        );
        turns.take(Turn {
            who: Who::Role(role, id),
            text: turn.get("content"),
            when: When::Known(span_of(&words)),
            confidence: None,
            words,
        });
    }
    None
}

fn span_of(words: &[Word]) -> Option<(u32, u32)> {
    let begin = words.iter().map(|word| word.begin_ms).min()?;
    let end = words.iter().map(|word| word.end_ms).max()?;
    Some((begin, end))
}

/// `transcript` of a conversation, or of the webhook that carries it. A turn has its beginning alone, in whole seconds: no
/// times.
pub(super) fn elevenlabs(root: &Node<'_>, turns: &mut Turns<'_>) -> Option<Language> {
    let data = root.get("data");
    let conversation = if data.is_object() { &data } else { root };
    let roles = BTreeMap::from([("agent", AGENT), ("user", CUSTOMER)]);
    for turn in turns.list(&conversation.get("transcript"), "") {
        let Some(role) = role(&mut turns.faults, &turn.get("role"), &roles) else {
            continue;
        };
        turns.take(Turn {
            who: Who::Role(role, None),
            text: turn.get("message"),
            when: When::Known(None),
            confidence: None,
            words: Vec::new(),
        });
    }
    language(&conversation.get("metadata").get("main_language"))
}

/// `transcripts` of a call: no times but when each was written down.
pub(super) fn bland(root: &Node<'_>, turns: &mut Turns<'_>) -> Option<Language> {
    let roles = BTreeMap::from([
        ("agent-action", NOT_SPOKEN),
        ("assistant", AGENT),
        ("robot", SYSTEM),
        ("user", CUSTOMER),
    ]);
    for turn in turns.list(&root.get("transcripts"), "") {
        let Some(role) = role(&mut turns.faults, &turn.get("user"), &roles) else {
            continue;
        };
        turns.take(Turn {
            who: Who::Role(role, None),
            text: turn.get("text"),
            when: When::Known(None),
            confidence: None,
            words: Vec::new(),
        });
    }
    None
}

/// `Transcript` with `Participants`. Who speaks is on the turn (Call Analytics), among the participants, or is the
/// participant's id itself.
pub(super) fn contact_lens(root: &Node<'_>, turns: &mut Turns<'_>) -> Option<Language> {
    let roles = BTreeMap::from([("AGENT", AGENT), ("CUSTOMER", CUSTOMER), ("SYSTEM", SYSTEM)]);
    let participants = root.get("Participants");
    let mut known = BTreeMap::new();
    if let Tree::List { items, .. } = participants.tree {
        for participant in numbered(&participants, items) {
            let id = participant.get("ParticipantId").text();
            let found = role(
                &mut turns.faults,
                &participant.get("ParticipantRole"),
                &roles,
            );
            if let (Some(id), Some(found)) = (id, found) {
                known.insert(id, found);
            }
        }
    }
    for turn in turns.list(&root.get("Transcript"), "") {
        let (own, id) = (turn.get("ParticipantRole"), turn.get("ParticipantId"));
        let listed = id.text().and_then(|id| known.get(id).copied());
        let found = match (own.is_there(), listed) {
            (false, Some(listed)) => Some(listed),
            (false, None) => role(&mut turns.faults, &id, &roles),
            (true, _) => role(&mut turns.faults, &own, &roles),
        };
        let Some(role) = found else { continue };
        let (begin, end) = (turn.get("BeginOffsetMillis"), turn.get("EndOffsetMillis"));
        turns.take(Turn {
            who: Who::Role(role, None),
            text: turn.get("Content"),
            when: When::Fields(begin, end, Unit::Milliseconds),
            confidence: None,
            words: Vec::new(),
        });
    }
    language(&root.get("LanguageCode"))
}
