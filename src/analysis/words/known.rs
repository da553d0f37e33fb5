//! What the sections know of words, in one table: it is asked once for each word that is said.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use foldhash::fast::FixedState;

use super::{Traits, short::Short};
use crate::analysis::{
    highlights, key_phrases, privacy::vocabulary, sentiment::vader::lexicon, timing, voicemail,
};

/// What is known of a word in lower case.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What VADER knows.
    pub(in crate::analysis) tone: lexicon::Entry,
    /// What tells personal data; nothing of a word with digits, which is a number or a code.
    pub(in crate::analysis) privacy: vocabulary::Known,
    /// What a text has that has the word.
    pub traits: Traits,
}

/// Of most words nothing is known.
pub static UNKNOWN: Known = Known {
    tone: lexicon::Entry::NOTHING,
    privacy: vocabulary::Known::NOTHING,
    traits: Traits::NONE,
};

/// There are twice as many places as short words, and half as many groups.
const PLACES: usize = 1 << 14;
const GROUPS: usize = 1 << 12;

// Nobody outside chooses its words: where they stand need not be a secret.
static KNOWN: LazyLock<Table> = LazyLock::new(Table::new);

/// What is known of words. Nearly all of them are short, and a short word has one place where it can stand: to look there is
/// one step without a branch that would have to be guessed.
pub(super) struct Table {
    /// By group: what brings each word of the group to a place of its own.
    shifts: Box<[u16; GROUPS]>,
    /// By place. No word stands in the first.
    short: Box<[Short; PLACES]>,
    known: Box<[Known; PLACES]>,
    long: HashMap<&'static str, Known, FixedState>,
}

impl Table {
    fn new() -> Self {
        let mut long: HashMap<&'static str, Known, FixedState> = HashMap::default();
        let mut groups: Vec<Vec<(Short, Known)>> = vec![Vec::new(); GROUPS];
        for (word, known) in known() {
            if let Some(word) = Short::of(word.as_bytes()) {
                let group = groups.get_mut(word.spread().group::<GROUPS>());
                group.expect("each is in a group").push((word, known));
            } else {
                long.insert(word, known);
            }
        }
        let mut table = Self {
            shifts: boxed(0),
            short: boxed(Short::NONE),
            known: boxed(UNKNOWN),
            long,
        };
        // The largest first: they find it hardest.
        let mut groups: Vec<(usize, Vec<(Short, Known)>)> =
            groups.into_iter().enumerate().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
        for (at, group) in groups {
            let shift = (0..u16::MAX).find(|shift| table.put(&group, *shift));
            if let Some(own) = table.shifts.get_mut(at) {
                *own = shift.expect("one of so many shifts brings them apart");
            }
        }
        table
    }

    /// Puts the words of a group where this shift brings them, if all these places are free and no two the same.
    fn put(&mut self, group: &[(Short, Known)], shift: u16) -> bool {
        let mut places: Vec<usize> = Vec::with_capacity(group.len());
        for (word, _) in group {
            let place = word.spread().place::<PLACES>(shift);
            let is_free = self.short.get(place) == Some(&Short::NONE) && place != 0;
            if !is_free || places.contains(&place) {
                return false;
            }
            places.push(place);
        }
        for (place, (word, known)) in places.into_iter().zip(group) {
            if let (Some(own), Some(of_it)) = (self.short.get_mut(place), self.known.get_mut(place))
            {
                (*own, *of_it) = (*word, *known);
            }
        }
        true
    }

    /// What is known of a short word.
    #[inline]
    pub(super) fn short(&self, word: Short) -> &Known {
        let spread = word.spread();
        let shift = self.shifts.get(spread.group::<GROUPS>()).copied();
        let place = spread.place::<PLACES>(shift.unwrap_or_default());
        let is_it = self.short.get(place).is_some_and(|own| own.is(word));
        self.known
            .get(place * usize::from(is_it))
            .unwrap_or(&UNKNOWN)
    }
}

fn boxed<T: Clone + std::fmt::Debug, const COUNT: usize>(one: T) -> Box<[T; COUNT]> {
    let all = vec![one; COUNT].into_boxed_slice();
    all.try_into().expect("there are so many")
}

/// What is known of a word in lower case.
pub fn look_up(word: &str) -> &'static Known {
    match Short::of(word.as_bytes()) {
        Some(_) if word.contains('\0') => &UNKNOWN,
        Some(word) => KNOWN.short(word),
        None => KNOWN.long.get(word).unwrap_or(&UNKNOWN),
    }
}

/// The table.
pub(super) fn table() -> &'static Table {
    &KNOWN
}

fn known() -> BTreeMap<&'static str, Known> {
    let mut known: BTreeMap<&'static str, Known> = BTreeMap::new();
    for (word, entry) in lexicon::words() {
        let known = known.entry(word).or_insert(UNKNOWN);
        known.tone = entry;
        known.traits.add(entry.traits());
    }
    for (word, entry) in vocabulary::words() {
        if !word.contains(|character: char| character.is_ascii_digit()) {
            let known = known.entry(word).or_insert(UNKNOWN);
            known.privacy = entry;
            known.traits.add(entry.traits());
        }
    }
    let mut add = |word, traits| known.entry(word).or_insert(UNKNOWN).traits.add(traits);
    for word in key_phrases::COMMON.split_whitespace() {
        add(word, Traits::COMMON);
    }
    for word in highlights::openings().chain(voicemail::openings()) {
        add(word, Traits::OPENING);
    }
    for word in timing::FILLERS {
        add(word, Traits::FILLER);
    }
    for word in timing::NEGATIONS {
        add(word, Traits::NEGATION);
    }
    known
}

#[cfg(test)]
mod tests {
    use super::{Known, UNKNOWN, known, look_up};

    #[test]
    fn every_word_that_is_known_is_found() {
        let shown = |known: &Known| format!("{known:?}");
        for (word, known) in known() {
            assert_eq!(shown(look_up(word)), shown(&known), "{word}");
        }
        for word in ["", "\0", "good\0", "goo", "goodd", "unfathomablenesses"] {
            assert_eq!(shown(look_up(word)), shown(&UNKNOWN), "{word}");
        }
    }
}
