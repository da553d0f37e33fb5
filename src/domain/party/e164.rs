//! E.164, and how it is read out of what telephony sends for a party.
//!
//! Syntax only: whether a numbering plan knows a number is not asked, for published examples are in none. What is not an
//! international number in writing (a short code, a national number, a name) has no E.164 form: guessing a country would
//! let one party pass for another.

use std::{borrow::Cow, fmt, str::FromStr};

use percent_encoding::percent_decode_str;

/// A number of the form `^\+[1-9]\d{1,14}$`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct E164(String);

/// The text is not E.164.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be in E.164 format, such as +14155550148")]
pub struct NotE164;

/// What URIs of numbers begin with.
const SCHEMES: [&str; 4] = ["sip:", "sips:", "tel:", "whatsapp:"];

/// The keys of ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE: what networks that know only digits put for a caller
/// who is not to be known.
const WITHHELD: [&str; 5] = [
    "+266696687",
    "+7378742833",
    "+2562533",
    "+8656696",
    "+86282452253",
];

/// `00` before fewer digits is somebody's extension: no international number is as short.
const DIGITS_AFTER_00_MIN: usize = 7;

impl E164 {
    /// Reads the number out of a party as it was sent: a number with whatever people separate digits by, `00` for the plus
    /// sign, a SIP or `tel:` URI, a name with its address in angle brackets. An extension is not part of it.
    pub(super) fn read(raw: &str) -> Option<Self> {
        let plain: String = raw.chars().filter_map(plain).collect();
        let user = user(address(&plain)?);
        // The trunk prefix that is only dialled at home, as in +44 (0)20.
        let user = user.replace("(0)", "");
        let end = user.find(|c| !is_of_a_number(c)).unwrap_or(user.len());
        let (number, rest) = user.split_at(end);
        if !is_beside_the_number(rest.trim()) {
            return None;
        }
        let compact: String = number
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '+')
            .collect();
        let compact = match compact.strip_prefix("00") {
            Some(rest) if rest.len() >= DIGITS_AFTER_00_MIN => format!("+{rest}"),
            Some(_) | None => compact,
        };
        compact
            .parse()
            .ok()
            .filter(|Self(number)| !WITHHELD.contains(&number.as_str()))
    }

    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The plain form of a character that keyboards and typesetters put for another; nothing for those that nobody sees.
fn plain(c: char) -> Option<char> {
    match c {
        // Full-width ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        // Arabic digits, western and eastern.
        '\u{660}'..='\u{669}' => char::from_u32(u32::from(c) - 0x660 + u32::from('0')),
        '\u{6f0}'..='\u{6f9}' => char::from_u32(u32::from(c) - 0x6f0 + u32::from('0')),
        // Hyphens, dashes, minus signs.
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{fe58}' | '\u{fe63}' => Some('-'),
        // Soft hyphens, joiners, directions.
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => None,
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    }
}

/// The address in `"name" <address>;parameters`, or all of it.
fn address(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = match text.strip_prefix('"') {
        Some(quoted) => after_quotes(quoted)?.trim(),
        None => text,
    };
    match text.split_once('<') {
        Some((_name, rest)) => rest.split_once('>').map(|(address, _)| address.trim()),
        None => Some(text),
    }
}

/// What follows the closing quote of a name, in which a backslash hides one.
fn after_quotes(quoted: &str) -> Option<&str> {
    let mut hidden = false;
    for (at, c) in quoted.char_indices() {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            '"' => return quoted.get(at + 1..),
            _ => {}
        }
    }
    None
}

/// The user of a URI, without host and password, its escapes undone.
fn user(address: &str) -> Cow<'_, str> {
    let bare = SCHEMES
        .iter()
        .find_map(|scheme| {
            let (head, rest) = address.split_at_checked(scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then_some(rest)
        })
        .unwrap_or(address);
    let user = match bare.split_once('@') {
        Some((user, _host)) => user.split(':').next().unwrap_or_default(),
        None => bare,
    };
    percent_decode_str(user.trim()).decode_utf8_lossy()
}

fn is_of_a_number(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.' | '(' | ')' | '/' | '~')
}

/// Whether what follows a number leaves it one: nothing, a URI's parameters, an extension.
fn is_beside_the_number(rest: &str) -> bool {
    if rest.is_empty() || rest.starts_with(';') {
        return true;
    }
    let rest = rest.to_ascii_lowercase();
    let extension = ["extension", "ext", "x", "#", ","]
        .iter()
        .find_map(|mark| rest.strip_prefix(mark));
    extension.is_some_and(|extension| {
        let digits = extension.trim_start_matches(['.', ':', '=', '#', ',', ' ']);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

impl FromStr for E164 {
    type Err = NotE164;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('+').ok_or(NotE164)?;
        let valid = (2..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotE164)
        }
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("E164(…)")
    }
}
