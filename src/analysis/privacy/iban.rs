//! IBANs: a country, its length, and the checksum.

use super::{
    PiiSpan,
    tokens::{Said, Shape, Token},
    vocabulary::Spoken,
};
use crate::{
    analysis::words::{Traits, Written},
    domain::analysis::privacy::EntityType,
};

/// How many turns before it an IBAN may have been asked for.
const TOPIC_TURNS_MAX: usize = 3;

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
    while at < now.len() {
        let may_be = may_be_code(now, at, is_told);
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

/// Whether a token is none of the many with which no IBAN begins: words in small letters, and numbers.
fn may_be_code(said: &Said<'_>, at: usize, is_told: bool) -> bool {
    let written = said.written(at);
    let is_word = written.has(Written::SMALL) && !written.has(Written::DIGIT);
    let bytes = said.bytes(at);
    written != Written::DIGIT && (!is_word || bytes == 1 || (is_told && bytes == 4))
}

/// The IBAN that begins at a token: the token after it, and its place.
fn iban(said: &Said<'_>, from: usize, is_told: bool) -> Option<(usize, usize, usize)> {
    if !may_begin(&said.token(from)?, is_told) {
        return None;
    }
    let mut text = String::new();
    let mut length = None;
    for at in from..said.len() {
        let token = said.token(at)?;
        let gap = said.gap(at);
        if at > from && (gap.len() > 2 || !gap.chars().all(|c| matches!(c, ' ' | '-' | ','))) {
            return None;
        }
        match (token.shape, token.known.number) {
            (Shape::Letters, Some(Spoken::Digit(digit))) if token.text.len() > 1 => {
                text.push(char::from(b'0' + digit));
            }
            (Shape::Letters, _) => {
                let is_code = token.text.bytes().all(|byte| byte.is_ascii_uppercase());
                if !(is_code || token.is_letter() || (is_told && token.text.len() == 4)) {
                    return None;
                }
                text.push_str(&token.text.to_ascii_uppercase());
            }
            (Shape::Digits | Shape::Mixed, _) => text.push_str(&token.text.to_ascii_uppercase()),
        }
        if length.is_none() && text.len() >= 4 {
            length = Some(iban_length(text.get(..2)?)?);
            if !text
                .bytes()
                .skip(2)
                .take(2)
                .all(|byte| byte.is_ascii_digit())
            {
                return None;
            }
        }
        match length.map(|length| text.len().cmp(&length)) {
            Some(std::cmp::Ordering::Equal) => {
                let begin = said.token(from)?.begin;
                return is_iban(&text).then_some((at + 1, begin, token.end));
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
    may && (token.is_letter()
        || token
            .text
            .get(..2)
            .is_some_and(|country| iban_length(&country.to_ascii_uppercase()).is_some()))
}

fn iban_length(country: &str) -> Option<usize> {
    // Four characters and a space for each.
    let mut entries = IBAN_LENGTHS.as_bytes().chunks(5);
    let entry = entries.find(|entry| entry.starts_with(country.as_bytes()))?;
    let length = std::str::from_utf8(entry.get(2..4)?).ok()?;
    length.parse().ok()
}

/// The first four characters last, letters as 10 to 35, modulo 97.
fn is_iban(text: &str) -> bool {
    let (Some(head), Some(tail)) = (text.get(..4), text.get(4..)) else {
        return false;
    };
    let mut rest = 0_u32;
    for character in tail.chars().chain(head.chars()) {
        let Some(value) = character.to_digit(36) else {
            return false;
        };
        rest = (if value < 10 { rest * 10 } else { rest * 100 } + value) % 97;
    }
    rest == 1
}
