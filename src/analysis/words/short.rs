//! Short words as numbers: what a word is made of is seen eight bytes at a time, and to look it up takes one comparison.

use super::Written;

/// A word of fewer bytes is short.
pub(super) const BYTES: usize = 2 * HALF;
/// So many are looked at together.
const HALF: usize = 8;

/// The highest bit of each byte.
const HIGHEST: u64 = u64::from_ne_bytes([0x80; HALF]);
/// How much higher that is than the bit in which the two cases of a letter differ.
const CASE: u32 = 2;

/// A short word in lower case: its bytes as two numbers, the first byte lowest, and nothing after the last. A word has no NUL
/// in it, so that no other word is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    low: u64,
    high: u64,
}

impl Short {
    /// No word.
    pub(super) const NONE: Self = Self { low: 0, high: 0 };

    /// A word, unless it is long.
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        let mut bytes = [0; BYTES];
        bytes.get_mut(..word.len())?.copy_from_slice(word);
        let (low, high) = bytes.split_first_chunk()?;
        let short = Self {
            low: u64::from_le_bytes(*low),
            high: u64::from_le_bytes(*high.first_chunk()?),
        };
        (word.len() < BYTES).then_some(short)
    }

    /// Mixes the bits.
    #[inline]
    pub(super) fn spread(self) -> Spread {
        let mixed = self.low.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ self.high.wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        Spread(mixed ^ mixed >> 32)
    }
}

/// A short word's bits, mixed: where it may stand in a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread(u64);

impl Spread {
    /// Its group, of so many.
    #[inline]
    pub(super) fn group<const GROUPS: usize>(self) -> usize {
        usize::try_from(self.0).unwrap_or(0) % GROUPS
    }

    /// Its place, of so many, with its group's shift.
    #[inline]
    pub(super) fn place<const PLACES: usize>(self, shift: u16) -> usize {
        let shifted = self.0.wrapping_mul(2 * u64::from(shift) + 1);
        usize::try_from(shifted >> 40).unwrap_or(0) % PLACES
    }
}

/// The short word that a text begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) word: Short,
    pub(super) length: usize,
    pub(super) written: Written,
    /// An apostrophe stands behind it: it may go on.
    pub(super) has_apostrophe: bool,
}

impl Found {
    /// The word of letters and digits of ASCII with which a text begins; `lowered` is the same in lower case. `None` if it is
    /// long, or there is not enough behind it. A character that is not ASCII may stand behind it, but not in it.
    #[inline]
    pub(super) fn first(text: &[u8; BYTES], lowered: &[u8; BYTES]) -> Option<Self> {
        let low = Half::of(*text.first_chunk()?, *lowered.first_chunk()?);
        let (high, length, written) = if low.length < HALF {
            (0, low.length, low.written)
        } else {
            let high = Half::of(*text.last_chunk()?, *lowered.last_chunk()?);
            if high.length == HALF {
                return None;
            }
            let written = low.written.and(high.written);
            (high.word, HALF + high.length, written)
        };
        let word = Short {
            low: low.word,
            high,
        };
        Some(Self {
            word,
            length,
            written,
            has_apostrophe: text.get(length) == Some(&b'\''),
        })
    }
}

/// As much of a word as stands in eight bytes.
struct Half {
    word: u64,
    length: usize,
    written: Written,
}

impl Half {
    #[inline]
    fn of(text: [u8; HALF], lowered: [u8; HALF]) -> Self {
        let (text, lowered) = (u64::from_le_bytes(text), u64::from_le_bytes(lowered));
        let letters = between(lowered, b'a', b'z');
        let digits = between(lowered, b'0', b'9');
        let others = !(letters | digits) & HIGHEST;
        // All bits below the byte of the first that is no part of the word.
        let word = match others {
            0 => u64::MAX,
            others => (others ^ (others - 1)) >> u8::BITS,
        };
        let capitals = text ^ lowered;
        Self {
            word: lowered & word,
            length: usize::try_from(others.trailing_zeros() / u8::BITS).unwrap_or(HALF),
            written: Written::SMALL
                .only_if(letters >> CASE & !capitals & word != 0)
                .and(Written::CAPITAL.only_if(capitals & word != 0))
                .and(Written::DIGIT.only_if(digits & word != 0)),
        }
    }
}

/// The highest bit of each byte from one to another. What is carried out of a byte that is not ASCII reaches only those behind it.
#[inline]
fn between(bytes: u64, from: u8, until: u8) -> u64 {
    let at_least = |least: u8| bytes.wrapping_add(u64::from_ne_bytes([0x80 - least; HALF]));
    at_least(from) & !at_least(until + 1) & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::{BYTES, Found, Short, Written};

    #[test]
    fn a_word_is_found_whatever_stands_behind_it() {
        let first =
            |length: usize| move |letters: &str| letters.chars().take(length).collect::<String>();
        let words = (0..BYTES).flat_map(|length| {
            ["azbycxdwevfugth", "0189azAZ5mMqQ19", "ZAYBXCWDVEUFTGS"].map(first(length))
        });
        for word in words {
            for behind in [
                "                ",
                "\u{e9}azazazazazaz0909",
                "@`{[/:azazazazaz09",
                "\u{7f}AAAAAAAAAAAAAAA",
            ] {
                let text = format!("{word}{behind}");
                let lowered = text.to_ascii_lowercase();
                let (text_bytes, lowered_bytes) = (text.as_bytes(), lowered.as_bytes());
                let (text_bytes, lowered_bytes) =
                    (text_bytes.first_chunk(), lowered_bytes.first_chunk());
                let found = Found::first(text_bytes.unwrap(), lowered_bytes.unwrap()).unwrap();
                assert_eq!(found.length, word.len(), "{text}");
                assert_eq!(
                    Some(found.word),
                    Short::of(&lowered.as_bytes()[..word.len()])
                );
                let mut written = Written::default();
                word.bytes().for_each(|byte| written.add(Written::of(byte)));
                assert_eq!(found.written, written, "{text}");
            }
        }
        let long = [b'a'; BYTES];
        assert!(Found::first(&long, &long).is_none());
    }
}
