//! Gives every refusal its example, and writes every example once.
//!
//! A refusal is made as the operation makes it ([`super::refusals`]) and rendered by its surface, so that an example cannot
//! say something else than the service. What several answers have in common stands under `components/examples`.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::{
    OpenApi, PathItem, Ref, RefOr,
    content::Content,
    example::{Example, ExampleBuilder},
    path::Operation,
};

use super::refusals::{Refusing, refusal};
use crate::api::{error::Error, guard};

/// A slug of a refusal's text is no longer than this.
const SLUG_CHARS_MAX: usize = 60;

/// Gives every answer that lacks one an example.
pub(super) fn complete(document: &mut OpenApi) {
    let mut shared = Shared::default();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete_operation(method, path, operation, &mut shared);
        }
    }
    let components = document.components.get_or_insert_default();
    components.examples.append(&mut shared.examples);
}

/// The operations of a path, with their methods.
pub(super) fn operations(
    item: &mut PathItem,
) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete_operation(method: &str, path: &str, operation: &mut Operation, shared: &mut Shared) {
    let refusing = Refusing::new(method, path, operation);
    let name = operation.operation_id.clone().unwrap_or_default();
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        for content in response.content.values_mut() {
            let RefOr::T(content) = content else {
                continue;
            };
            let named = match content.example.take() {
                Some(example) => Some((format!("{name}.{status}"), example)),
                None => refusal(&refusing, status).and_then(|error| shown(path, &error)),
            };
            if let Some((name, example)) = named {
                shared.refer(content, name, example);
            }
        }
    }
}

/// An error as it is told, and what that is called: its surface and its text.
fn shown(path: &str, error: &Error) -> Option<(String, Value)> {
    let told = error.told();
    let (surface, example) = guard::example(path, &told).ok()?;
    let words = told
        .detail
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("_").to_lowercase();
    let slug: String = slug.chars().take(SLUG_CHARS_MAX).collect();
    Some((format!("{surface}.{slug}"), example))
}

/// The examples by name, and their names by what they say.
#[derive(Default)]
struct Shared {
    examples: BTreeMap<String, RefOr<Example>>,
    names: BTreeMap<String, String>,
}

impl Shared {
    /// Makes the content refer to an example, which is the first to say so or stands there already.
    fn refer(&mut self, content: &mut Content, name: String, example: Value) {
        let name = self.keep(name, example);
        let reference = Ref::new(format!("#/components/examples/{name}"));
        content.examples.insert(name, RefOr::Ref(reference));
    }

    fn keep(&mut self, wanted: String, example: Value) -> String {
        let text = example.to_string();
        if let Some(name) = self.names.get(&text) {
            return name.clone();
        }
        let mut name = wanted.clone();
        let mut number = 1;
        while self.examples.contains_key(&name) {
            number += 1;
            name = format!("{wanted}.{number}");
        }
        let kept = ExampleBuilder::new().value(Some(example)).build();
        self.examples.insert(name.clone(), RefOr::T(kept));
        self.names.insert(text, name.clone());
        name
    }
}
