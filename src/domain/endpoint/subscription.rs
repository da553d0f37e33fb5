//! What an endpoint wants to be told.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Serialize, Serializer};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

use crate::domain::event::EventType;

/// What an event may be asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filter {
    /// `*`: every type, also those yet to come, but those that have to be named.
    All,
    /// `call.*`: every type that tells how calls go, also those yet to come.
    Calls,
    /// A type by its name.
    Type(EventType),
}

/// The text asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be *, call.* or one of call.started, call.answered, call.ended, call.transcribed, call.analyzed, call.updated, \
     call.reconciled, termination.failed, call.erased, delivery.exhausted, endpoint.disabled, voice_call/create, voice_call/update"
)]
pub struct NotFilter;

impl Filter {
    /// Whether it asks for events of the type.
    fn takes(self, event: EventType) -> bool {
        match self {
            Self::All => !event.is_named_only(),
            Self::Calls => !event.is_named_only() && event.as_str().starts_with("call."),
            Self::Type(named) => named == event,
        }
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "*",
            Self::Calls => "call.*",
            Self::Type(event) => event.as_str(),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Filter {
    type Err = NotFilter;

    fn from_str(word: &str) -> Result<Self, NotFilter> {
        match word {
            "*" => Ok(Self::All),
            "call.*" => Ok(Self::Calls),
            name => name.parse().map(Self::Type).map_err(|_other| NotFilter),
        }
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl PartialSchema for Filter {
    fn schema() -> RefOr<Schema> {
        let types = EventType::ALL.into_iter().map(Self::Type);
        let words = [Self::All, Self::Calls].into_iter().chain(types);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words.map(Self::as_str)))
            .description(Some("A type of events, or several: `call.*`, and `*` for all. Operational types and those of the platform are told only where they are named."))
            .into()
    }
}

impl ToSchema for Filter {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("EventFilter")
    }
}

/// What an endpoint wants to be told: filters, each once and in one order, or all that tell how calls go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscription(Vec<Filter>);

impl Subscription {
    /// A subscription to what these ask for; to all types that need not be named, also those yet to come, if there is none.
    pub fn to(mut filters: Vec<Filter>) -> Self {
        filters.sort_unstable();
        filters.dedup();
        Self(filters)
    }

    /// As it was kept: words that this version does not know ask for nothing that it tells.
    pub fn kept(words: &[String]) -> Self {
        let known = words.iter().filter_map(|word| word.parse().ok());
        Self::to(known.collect())
    }

    /// What is asked for; empty means all types that need not be named.
    pub fn filters(&self) -> &[Filter] {
        &self.0
    }

    /// Whether events of the type are wanted.
    pub fn wants(&self, event: EventType) -> bool {
        (self.0.is_empty() && Filter::All.takes(event))
            || self.0.iter().any(|filter| filter.takes(event))
    }
}

#[cfg(test)]
mod tests {
    use super::{EventType, Filter, NotFilter, Subscription};

    #[test]
    fn operational_and_platform_events_are_told_to_those_who_name_them() {
        for event in EventType::ALL {
            let told = !event.is_named_only();
            assert_eq!(Subscription::to(vec![]).wants(event), told, "{event}");
            for all in [Filter::All, Filter::Calls] {
                assert_eq!(Subscription::to(vec![all]).wants(event), told, "{event}");
            }
            assert!(Subscription::to(vec![Filter::Type(event)]).wants(event));
        }
    }

    #[test]
    fn filters_stand_once_and_in_one_order() {
        let ended = Filter::Type(EventType::CallEnded);
        let wanted = Subscription::to(vec![ended, Filter::Calls, ended]);
        assert_eq!(wanted.filters(), [Filter::Calls, ended]);
    }

    #[test]
    fn a_filter_has_one_word_and_another_word_is_none() {
        let types = EventType::ALL.into_iter().map(Filter::Type);
        for filter in [Filter::All, Filter::Calls].into_iter().chain(types) {
            assert_eq!(filter.as_str().parse(), Ok(filter));
            assert!(
                NotFilter.to_string().contains(filter.as_str()),
                "{filter} is not told of"
            );
        }
        for word in [
            "",
            "call",
            "call.",
            "calls.*",
            "endpoint.*",
            "**",
            "call.Ended",
        ] {
            assert_eq!(word.parse::<Filter>(), Err(NotFilter), "{word}");
        }
        let kept = ["call.ended".to_owned(), "call.yet_to_come".to_owned()];
        assert_eq!(Subscription::kept(&kept).filters().len(), 1);
    }
}
