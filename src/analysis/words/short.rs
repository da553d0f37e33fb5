//! Short words as numbers: what a word is made of is seen eight bytes at a time, and to look it up takes one comparison.

use super::Written;

/// A word of fewer bytes is short.
pub(super) const BYTES: usize = 2 * HALF;
/// So many are looked at together.
const HALF: usize = 8;

/// What a byte is written with that is outside of words: a bit that [`Written`] does not use.
const OUTSIDE: u8 = 0x80;
/// The lowest bit of each byte.
const LOWEST: u64 = u64::from_ne_bytes([1; HALF]);

/// What a byte is written with, or that it is outside of words. Without a branch, so that the compiler does sixteen bytes at once.
pub(super) fn written(byte: u8) -> u8 {
    let Written(written) = Written::of(byte);
    written | (OUTSIDE * u8::from(written == 0))
}

/// Whether a byte is outside of words, by what it is [`written`] with.
pub(super) fn is_outside(written: u8) -> bool {
    written == OUTSIDE
}

/// What a short word of ASCII is written with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    /// 0 if no word begins here; [`BYTES`] if it may be longer.
    pub(super) length: usize,
    pub(super) written: Written,
    /// What its first byte is written with.
    pub(super) begins: Written,
}

impl Found {
    /// The word that begins with the first of these bytes, by what each is [`written`] with. What stands directly behind it is ASCII.
    #[inline]
    pub(super) fn first(written: &[u8; BYTES]) -> Self {
        let (low, high) = halves(written);
        let (low_length, mut all) = inside(low);
        let [begins, ..] = all.to_le_bytes();
        let mut length = low_length;
        if low_length == HALF {
            let (high_length, high) = inside(high);
            length += high_length;
            all |= high;
        }
        // All eight into the lowest.
        all |= all >> 32;
        all |= all >> 16;
        all |= all >> 8;
        let [written, ..] = all.to_le_bytes();
        Self {
            length,
            written: Written(written),
            begins: Written(begins),
        }
    }
}

/// How many bytes stand before the first that is outside of words, and these bytes alone.
#[inline]
fn inside(written: u64) -> (usize, u64) {
    let outside = written >> OUTSIDE.trailing_zeros() & LOWEST;
    let length = outside.trailing_zeros() / u8::BITS;
    let before = outside.wrapping_sub(1) & !outside;
    (usize::try_from(length).unwrap_or(HALF), written & before)
}

/// The first eight bytes, and the others; the first of each is lowest.
#[inline]
fn halves(bytes: &[u8; BYTES]) -> (u64, u64) {
    let half = |bytes: Option<&[u8; HALF]>| bytes.copied().map_or(0, u64::from_le_bytes);
    (half(bytes.first_chunk()), half(bytes.last_chunk()))
}

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
        Self::first(&bytes, word.len())
    }

    /// The word with which a text in lower case begins, by its length, unless it is long.
    #[inline]
    pub(super) fn first(text: &[u8; BYTES], length: usize) -> Option<Self> {
        let (low, high) = halves(text);
        let bytes = |count: usize| !(u64::MAX << (u8::BITS * u32::try_from(count).unwrap_or(0)));
        match length {
            0..HALF => Some(Self {
                low: low & bytes(length),
                high: 0,
            }),
            HALF..BYTES => Some(Self {
                low,
                high: high & bytes(length - HALF),
            }),
            _ => None,
        }
    }

    /// Whether it is the same: one comparison of both halves, and not a second that depends on the first.
    #[inline]
    pub(super) fn is(self, other: Self) -> bool {
        (self.low ^ other.low) | (self.high ^ other.high) == 0
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

#[cfg(test)]
mod tests {
    use super::{BYTES, Found, Short, Written, written};

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
                " \u{e9}azazazazaz0909",
                "@`{[/:azazazazaz09",
                "\u{7f}AAAAAAAAAAAAAAA",
            ] {
                let text = format!("{word}{behind}");
                let each: Vec<u8> = text.bytes().map(written).collect();
                let found = Found::first(each.first_chunk().unwrap());
                assert_eq!(found.length, word.len(), "{text}");
                let mut all = Written::default();
                word.bytes().for_each(|byte| all.add(Written::of(byte)));
                assert_eq!(found.written, all, "{text}");
                let short = Short::first(text.as_bytes().first_chunk().unwrap(), word.len());
                assert_eq!(short, Short::of(word.as_bytes()), "{text}");
            }
        }
        assert_eq!(Found::first(&[written(b'a'); BYTES]).length, BYTES);
    }
}
