//! Numbers that are to be dialled: in the written forms that the calls surface documents, and no others.

use std::{fmt, str::FromStr};

use super::{
    party::{E164, PartyNumber},
    text::Text,
};

/// The country code of a number that is written without one: the documented forms are those of North America.
const HOME: &str = "+1";

/// The digits of a number of [`HOME`] without its country code.
const HOME_DIGITS: usize = 10;

/// The most digits of an extension.
const EXTENSION_DIGITS_MAX: usize = 10;

/// The longest writing of a number, in characters.
const WRITTEN_CHARS_MAX: usize = 64;

/// A number that a provider can be asked to dial, as it was written and as E.164.
#[derive(Clone, PartialEq, Eq)]
pub struct DialledNumber {
    written: Text<WRITTEN_CHARS_MAX>,
    number: E164,
    extension: Option<String>,
}

/// The text is not in a form that can be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a phone number such as +1234567890, (123) 456-7890, 123-456-7890, 123.456.7890, 123 456 7890, \
     1234567890 ext 123 or +1 (123) 456-7890"
)]
pub struct NotDialled;

impl DialledNumber {
    /// The number, without its extension.
    pub fn number(&self) -> &E164 {
        &self.number
    }

    /// The digits to be dialled once the call is answered.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// The number as a party of a call: as it was written, with its E.164 form.
    pub fn party(&self) -> PartyNumber {
        PartyNumber::kept(self.written.as_str(), Some(self.number.as_str()))
            .expect("what was written is short and has digits in it")
    }
}

impl FromStr for DialledNumber {
    type Err = NotDialled;

    fn from_str(text: &str) -> Result<Self, NotDialled> {
        let written = Text::parse(text).map_err(|_error| NotDialled)?;
        let text = text.trim_matches(' ');
        let end = text.find(|c: char| c.is_ascii_alphabetic());
        let (number, rest) = text.split_at(end.unwrap_or(text.len()));
        Ok(Self {
            written,
            number: number_of(number.trim_end_matches(' '))?,
            extension: extension(rest)?,
        })
    }
}

fn number_of(text: &str) -> Result<E164, NotDialled> {
    let (plus, local) = match text.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if !is_grouped(local) {
        return Err(NotDialled);
    }
    let digits: String = local.chars().filter(char::is_ascii_digit).collect();
    let number = match (plus, digits.len()) {
        (true, _) => format!("+{digits}"),
        (false, HOME_DIGITS) => format!("{HOME}{digits}"),
        (false, _) => return Err(NotDialled),
    };
    number.parse().map_err(|_not| NotDialled)
}

/// Groups of digits with one separator between them, or a blank and brackets around one group.
fn is_grouped(text: &str) -> bool {
    let mut open = false;
    let mut bracketed = 0;
    let mut before = None;
    for c in text.chars() {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let fits = match c {
            c if c.is_ascii_digit() => true,
            '(' => !open && bracketed == 0 && matches!(before, None | Some(' ' | '0'..='9')),
            ')' => open && digit(before),
            ' ' | '-' | '.' => !open && (digit(before) || before == Some(')')),
            _ => false,
        };
        if !fits {
            return false;
        }
        match c {
            '(' => (open, bracketed) = (true, 1),
            ')' => open = false,
            _ => {}
        }
        before = Some(c);
    }
    !open && before.is_some_and(|c| c.is_ascii_digit())
}

/// `ext 123`, `ext. 123`, `x123`, or nothing.
fn extension(text: &str) -> Result<Option<String>, NotDialled> {
    if text.is_empty() {
        return Ok(None);
    }
    let text = text.to_ascii_lowercase();
    let digits = ["ext.", "ext", "x"]
        .into_iter()
        .find_map(|word| text.strip_prefix(word))
        .ok_or(NotDialled)?
        .trim_start_matches(' ');
    let valid = (1..=EXTENSION_DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit());
    if valid {
        Ok(Some(digits.to_owned()))
    } else {
        Err(NotDialled)
    }
}

impl fmt::Debug for DialledNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DialledNumber(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::DialledNumber;

    fn read(text: &str) -> Option<(String, Option<String>)> {
        let dialled: DialledNumber = text.parse().ok()?;
        let extension = dialled.extension().map(str::to_owned);
        assert_eq!(dialled.party().raw(), text, "it is kept as it was written");
        assert_eq!(dialled.party().e164(), Some(dialled.number()));
        Some((dialled.number().as_str().to_owned(), extension))
    }

    #[test]
    fn the_seven_documented_forms_are_read_and_kept() {
        for (text, number, extension) in [
            ("+1234567890", "+1234567890", None),
            ("(123) 456-7890", "+11234567890", None),
            ("123-456-7890", "+11234567890", None),
            ("123.456.7890", "+11234567890", None),
            ("123 456 7890", "+11234567890", None),
            ("1234567890 ext 123", "+11234567890", Some("123")),
            ("+1 (123) 456-7890", "+11234567890", None),
            // The same with other digits and habits.
            ("+442079460000", "+442079460000", None),
            ("+44 20 7946 0000 Ext. 7", "+442079460000", Some("7")),
            ("1234567890x0123456789", "+11234567890", Some("0123456789")),
            ("+12", "+12", None),
            ("+123456789012345", "+123456789012345", None),
        ] {
            let expected = (number.to_owned(), extension.map(str::to_owned));
            assert_eq!(read(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_in_none_of_the_forms_is_refused() {
        for text in [
            "",
            " ",
            "+",
            "+1",
            "+0123456789",
            "+1234567890123456",
            "123456789",
            "12345678901",
            "911",
            "anonymous",
            "sip:bob@pbx.example",
            "+1 (123 456-7890",
            "+1 123) 456-7890",
            "(123) (456) 7890",
            "()123 456 7890",
            "123--456-7890",
            "-123-456-7890",
            "123-456-7890-",
            "1234567890 ext",
            "1234567890 ext 12345678901",
            "1234567890 ext 12a",
            "1234567890 extension 1",
            "++1234567890",
            "1+234567890",
            "123/456/7890",
            "１２３4567890",
            "123\u{a0}456 7890",
            "1234567890;5",
            "123456\u{0}7890",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
        let longest = format!("1234567890{}x1", " ".repeat(52));
        assert!(read(&longest).is_some());
        assert_eq!(read(&format!("{longest}2")), None);
    }
}
