//! IBANs: a country, its length, and the checksum.

use super::{
    PiiSpan,
    tokens::{Said, Shape, Token},
    vocabulary::Spoken,
};
use crate::{
    analysis::words::{Traits, Word, Written},
    domain::analysis::privacy::EntityType,
};

/// How many turns before it an IBAN may have been asked for.
const TOPIC_TURNS_MAX: usize = 3;

/// No IBAN has more characters.
const CHARACTERS_MAX: usize = 34;
const DIGITS: &str = "0123456789";

/// The countries that have IBANs, and how many characters theirs have.
const IBAN_LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 \
    DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 \
    JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 \
    PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 \
    XK20 YE30";

/// Adds the IBANs of a turn.
pub(super) fn find(said: &[Said<'_>], turn: usize, found: &mut Vec<PiiSpan>) {
    let Some(now) = said.get(turn) else {
        return;
    };
    let may = now.traits.has(Traits::MIXED)
        || (now.traits.has(Traits::SPELLED) && now.traits.has(Traits::NUMBER));
    if !may {
        return;
    }
    let is_told = now.traits.has(Traits::IBAN)
        || said
            .get(turn.saturating_sub(TOPIC_TURNS_MAX)..turn)
            .is_some_and(|before| before.iter().any(|said| said.traits.has(Traits::IBAN)));
    let mut at = 0;
    while let Some(word) = now.word(at) {
        let may_be = may_be_code(word, is_told);
        match may_be.then(|| iban(now, at, is_told)).flatten() {
            Some((until, begin, end)) => {
                found.push(PiiSpan {
                    turn,
                    begin,
                    end,
                    entity: EntityType::InternationalBankAccountNumber,
                });
                at = until;
            }
            None => at += 1,
        }
    }
}

/// Whether a word is none of the many with which no IBAN begins: words in small letters, and numbers.
fn may_be_code(word: &Word, is_told: bool) -> bool {
    let is_word = word.written.has(Written::SMALL) && !word.written.has(Written::DIGIT);
    let bytes = word.end - word.begin;
    word.written != Written::DIGIT && (!is_word || bytes == 1 || (is_told && bytes == 4))
}

/// What may become an IBAN: its characters so far, in capitals.
struct Code {
    characters: [u8; CHARACTERS_MAX],
    length: usize,
}

impl Code {
    /// Adds characters; `None` if they are more than any IBAN has.
    fn push(&mut self, text: &str) -> Option<()> {
        let until = self.length + text.len();
        let free = self.characters.get_mut(self.length..until)?;
        free.copy_from_slice(text.as_bytes());
        free.make_ascii_uppercase();
        self.length = until;
        Some(())
    }

    fn as_bytes(&self) -> &[u8] {
        self.characters.get(..self.length).unwrap_or_default()
    }
}

/// The IBAN that begins at a token: the token after it, and its place.
fn iban(said: &Said<'_>, from: usize, is_told: bool) -> Option<(usize, usize, usize)> {
    if !may_begin(&said.token(from)?, is_told) {
        return None;
    }
    let mut code = Code {
        characters: [0; CHARACTERS_MAX],
        length: 0,
    };
    let mut length = None;
    for at in from..said.len() {
        let token = said.token(at)?;
        let gap = said.gap(at);
        if at > from && (gap.len() > 2 || !gap.chars().all(|c| matches!(c, ' ' | '-' | ','))) {
            return None;
        }
        match (token.shape, token.known.number) {
            (Shape::Letters, Some(Spoken::Digit(digit))) if token.text.len() > 1 => {
                let digits = DIGITS.get(usize::from(digit)..=usize::from(digit));
                code.push(digits?)?;
            }
            (Shape::Letters, _) => {
                let is_code = token.text.bytes().all(|byte| byte.is_ascii_uppercase());
                if !(is_code || token.is_letter() || (is_told && token.text.len() == 4)) {
                    return None;
                }
                code.push(token.text)?;
            }
            (Shape::Digits | Shape::Mixed, _) => code.push(token.text)?,
        }
        if length.is_none()
            && let Some([country, code, first, second]) = code.as_bytes().first_chunk()
        {
            length = Some(iban_length([*country, *code])?);
            if !(first.is_ascii_digit() && second.is_ascii_digit()) {
                return None;
            }
        }
        match length.map(|length| code.length.cmp(&length)) {
            Some(std::cmp::Ordering::Equal) => {
                let begin = said.token(from)?.begin;
                return is_iban(code.as_bytes()).then_some((at + 1, begin, token.end));
            }
            Some(std::cmp::Ordering::Greater) => return None,
            Some(std::cmp::Ordering::Less) | None => {}
        }
    }
    None
}

/// Whether an IBAN may begin with a token: it begins with a letter, and with a country's code if there are more.
fn may_begin(token: &Token<'_>, is_told: bool) -> bool {
    let is_code = || token.text.bytes().all(|byte| byte.is_ascii_uppercase());
    let may = match token.shape {
        Shape::Letters => token.is_letter() || (is_told && token.text.len() == 4) || is_code(),
        Shape::Mixed => true,
        Shape::Digits => false,
    };
    let country = token.text.as_bytes().first_chunk();
    may && (token.is_letter() || country.is_some_and(|country| iban_length(*country).is_some()))
}

/// How many characters the IBANs of a country have.
fn iban_length(country: [u8; 2]) -> Option<usize> {
    let country = country.map(|letter| letter.to_ascii_uppercase());
    if !country.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    // Four characters and a space for each.
    let mut entries = IBAN_LENGTHS.as_bytes().chunks(5);
    let entry = entries.find(|entry| entry.starts_with(&country))?;
    let length = std::str::from_utf8(entry.get(2..4)?).ok()?;
    length.parse().ok()
}

/// The first four characters last, letters as 10 to 35, modulo 97.
fn is_iban(text: &[u8]) -> bool {
    let (Some(head), Some(tail)) = (text.get(..4), text.get(4..)) else {
        return false;
    };
    let mut rest = 0_u32;
    for character in tail.iter().chain(head) {
        let Some(value) = char::from(*character).to_digit(36) else {
            return false;
        };
        rest = (if value < 10 { rest * 10 } else { rest * 100 } + value) % 97;
    }
    rest == 1
}
