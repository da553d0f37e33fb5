//! Card numbers: a length and a beginning that an issuer has, and Luhn's sum.

use super::runs::Piece;

/// How many digits a card's number has.
pub(super) const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// The first pieces that are a card's number: a length and a beginning that an issuer has, and Luhn's sum.
pub(super) fn card(pieces: &[Piece<'_>]) -> Option<(usize, usize)> {
    let total: usize = pieces.iter().map(|piece| piece.digits.count()).sum();
    if total < *CARD_DIGITS.start() {
        return None;
    }
    (0..pieces.len()).find_map(|from| {
        let mut digits: Vec<u8> = Vec::new();
        let mut ends = Vec::new();
        for (at, piece) in pieces.iter().enumerate().skip(from) {
            digits.extend(piece.digits.values());
            if digits.len() > *CARD_DIGITS.end() {
                break;
            }
            if is_card(&digits) {
                ends.push((digits.len(), at + 1));
            }
        }
        // Sixteen first: a shorter or longer part may have a right sum by chance.
        let best = ends
            .iter()
            .find(|(length, _)| *length == 16)
            .or(ends.last());
        best.map(|(_, until)| (from, *until))
    })
}

fn is_card(digits: &[u8]) -> bool {
    is_issued(digits) && luhn(digits)
}

/// Whether an issuer has numbers of this length that begin like this.
fn is_issued(digits: &[u8]) -> bool {
    let lead = |count: usize| {
        let digits = digits.iter().take(count);
        digits.fold(0_u32, |lead, digit| lead * 10 + u32::from(*digit))
    };
    matches!(
        (digits.len(), lead(4), lead(2)),
        (13 | 16 | 19, 4000..=4999, _)
            | (16, 2221..=2720, _)
            | (16, _, 51..=55)
            | (15, _, 34 | 37)
            | (14..=19, _, 30 | 36 | 38 | 39)
            | (16..=19, 3528..=3589 | 6011 | 6440..=6599, _)
            | (16..=19, _, 62)
            | (13..=19, _, 50 | 56..=58 | 63 | 67)
    )
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(*digit);
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, twice) if twice > 9 => twice - 9,
                (_, twice) => twice,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}
