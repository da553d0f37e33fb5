//! A document of another platform, pruned while it is read: of its objects only the fields that some format knows are
//! kept, of its lists as many items as a transcript may have. What is not looked at costs nothing.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::UTTERANCES_MAX;

/// Every field that a format knows, sorted.
const NAMES: [&str; 46] = [
    "BeginOffsetMillis",
    "Content",
    "EndOffsetMillis",
    "LanguageCode",
    "ParticipantId",
    "ParticipantRole",
    "Participants",
    "Transcript",
    "artifact",
    "call",
    "channel",
    "channels",
    "confidence",
    "content",
    "data",
    "detected_language",
    "end",
    "endTime",
    "end_time",
    "language",
    "language_code",
    "main_language",
    "media_channel",
    "message",
    "messages",
    "metadata",
    "punctuated_word",
    "results",
    "role",
    "secondsFromStart",
    "segments",
    "sentences",
    "speaker",
    "speakerLabel",
    "start",
    "start_time",
    "text",
    "time",
    "time_in_call_secs",
    "transcript",
    "transcript_object",
    "transcripts",
    "user",
    "utterances",
    "word",
    "words",
];

/// A value, as far as some format could want it.
#[derive(Debug, Default)]
pub(super) enum Tree {
    /// Not there, or null.
    #[default]
    Absent,
    /// A string.
    Text(String),
    /// A number that was written whole and without a sign.
    Whole(u64),
    /// Another number.
    Number(f64),
    /// An object's known fields.
    Object(BTreeMap<&'static str, Self>),
    /// A list.
    List {
        /// The first of its items.
        items: Vec<Self>,
        /// There were more.
        too_many: bool,
    },
    /// Something else.
    Other,
}

/// A value and where it stands in the document.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    /// The value.
    pub(super) tree: &'a Tree,
    /// Its path, empty for the whole.
    pub(super) path: String,
}

static NOTHING: Tree = Tree::Absent;

impl<'a> Node<'a> {
    /// The whole document.
    pub(super) fn root(tree: &'a Tree) -> Self {
        Self {
            tree,
            path: String::new(),
        }
    }

    /// A field of it, absent if it is no object.
    pub(super) fn get(&self, name: &str) -> Self {
        debug_assert!(NAMES.contains(&name), "{name} is not kept");
        let tree = match self.tree {
            Tree::Object(fields) => fields.get(name).unwrap_or(&NOTHING),
            _ => &NOTHING,
        };
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        Self { tree, path }
    }

    /// Whether there is something.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self.tree, Tree::Absent)
    }

    /// Whether it is an object.
    pub(super) fn is_object(&self) -> bool {
        matches!(self.tree, Tree::Object(_))
    }

    /// Its text, if it is one.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a platform calls a speaker or a channel: a text, or a number.
    pub(super) fn label(&self) -> Option<Cow<'a, str>> {
        match self.tree {
            Tree::Text(text) => Some(Cow::Borrowed(text)),
            Tree::Whole(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Whole(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Absent)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while items.len() < UTTERANCES_MAX {
            match list.next_element()? {
                Some(item) => items.push(item),
                None => {
                    return Ok(Tree::List {
                        items,
                        too_many: false,
                    });
                }
            }
        }
        let mut too_many = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            too_many = true;
        }
        Ok(Tree::List { items, too_many })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Tree, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(Name(name)) = object.next_key()? {
            match name {
                Some(name) => {
                    fields.insert(name, object.next_value()?);
                }
                None => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Tree::Object(fields))
    }
}

/// A field's name, if some format knows it.
struct Name(Option<&'static str>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                let at = NAMES.binary_search(&name).ok();
                Ok(Name(at.and_then(|at| NAMES.get(at)).copied()))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::{NAMES, Node, Tree};

    #[test]
    fn the_names_are_sorted_for_the_search() {
        assert!(NAMES.is_sorted());
    }

    #[test]
    fn unknown_fields_are_not_kept_and_paths_are_told() {
        let tree: Tree = serde_json::from_str(
            r#"{"call": {"unheard": [[[1]]], "words": [{"start": -1, "end": 1.5}]}}"#,
        )
        .unwrap();
        let words = Node::root(&tree).get("call").get("words");
        assert_eq!(words.path, "call.words");
        let Tree::Object(call) = Node::root(&tree).get("call").tree else {
            panic!("no object: {tree:?}");
        };
        assert_eq!(call.keys().collect::<Vec<_>>(), [&"words"]);
    }
}
