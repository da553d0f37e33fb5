//! Amounts as decimal strings, kept exactly: never a float.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;

/// A non-negative amount with at most 12 digits before the point and 6 behind it; `1.50` stays `1.50`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(Decimal);

/// The text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a decimal string such as \"0.05\", with at most 12 digits before the point and 6 behind it"
)]
pub struct NotMoney;

impl FromStr for Money {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (whole, fraction) = text
            .split_once('.')
            .map_or((text, None), |(whole, rest)| (whole, Some(rest)));
        let digits = |part: &str, max: usize| {
            (1..=max).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
        };
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if !digits(whole, 12) || leading_zero || !fraction.is_none_or(|part| digits(part, 6)) {
            return Err(NotMoney);
        }
        text.parse()
            .map(Self)
            .map_err(|_too_large: rust_decimal::Error| NotMoney)
    }
}

impl Money {
    /// The float that is nearest to the amount, for documents that want one.
    pub fn approximate(self) -> f64 {
        self.to_string().parse().unwrap_or(0.0)
    }

    /// The amount.
    pub fn decimal(self) -> Decimal {
        self.0
    }
}

/// From the database, whose checks hold the same bounds.
impl From<Decimal> for Money {
    fn from(amount: Decimal) -> Self {
        Self(amount)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Money;

    #[test]
    fn amounts_come_back_as_they_went_in() {
        for text in ["0", "0.05", "1.50", "999999999999.999999"] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "-1",
            "1.",
            ".5",
            "1e3",
            "00.5",
            "0.0000001",
            "1000000000000",
            "1,5",
            "٣",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }
}
