//! What the words of a text have, taken together: a section that does not find there what it looks for is done with the text.

use super::{Word, Written};

/// A set of traits: of a word, of a text, or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traits(u32);

impl Traits {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// A number, written or said.
    pub const NUMBER: Self = Self(1);
    /// The sign of an address, written or said.
    pub const AT: Self = Self(1 << 1);
    /// Letters and digits in one word.
    pub const MIXED: Self = Self(1 << 2);
    /// A birth.
    pub const BIRTH: Self = Self(1 << 3);
    /// A kind of street.
    pub const STREET: Self = Self(1 << 4);
    /// What says a name that follows, or came before.
    pub const INTRODUCES: Self = Self(1 << 5);
    /// A word that begins with a capital of ASCII.
    pub const UPPER: Self = Self(1 << 6);
    /// A letter by itself.
    pub const SPELLED: Self = Self(1 << 7);
    /// An IBAN, by that name.
    pub const IBAN: Self = Self(1 << 8);
    /// What tells what a number is about.
    pub const TOPIC: Self = Self(1 << 9);
    /// What fills a pause.
    pub const FILLER: Self = Self(1 << 10);
    /// What says no.
    pub const NEGATION: Self = Self(1 << 15);
    /// What says nothing about a conversation.
    pub const COMMON: Self = Self(1 << 16);
    /// A word with an apostrophe or anything that is not ASCII.
    pub const APOSTROPHE: Self = Self(1 << 11);
    /// A value in the lexicon of sentiment.
    pub const VALUED: Self = Self(1 << 12);
    /// A value that it does not have in calls.
    pub const SERVICE: Self = Self(1 << 13);
    /// What begins a phrase that is looked for in every call.
    pub const OPENING: Self = Self(1 << 14);

    /// Whether there is any of these.
    pub fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// Both.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Adds these.
    pub fn add(&mut self, others: Self) {
        *self = self.and(others);
    }

    /// These, if so.
    #[must_use]
    pub fn only_if(self, holds: bool) -> Self {
        if holds { self } else { Self::NONE }
    }
}

/// What a word may be written with, as bits: digits alone, digits with others, and apostrophes.
const NUMBERS: u32 = 1 << Written::DIGIT.0;
const MIXED: u32 = words_with(Written::DIGIT) & !NUMBERS;
const APOSTROPHES: u32 = words_with(Written::APOSTROPHE_OR_OTHER);

/// All that words may be written with that have such a character in them.
const fn words_with(any: Written) -> u32 {
    let (mut words, mut written) = (0, 0);
    while written < Written::KINDS {
        if written & any.0 != 0 {
            words |= 1 << written;
        }
        written += 1;
    }
    words
}

/// What is seen of words, one after the other, and told of all of them at once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    known: Traits,
    /// A bit for all that a word is written with.
    written: u32,
    /// What words begin with.
    begins: Written,
    /// What words of one byte are.
    single: Written,
}

impl Sum {
    /// Sees a word; `begins` is what its first character is written with.
    #[inline]
    pub(super) fn add(&mut self, word: &Word, begins: Written) {
        let is_single = word.end - word.begin == 1;
        self.known.add(word.known.traits);
        self.written |= 1 << (word.written.0 % Written::KINDS);
        self.begins.add(begins);
        self.single.add(begins.only_if(is_single));
    }

    /// Sees what is known of a part.
    pub(super) fn add_known(&mut self, known: Traits) {
        self.known.add(known);
    }

    /// What a text has that has these words.
    pub(super) fn traits(self) -> Traits {
        let has_one = |of: u32| self.written & of != 0;
        let is_letter = Written::SMALL.and(Written::CAPITAL);
        self.known
            .and(Traits::NUMBER.only_if(has_one(NUMBERS)))
            .and(Traits::MIXED.only_if(has_one(MIXED)))
            .and(Traits::APOSTROPHE.only_if(has_one(APOSTROPHES)))
            .and(Traits::SPELLED.only_if(self.single.has(is_letter)))
            .and(Traits::UPPER.only_if(self.begins.has(Written::CAPITAL)))
    }
}
