//! The committed document is the one that the routes make, and it is a whole one.

use std::collections::HashSet;

use onhook::api::document;

#[test]
fn the_committed_document_is_that_of_the_routes() {
    let committed = include_str!("../../openapi.yaml");
    assert!(
        committed == document::yaml(),
        "openapi.yaml is not that of the routes: run `cargo run -- openapi > openapi.yaml`"
    );
}

#[test]
fn every_operation_says_whose_it_is_and_has_a_name_of_its_own() {
    let document = serde_json::to_value(document::whole()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(operation["tags"][0].is_string(), "{at} has no tag");
            assert!(operation["summary"].is_string(), "{at} has no summary");
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{at} has another's name");
        }
    }
}

#[test]
fn every_schema_that_is_referred_to_is_there() {
    let document = document::yaml();
    let schemas = serde_json::to_value(document::whole()).unwrap()["components"]["schemas"].clone();
    for reference in document.split("#/components/schemas/").skip(1) {
        let (name, _) = reference.split_once('\'').unwrap();
        assert!(schemas[name].is_object(), "{name} is nowhere");
    }
}
