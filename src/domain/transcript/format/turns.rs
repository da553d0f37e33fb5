//! Makes utterances of the turns that a format found, within the bounds of a transcript.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use super::Hints;
use crate::domain::{
    text::Text,
    transcript::{
        OFFSET_MS_MAX, PARTICIPANTS_MAX, SpeakerRole, UTTERANCES_MAX, Utterance, WORDS_MAX, Word,
        draft::Faults,
        tree::{Node, Tree},
    },
};

/// In what a platform counts time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Seconds, with a fraction.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// Who speaks.
#[derive(Debug, Clone)]
pub(super) enum Who<'a> {
    /// The platform says which role it is.
    Role(SpeakerRole, Option<Cow<'a, str>>),
    /// The platform has a letter, a number or a name.
    Label(Option<Cow<'a, str>>),
}

/// When.
#[derive(Debug, Clone)]
pub(super) enum When<'a> {
    /// From one field to another.
    Fields(Node<'a>, Node<'a>, Unit),
    /// As computed.
    Known(Option<(u32, u32)>),
}

/// One turn of a document, in its own terms.
#[derive(Debug, Clone)]
pub(super) struct Turn<'a> {
    /// Who speaks.
    pub(super) who: Who<'a>,
    /// What is said. A turn in which nothing is said is left out.
    pub(super) text: Node<'a>,
    /// When.
    pub(super) when: When<'a>,
    /// How sure the platform is; only a number from 0 to 1 is taken.
    pub(super) confidence: Option<f64>,
    /// Its words, and what each one's fields are called.
    pub(super) words: Vec<Word>,
}

/// The turns found so far.
pub(super) struct Turns<'h> {
    /// What is wrong.
    pub(super) faults: Faults,
    hints: &'h Hints,
    spoken: Vec<(Utterance, bool)>,
    participants: BTreeSet<String>,
}

/// All utterances, with times or without: a transcript in which one turn has none has none.
pub(super) enum Utterances {
    /// Each has its times.
    Timed(Vec<Utterance>),
    /// None has, they are in the document's order.
    Untimed(Vec<Utterance>),
}

/// What came of a document.
pub(super) struct Found {
    /// What is wrong with it.
    pub(super) faults: Faults,
    /// What was said.
    pub(super) utterances: Utterances,
}

impl<'h> Turns<'h> {
    pub(super) fn new(hints: &'h Hints) -> Self {
        Self {
            faults: Faults::default(),
            hints,
            spoken: Vec::new(),
            participants: BTreeSet::new(),
        }
    }

    /// The items of a list that must be there; `remedy` says what to ask the platform for.
    pub(super) fn list<'a>(&mut self, node: &Node<'a>, remedy: &str) -> Vec<Node<'a>> {
        match node.tree {
            Tree::List { too_many: true, .. } => {
                let message = format!("must have at most {UTTERANCES_MAX} items");
                self.faults.add(node.path.clone(), "too_long", message);
            }
            Tree::List { items, .. } if items.is_empty() => {
                self.faults
                    .invalid(node.path.clone(), "must have at least one item");
            }
            Tree::List { items, .. } => return numbered(node, items),
            Tree::Absent => {
                let message = format!("is required{remedy}");
                self.faults.add(node.path.clone(), "missing", message);
            }
            _ => self.faults.invalid(node.path.clone(), "must be an array"),
        }
        Vec::new()
    }

    /// Takes a turn.
    pub(super) fn take(&mut self, turn: Turn<'_>) {
        let before = self.faults.count();
        let text = match turn.text.tree {
            Tree::Absent => return,
            Tree::Text(text) if text.trim().is_empty() => return,
            Tree::Text(text) => self.faults.filled(turn.text.path.clone(), text.trim()),
            _ => {
                self.faults
                    .invalid(turn.text.path.clone(), "must be a string");
                None
            }
        };
        let span = match turn.when {
            When::Fields(begin, end, unit) => self.span(&begin, &end, unit),
            When::Known(span) => span,
        };
        let (speaker, participant_id) = self.speaker(turn.who, &turn.text.path);
        let words = turn.words;
        if words.len() > WORDS_MAX {
            let message = format!("has more than {WORDS_MAX} words");
            self.faults.add(turn.text.path.clone(), "too_long", message);
        }
        let Some(text) = text.filter(|_| self.faults.count() == before) else {
            return;
        };
        let (begin_ms, end_ms) = span.unwrap_or_default();
        let utterance = Utterance {
            speaker,
            participant_id,
            text,
            begin_ms,
            end_ms,
            confidence: turn.confidence,
            words,
        };
        let is_new = self.participants.insert(utterance.participant().to_owned());
        if is_new && self.participants.len() > PARTICIPANTS_MAX {
            let message =
                format!("is by one too many: at most {PARTICIPANTS_MAX} different participants");
            self.faults.invalid(turn.text.path, message);
        }
        self.spoken.push((utterance, span.is_some()));
    }

    /// What came of it all. `turns` is the list that the utterances came from.
    pub(super) fn finish(mut self) -> Found {
        if self.spoken.is_empty() && self.faults.count() == 0 {
            self.faults
                .invalid("body", "has no turn in which anything is said");
        }
        let timed = self.spoken.iter().all(|(_, timed)| *timed);
        let utterances = self.spoken.into_iter().map(|(utterance, _)| utterance);
        Found {
            faults: self.faults,
            utterances: if timed {
                Utterances::Timed(utterances.collect())
            } else {
                Utterances::Untimed(utterances.collect())
            },
        }
    }

    fn speaker(&mut self, who: Who<'_>, path: &str) -> (SpeakerRole, Option<Text<64>>) {
        let (role, id) = match who {
            Who::Role(role, id) => (role, id),
            Who::Label(label) => (self.role_of(label.as_deref()), label),
        };
        let Some(id) = id.filter(|id| !id.trim().is_empty()) else {
            return (role, None);
        };
        match Text::parse(id) {
            // The name of a role says nothing more than the role.
            Ok(id) if SpeakerRole::of_name(id.as_str()).is_some() => (role, None),
            Ok(id) => (role, Some(id)),
            Err(error) => {
                let message = format!("is by a speaker whose name {error}");
                self.faults.invalid(path, message);
                (role, None)
            }
        }
    }

    /// The role of who has this label: as the caller says, or the role that it names.
    fn role_of(&self, label: Option<&str>) -> SpeakerRole {
        let Some(label) = label else {
            return SpeakerRole::Unknown;
        };
        let is = |name: &Option<Text<64>>| name.as_ref().is_some_and(|name| name.as_str() == label);
        if is(&self.hints.agent) {
            SpeakerRole::Agent
        } else if is(&self.hints.customer) {
            SpeakerRole::Customer
        } else {
            SpeakerRole::of_name(label).unwrap_or(SpeakerRole::Unknown)
        }
    }

    /// Both times, or none. A turn with one of them has none.
    fn span(&mut self, begin: &Node<'_>, end: &Node<'_>, unit: Unit) -> Option<(u32, u32)> {
        let (from, to) = (self.offset(begin, unit), self.offset(end, unit));
        let (from, to) = (from?, to?);
        if to < from {
            let message = format!("must not be before {}", begin.path);
            self.faults.invalid(end.path.clone(), message);
            return None;
        }
        Some((from, to))
    }

    /// A time in milliseconds; absent is no fault.
    pub(super) fn offset(&mut self, node: &Node<'_>, unit: Unit) -> Option<u32> {
        if !node.is_there() {
            return None;
        }
        let offset = milliseconds(node.tree, unit).filter(|offset| *offset <= OFFSET_MS_MAX);
        if offset.is_none() {
            let bound = match unit {
                Unit::Seconds => format!("{} seconds", OFFSET_MS_MAX / 1000),
                Unit::Milliseconds => format!("{OFFSET_MS_MAX} milliseconds"),
            };
            let message = format!("must be a number from 0 to {bound} (a week)");
            self.faults.invalid(node.path.clone(), message);
        }
        offset
    }
}

/// The items with their paths.
pub(super) fn numbered<'a>(node: &Node<'a>, items: &'a [Tree]) -> Vec<Node<'a>> {
    let items = items.iter().enumerate();
    items
        .map(|(index, tree)| Node {
            tree,
            path: format!("{}[{index}]", node.path),
        })
        .collect()
}

/// The words of a turn that have a text and both times; others say nothing that the turn does not.
pub(super) fn words(
    list: &Node<'_>,
    (text, begin, end): (&[&str], &str, &str),
    unit: Unit,
) -> Vec<Word> {
    let Tree::List { items, .. } = list.tree else {
        return Vec::new();
    };
    let word = |node: Node<'_>| {
        let said = text.iter().find_map(|name| node.get(name).text())?;
        let offset = |name| {
            milliseconds(node.get(name).tree, unit).filter(|offset| *offset <= OFFSET_MS_MAX)
        };
        let (begin_ms, end_ms) = (offset(begin)?, offset(end)?);
        let text = Text::parse(said.trim())
            .ok()
            .filter(|text| !text.as_str().is_empty())?;
        (begin_ms <= end_ms).then(|| Word {
            text,
            begin_ms,
            end_ms,
            confidence: confidence(&node.get("confidence")),
        })
    };
    numbered(list, items).into_iter().filter_map(word).collect()
}

/// How sure a platform is, where it says so from 0 to 1.
pub(super) fn confidence(node: &Node<'_>) -> Option<f64> {
    let sure = match node.tree {
        Tree::Whole(0) => 0.0,
        Tree::Whole(1) => 1.0,
        Tree::Number(number) => *number,
        Tree::Text(text) => text.parse().ok()?,
        _ => return None,
    };
    (0.0..=1.0).contains(&sure).then_some(sure)
}

/// A time in whole milliseconds, to the nearest.
pub(super) fn milliseconds(tree: &Tree, unit: Unit) -> Option<u32> {
    let exact = match (tree, unit) {
        (Tree::Whole(whole), Unit::Seconds) => return u32::try_from(whole.checked_mul(1000)?).ok(),
        (Tree::Whole(whole), Unit::Milliseconds) => return u32::try_from(*whole).ok(),
        (Tree::Number(number), _) => *number,
        // Twilio's API writes decimals as text in places.
        (Tree::Text(text), _) => text.parse().ok()?,
        _ => return None,
    };
    let exact = match unit {
        Unit::Seconds => Duration::try_from_secs_f64(exact).ok()?,
        Unit::Milliseconds => Duration::try_from_secs_f64(exact / 1000.0).ok()?,
    };
    u32::try_from((exact + Duration::from_micros(500)).as_millis()).ok()
}
