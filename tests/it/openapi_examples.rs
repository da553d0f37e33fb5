//! Whoever reads `openapi.yaml` sees what to send and what comes back: an example for every request and every answer, each as
//! its schema says. What refusals say is held against the service in [`crate::openapi_refusals`].

use serde_json::Value;

use crate::contract::{examples, operations, validator};

/// What is wrong with the examples of these contents.
fn faults(at: &str, contents: &'static Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (media, content) in contents.as_object().into_iter().flatten() {
        let at = format!("{at} {media}");
        let examples = examples(content);
        if examples.is_empty() {
            faults.push(format!("{at} has no example"));
        }
        let validator = validator(&content["schema"]);
        for example in examples {
            for fault in validator.iter_errors(example) {
                let place = fault.instance_path();
                faults.push(format!("{at}: {place} {fault} in {example}"));
            }
        }
    }
    faults
}

#[test]
fn every_request_and_every_answer_has_an_example_that_fits_its_schema() {
    let mut found = Vec::new();
    for (method, path, operation) in operations() {
        let at = format!("{method} {path}");
        found.extend(faults(
            &format!("{at} request"),
            &operation["requestBody"]["content"],
        ));
        for (status, response) in operation["responses"].as_object().unwrap() {
            let contents = &response["content"];
            found.extend(faults(&format!("{at} {status}"), contents));
            let own =
                |content: &Value| content["example"].is_null() && content["examples"].is_null();
            let contents = contents.as_object();
            let borrowed = contents.is_some_and(|contents| contents.values().any(own));
            if status.as_str() >= "400" && borrowed {
                found.push(format!("{at} {status} has no example of its own"));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_example_that_is_shared_is_used() {
    let document = onhook::api::document::yaml();
    let whole = serde_json::to_value(onhook::api::document::whole()).unwrap();
    let shared = whole["components"]["examples"].as_object().unwrap();
    assert!(shared.len() > 20, "{} examples", shared.len());
    for name in shared.keys() {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        assert!(name.chars().all(plain), "{name} is no name of a component");
        let reference = format!("#/components/examples/{name}'");
        assert!(document.contains(&reference), "{name} is not used");
    }
}
