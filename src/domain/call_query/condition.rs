//! One condition on calls: a column, and the test that it must pass.

use super::{Column, ITEMS_MAX, Kind, Value, value};
use crate::domain::state::{CallState, Direction};

/// A condition on calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is tested.
    pub column: Column,
    /// How.
    pub test: Test,
}

/// What a value must be like.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// There is none, or there is one.
    Null(bool),
    /// It is this one.
    Is(Value),
    /// It is another one, or there is none.
    IsNot(Value),
    /// It is one of these, which are of one kind.
    OneOf(Vec<Value>),
    /// It lies on this side of a value.
    Beyond(Bound, Value),
    /// This text stands in it, whatever the case.
    Has(Side, String),
    /// The call is in one of these states.
    States(Vec<CallState>),
    /// The call has one of these directions.
    Directions(Vec<Direction>),
}

/// Which side of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// `>`
    Above,
    /// `>=`
    From,
    /// `<`
    Below,
    /// `<=`
    UpTo,
}

/// Where in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At its start.
    Start,
    /// At its end.
    End,
    /// Anywhere.
    Anywhere,
}

/// What a condition asks of its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `contains`
    Contains,
    /// `starts_with`
    StartsWith,
    /// `ends_with`
    EndsWith,
    /// `gt`
    Greater,
    /// `gte`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `lte`
    LessOrEqual,
    /// `in`
    In,
    /// `is_null`
    IsNull,
}

/// The part of a condition that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The column's name.
    Column,
    /// The operator.
    Operator,
    /// The value.
    Value,
}

/// Why a condition was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// What is wrong.
    pub part: Part,
    /// What would be right.
    pub message: String,
}

impl Operator {
    /// Every operator and its word.
    pub const WORDS: [(&'static str, Self); 11] = [
        ("eq", Self::Equal),
        ("ne", Self::NotEqual),
        ("contains", Self::Contains),
        ("starts_with", Self::StartsWith),
        ("ends_with", Self::EndsWith),
        ("gt", Self::Greater),
        ("gte", Self::GreaterOrEqual),
        ("lt", Self::Less),
        ("lte", Self::LessOrEqual),
        ("in", Self::In),
        ("is_null", Self::IsNull),
    ];

    /// Those that make sense for a kind of values.
    fn fits(self, kind: Kind) -> bool {
        match self {
            Self::Equal | Self::NotEqual | Self::IsNull => true,
            Self::In => kind != Kind::Json,
            Self::Contains => matches!(
                kind,
                Kind::Text | Kind::Status | Kind::Direction | Kind::Json
            ),
            Self::StartsWith | Self::EndsWith => {
                matches!(kind, Kind::Text | Kind::Status | Kind::Direction)
            }
            Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual => {
                !matches!(kind, Kind::Id | Kind::Flag | Kind::Json)
            }
        }
    }
}

impl Condition {
    /// Reads a condition from the words for its parts; every part that is wrong is named.
    pub fn parse(column: &str, operator: &str, value: &str) -> Result<Self, Vec<ConditionError>> {
        let named = Column::of(column).ok_or_else(|| wrong(Part::Column, no_column()));
        let asked = Operator::WORDS
            .into_iter()
            .find_map(|(word, known)| (word == operator).then_some(known))
            .ok_or_else(|| {
                wrong(
                    Part::Operator,
                    format!("must be one of {}", words(|_| true)),
                )
            });
        let (column, operator) = match (named, asked) {
            (Ok(column), Ok(operator)) => (column, operator),
            (named, asked) => return Err(named.err().into_iter().chain(asked.err()).collect()),
        };
        let kind = column.kind();
        if !operator.fits(kind) {
            let fitting = words(|operator| operator.fits(kind));
            let message = format!("does not fit this column: use one of {fitting}");
            return Err(vec![wrong(Part::Operator, message)]);
        }
        let test = Test::parse(kind, operator, value)
            .map_err(|message| vec![wrong(Part::Value, message)])?;
        Ok(Self { column, test })
    }
}

impl Test {
    fn parse(kind: Kind, operator: Operator, text: &str) -> Result<Self, String> {
        match kind {
            Kind::Status => {
                let passed = passing(
                    kind,
                    operator,
                    text,
                    CallState::ALL.map(|s| (s.call_status(), s)),
                )?;
                Ok(Self::States(passed))
            }
            Kind::Direction => {
                let passed = passing(
                    kind,
                    operator,
                    text,
                    Direction::ALL.map(|d| (d.as_str(), d)),
                )?;
                Ok(Self::Directions(passed))
            }
            Kind::Text
            | Kind::Whole
            | Kind::Decimal
            | Kind::Time
            | Kind::Id
            | Kind::Flag
            | Kind::Json => Self::of(kind, operator, text),
        }
    }

    fn of(kind: Kind, operator: Operator, text: &str) -> Result<Self, String> {
        let has = |side| {
            value::bounded(text)?;
            Ok(Self::Has(side, text.to_owned()))
        };
        let beyond = |bound| Ok(Self::Beyond(bound, Value::parse(kind, text)?));
        match operator {
            Operator::Equal => Value::parse(kind, text).map(Self::Is),
            Operator::NotEqual => Value::parse(kind, text).map(Self::IsNot),
            Operator::Contains => has(Side::Anywhere),
            Operator::StartsWith => has(Side::Start),
            Operator::EndsWith => has(Side::End),
            Operator::Greater => beyond(Bound::Above),
            Operator::GreaterOrEqual => beyond(Bound::From),
            Operator::Less => beyond(Bound::Below),
            Operator::LessOrEqual => beyond(Bound::UpTo),
            Operator::In => items(text)?
                .iter()
                .map(|item| Value::parse(kind, item))
                .collect::<Result<_, _>>()
                .map(Self::OneOf),
            Operator::IsNull => match text {
                "" => Ok(Self::Null(true)),
                text => value::flag(text)
                    .map(Self::Null)
                    .ok_or_else(|| "must be true, false, or empty for true".to_owned()),
            },
        }
    }

    /// Whether a word passes. Words are never null, and compare by code points.
    fn passes(&self, word: &str) -> bool {
        let lower = |text: &str| text.to_lowercase();
        let is = |value: &Value| matches!(value, Value::Text(text) if text == word);
        match self {
            Self::Null(wanted) => !wanted,
            Self::Is(value) => is(value),
            Self::IsNot(value) => !is(value),
            Self::OneOf(values) => values.iter().any(is),
            Self::Beyond(bound, Value::Text(text)) => match bound {
                Bound::Above => word > text.as_str(),
                Bound::From => word >= text.as_str(),
                Bound::Below => word < text.as_str(),
                Bound::UpTo => word <= text.as_str(),
            },
            Self::Has(Side::Start, text) => word.starts_with(&lower(text)),
            Self::Has(Side::End, text) => word.ends_with(&lower(text)),
            Self::Has(Side::Anywhere, text) => word.contains(&lower(text)),
            Self::Beyond(..) | Self::States(_) | Self::Directions(_) => false,
        }
    }
}

/// Those whose words pass.
fn passing<T, const N: usize>(
    kind: Kind,
    operator: Operator,
    text: &str,
    all: [(&str, T); N],
) -> Result<Vec<T>, String> {
    let test = Test::of(kind, operator, text)?;
    let passed = all.into_iter().filter(|(word, _)| test.passes(word));
    Ok(passed.map(|(_, value)| value).collect())
}

/// The values of an `in`: parted by commas, or a JSON array of texts where a value has a comma in it.
fn items(text: &str) -> Result<Vec<String>, String> {
    let items: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|_invalid| {
            "must be values parted by commas, or a JSON array of texts such as [\"a,b\",\"c\"]"
                .to_owned()
        })?
    } else {
        text.split(',').map(str::to_owned).collect()
    };
    if items.is_empty() || items.len() > ITEMS_MAX {
        return Err(format!(
            "must have 1 to {ITEMS_MAX} values, parted by commas"
        ));
    }
    Ok(items)
}

fn wrong(part: Part, message: String) -> ConditionError {
    ConditionError { part, message }
}

fn words(wanted: impl Fn(Operator) -> bool) -> String {
    let words = Operator::WORDS
        .into_iter()
        .filter(|(_, operator)| wanted(*operator));
    words.map(|(word, _)| word).collect::<Vec<_>>().join(", ")
}

fn no_column() -> String {
    let names = Column::NAMES.map(|(name, _)| name);
    format!("must be one of {}", names.join(", "))
}
