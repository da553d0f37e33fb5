//! What the words of a text have, taken together: a section that does not find there what it looks for is done with the text.

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
