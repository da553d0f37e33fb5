//! Services that tell speakers apart by channel, number or letter; the caller says whose they are.

use std::collections::BTreeSet;

use super::{
    language,
    turns::{Turn, Turns, Unit, When, Who, confidence, numbered, words},
};
use crate::domain::transcript::{
    Language,
    tree::{Node, Tree},
};

/// `results.utterances`. With several channels the channel tells who speaks, else the speaker's number, if there is one.
pub(super) fn deepgram(root: &Node<'_>, turns: &mut Turns<'_>) -> Option<Language> {
    let results = root.get("results");
    let utterances = turns.list(&results.get("utterances"), ": ask with `utterances=true`");
    let channels: BTreeSet<_> = utterances
        .iter()
        .filter_map(|turn| turn.get("channel").label())
        .collect();
    let by = if channels.len() > 1 {
        "channel"
    } else {
        "speaker"
    };
    for turn in utterances {
        turns.take(Turn {
            who: Who::Label(turn.get(by).label()),
            text: turn.get("transcript"),
            when: When::Fields(turn.get("start"), turn.get("end"), Unit::Seconds),
            confidence: confidence(&turn.get("confidence")),
            words: words(
                &turn.get("words"),
                (&["punctuated_word", "word"], "start", "end"),
                Unit::Seconds,
            ),
        });
    }
    let channels = results.get("channels");
    let Tree::List { items, .. } = channels.tree else {
        return None;
    };
    let first = numbered(&channels, items.get(..1)?).pop()?;
    language(&first.get("detected_language"))
}

/// `utterances`, whose speaker is a letter, or the channel where there are several.
pub(super) fn assemblyai(root: &Node<'_>, turns: &mut Turns<'_>) -> Option<Language> {
    let remedy = ": ask with `speaker_labels` or `multichannel`";
    for turn in turns.list(&root.get("utterances"), remedy) {
        let speaker = turn.get("speaker").label();
        turns.take(Turn {
            who: Who::Label(speaker.or_else(|| turn.get("channel").label())),
            text: turn.get("text"),
            when: When::Fields(turn.get("start"), turn.get("end"), Unit::Milliseconds),
            confidence: confidence(&turn.get("confidence")),
            words: words(
                &turn.get("words"),
                (&["text"], "start", "end"),
                Unit::Milliseconds,
            ),
        });
    }
    language(&root.get("language_code"))
}

/// `sentences`, whose speaker is the channel.
pub(super) fn twilio(root: &Node<'_>, turns: &mut Turns<'_>) -> Option<Language> {
    for turn in turns.list(&root.get("sentences"), "") {
        turns.take(Turn {
            who: Who::Label(turn.get("media_channel").label()),
            text: turn.get("transcript"),
            when: When::Fields(turn.get("start_time"), turn.get("end_time"), Unit::Seconds),
            confidence: confidence(&turn.get("confidence")),
            words: words(
                &turn.get("words"),
                (&["word"], "start_time", "end_time"),
                Unit::Seconds,
            ),
        });
    }
    None
}
