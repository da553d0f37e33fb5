//! Values that a column is compared with, read from text by the column's kind.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Kind, VALUE_CHARS_MAX};
use crate::domain::{
    json,
    state::{CallState, Direction},
};

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// A decimal number.
    Decimal(Decimal),
    /// A moment.
    Time(DateTime<Utc>),
    /// A UUID.
    Id(Uuid),
    /// `true` or `false`.
    Flag(bool),
    /// JSON.
    Json(serde_json::Value),
}

impl Value {
    /// Reads a value of a kind; the error says what would be right. States and directions are their words.
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, String> {
        bounded(text)?;
        match kind {
            Kind::Text => Ok(Self::Text(text.to_owned())),
            Kind::Whole => whole(text).map(Self::Whole).ok_or("a whole number, such as 60"),
            Kind::Decimal => decimal(text).map(Self::Decimal).ok_or("a number, such as 0.25"),
            Kind::Time => time(text).map(Self::Time).ok_or(
                "a time or a day (its first moment, UTC), such as 2026-03-01T12:00:00Z or 2026-03-01",
            ),
            Kind::Id => id(text)
                .map(Self::Id)
                .ok_or("a UUID, such as 550e8400-e29b-41d4-a716-446655440000"),
            Kind::Flag => flag(text).map(Self::Flag).ok_or("true or false"),
            Kind::Status => word(text, CallState::ALL.map(CallState::call_status).as_slice()).ok_or(
                "one of queued, ringing, in-progress, completed, busy, no-answer, canceled, failed, voicemail",
            ),
            Kind::Direction => word(text, Direction::ALL.map(Direction::as_str).as_slice())
                .ok_or("inbound or outbound"),
            Kind::Json => return document(text).map(Self::Json),
        }
        .map_err(|expected| format!("must be {expected}"))
    }
}

/// Refuses what no column holds.
pub(super) fn bounded(text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("must not contain the NUL character".to_owned());
    }
    if text.chars().nth(VALUE_CHARS_MAX).is_some() {
        return Err(format!("must have at most {VALUE_CHARS_MAX} characters"));
    }
    Ok(())
}

/// `true` or `false`.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let spelt = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    spelt.then(|| text.parse().ok()).flatten()
}

fn decimal(text: &str) -> Option<Decimal> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    plain.then(|| Decimal::from_str_exact(text).ok()).flatten()
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    if !(10..=40).contains(&text.len()) {
        return None;
    }
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    let day = || {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(day.and_time(NaiveTime::MIN).and_utc()).filter(|_| text.len() == 10)
    };
    time.ok().or_else(day)
}

fn id(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

fn document(text: &str) -> Result<serde_json::Value, String> {
    let expected = "must be JSON, such as {\"plan\":\"pro\"}";
    let value = serde_json::from_str(text).map_err(|_invalid| expected.to_owned())?;
    json::without_nul(&value).map_err(|error| error.to_string())?;
    Ok(value)
}

fn word(text: &str, words: &[&str]) -> Option<Value> {
    words.contains(&text).then(|| Value::Text(text.to_owned()))
}
