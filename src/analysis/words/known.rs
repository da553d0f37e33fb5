//! What the sections know of words, in one table: it is asked once for each word that is said.

use std::{collections::HashMap, sync::LazyLock};

use foldhash::fast::FixedState;

use crate::analysis::{key_phrases, privacy::vocabulary, sentiment::vader::lexicon, timing};

/// What is known of a word in lower case.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// What VADER knows.
    pub(in crate::analysis) tone: lexicon::Entry,
    /// What tells personal data.
    pub(in crate::analysis) privacy: vocabulary::Known,
    /// It says nothing about a conversation.
    pub is_common: bool,
    /// It fills a pause.
    pub is_filler: bool,
    /// It says no.
    pub is_negation: bool,
}

/// Of most words nothing is known.
pub static UNKNOWN: Known = Known {
    tone: lexicon::Entry::NOTHING,
    privacy: vocabulary::Known::NOTHING,
    is_common: false,
    is_filler: false,
    is_negation: false,
};

// Nobody outside chooses its words: what the hash is seeded with need not be a secret.
static KNOWN: LazyLock<HashMap<&'static str, Known, FixedState>> = LazyLock::new(known);

/// What is known of a word in lower case.
pub fn look_up(word: &str) -> &'static Known {
    KNOWN.get(word).unwrap_or(&UNKNOWN)
}

fn known() -> HashMap<&'static str, Known, FixedState> {
    let mut known: HashMap<&'static str, Known, FixedState> = HashMap::default();
    for (word, entry) in lexicon::words() {
        known.entry(word).or_insert(UNKNOWN).tone = entry;
    }
    for (word, entry) in vocabulary::words() {
        known.entry(word).or_insert(UNKNOWN).privacy = entry;
    }
    for word in key_phrases::COMMON.split_whitespace() {
        known.entry(word).or_insert(UNKNOWN).is_common = true;
    }
    for word in timing::FILLERS {
        known.entry(word).or_insert(UNKNOWN).is_filler = true;
    }
    for word in timing::NEGATIONS {
        known.entry(word).or_insert(UNKNOWN).is_negation = true;
    }
    known
}
