//! JSON of any shape, read without a tree of its values: scalars are kept, objects and lists where they were expected,
//! of anything else only that it was there. So a wrong type is a fault among others, not the end of reading, and four
//! megabytes of `[]` cost four megabytes.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A value; `C` says which lists or objects are expected here.
#[derive(Debug, Default)]
pub(super) enum Loose<C = Nothing> {
    /// Not there, or null.
    #[default]
    Absent,
    /// A string.
    Text(String),
    /// A number that was written whole and without a sign.
    Whole(u64),
    /// A number that was written with a fraction or an exponent.
    Number(f64),
    /// What was expected.
    Of(C),
    /// Something else.
    Other,
}

/// A list or an object that can be read.
pub(super) trait Composite: Sized {
    /// Reads a list, if one is expected.
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// Reads an object, if one is expected.
    fn object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Neither lists nor objects are expected.
#[derive(Debug)]
pub(super) enum Nothing {}

impl Composite for Nothing {}

/// A list, kept up to `MAX` items.
#[derive(Debug)]
pub(super) struct Items<T, const MAX: usize> {
    /// The first of them.
    pub(super) kept: Vec<T>,
    /// There were more.
    pub(super) too_many: bool,
}

impl<T: for<'de> Deserialize<'de>, const MAX: usize> Composite for Items<T, MAX> {
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < MAX {
            match list.next_element()? {
                Some(item) => kept.push(item),
                None => {
                    return Ok(Some(Self {
                        kept,
                        too_many: false,
                    }));
                }
            }
        }
        let mut too_many = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            too_many = true;
        }
        Ok(Some(Self { kept, too_many }))
    }
}

/// Reads an object whose fields are [`Loose`] themselves.
pub(super) fn fields<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    object: A,
) -> Result<Option<T>, A::Error> {
    T::deserialize(MapAccessDeserializer::new(object)).map(Some)
}

impl<'de, C: Composite> Deserialize<'de> for Loose<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor(PhantomData))
    }
}

struct LooseVisitor<C>(PhantomData<C>);

impl<'de, C: Composite> Visitor<'de> for LooseVisitor<C> {
    type Value = Loose<C>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Loose::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Loose::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Loose::Whole(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Loose::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Loose::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Loose::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Ok(C::list(list)?.map_or(Loose::Other, Loose::Of))
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        Ok(C::object(object)?.map_or(Loose::Other, Loose::Of))
    }
}
