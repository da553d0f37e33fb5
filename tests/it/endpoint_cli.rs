//! `onhook endpoint`, as a script uses it.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::{
    cluster::{self, Database},
    receiver::{Receiver, Reply},
};

fn onhook(database: &Database, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
    command
        .args(args)
        .env_clear()
        .env("DATABASE_URL", database.url())
        .env("ONHOOK_SECRET_KEY", "00".repeat(32))
        .env("ONHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    command.output().unwrap()
}

fn run(database: &Database, args: &[&str]) -> String {
    let output = onhook(database, args);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// What `onhook endpoint VERB` prints.
fn endpoint(database: &Database, verb: &str, more: &[&str]) -> Value {
    let args = [&["endpoint", verb, "--account", "acme"], more].concat();
    serde_json::from_str(&run(database, &args)).unwrap_or_default()
}

fn complaint(database: &Database, verb: &str, more: &[&str]) -> String {
    let args = [&["endpoint", verb, "--account", "acme"], more].concat();
    let output = onhook(database, &args);
    assert!(!output.status.success(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// An account with an endpoint, by its id.
async fn furnished(receiver: &Receiver) -> (Database, String) {
    let database = cluster::fresh_database().await;
    run(&database, &["account", "create", "acme"]);
    let url = receiver.url();
    let added = endpoint(&database, "add", &[&url, "--events", "call.ended"]);
    let id = added["id"].as_str().unwrap().to_owned();
    (database, id)
}

#[tokio::test]
async fn an_endpoint_is_listed_shown_changed_disabled_enabled_and_removed() {
    let receiver = Receiver::start();
    let (database, id) = furnished(&receiver).await;
    let which = ["--id", id.as_str()];
    let shown = endpoint(&database, "show", &which);
    assert_eq!(shown["event_types"], json!(["call.ended"]));
    assert_eq!(shown["url"], receiver.url());
    assert_eq!(shown.get("secret"), None);
    endpoint(&database, "add", &[&receiver.url()]);
    let listed = run(&database, &["endpoint", "list", "--account", "acme"]);
    let listed: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0], shown);

    let set = |more: &[&str]| endpoint(&database, "set", &[&which, more].concat());
    let changed = set(&[
        "--url",
        "http://127.0.0.1:9/other",
        "--events",
        "call.*,endpoint.disabled",
        "--signatures",
        "v1a,v1",
        "--max-per-second",
        "20",
        "--max-concurrency",
        "3",
    ]);
    assert_eq!(changed["url"], "http://127.0.0.1:9/other");
    assert_eq!(
        changed["event_types"],
        json!(["call.*", "endpoint.disabled"])
    );
    assert_eq!(changed["signatures"], json!(["v1", "v1a"]));
    assert_eq!(changed["max_per_second"], 20);
    let bounded = set(&["--max-per-second", "none"]);
    assert_eq!(bounded["max_per_second"], Value::Null);
    assert_eq!(bounded["max_concurrency"], 3);
    assert_eq!(bounded["signatures"], changed["signatures"]);

    let disabled = endpoint(&database, "disable", &which);
    assert_eq!(disabled["disabled_reason"], "manual");
    assert_eq!(endpoint(&database, "enable", &which)["state"], "enabled");

    let remove = [&["endpoint", "remove", "--account", "acme"], &which[..]].concat();
    assert_eq!(run(&database, &remove), "");
    let verbs = [
        "show",
        "enable",
        "disable",
        "rotate-secret",
        "test",
        "remove",
    ];
    for verb in verbs {
        let said = complaint(&database, verb, &which);
        assert!(said.contains("no such endpoint"), "{verb}: {said}");
    }
    let said = complaint(&database, "set", &[&which[..], &["--events", "*"]].concat());
    assert!(said.contains("no such endpoint"), "{said}");
}

#[tokio::test]
async fn a_secret_is_rotated_and_the_former_signs_beside_it_for_as_long_as_is_said() {
    let receiver = Receiver::start();
    let (database, id) = furnished(&receiver).await;
    let rotate = |more: &[&str]| {
        let which = ["--id", id.as_str()];
        endpoint(&database, "rotate-secret", &[&which, more].concat())
    };
    let rotated = rotate(&["--overlap", "3600"]);
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
    assert!(rotated["former"][0]["expires_at"].is_string());
    endpoint(&database, "test", &["--id", &id]);
    let tested = receiver.received().remove(0);
    let signatures = tested.header("webhook-signature").to_owned();
    assert_eq!(signatures.split(' ').count(), 2, "{signatures}");
    let public = rotate(&["--scheme", "v1a"]);
    assert_eq!(public["secret"], Value::Null);
    assert!(public["public_key"].as_str().unwrap().starts_with("whpk_"));

    // Nothing that was made before signs any more.
    let secret = rotate(&["--overlap", "0"])["secret"].clone();
    endpoint(&database, "test", &["--id", &id]);
    let tested = receiver.received().remove(1);
    let webhook = standardwebhooks::Webhook::new(secret.as_str().unwrap()).unwrap();
    webhook.verify(&tested.body, &tested.headers).unwrap();
    let signatures = tested.header("webhook-signature").to_owned();
    assert_eq!(signatures.split(' ').count(), 1, "{signatures}");
}

#[tokio::test]
async fn a_test_says_what_came_back_and_fails_if_that_was_no_success() {
    let statuses = [204, 500];
    let receiver = Receiver::scripted(move |number, _| Reply::Status(statuses[number]));
    let (database, id) = furnished(&receiver).await;
    let tested = endpoint(&database, "test", &["--id", &id]);
    assert_eq!(tested["response"]["status"], 204);
    assert_eq!(receiver.received()[0].event_type(), "webhook.test");
    let test = ["endpoint", "test", "--account", "acme", "--id", &id];
    let output = onhook(&database, &test);
    assert!(!output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["outcome"], "server_error");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("server_error"), "{complaint}");
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_with_what_can() {
    let receiver = Receiver::start();
    let (database, id) = furnished(&receiver).await;
    let which = ["--id", id.as_str()];
    for (verb, more, reason) in [
        ("set", &[][..], "--url <URL>"),
        ("set", &["--events", "call.exploded"], "call.started"),
        ("set", &["--signatures", "v2"], "v1, v1a"),
        ("set", &["--max-per-second", "0"], "from 1 to 1000, or none"),
        ("set", &["--url", "http://10.0.0.1/"], "public"),
        ("rotate-secret", &["--overlap", "604801"], "0..=604800"),
        ("rotate-secret", &["--scheme", "rsa"], "v1, v1a"),
    ] {
        let said = complaint(&database, verb, &[&which, more].concat());
        assert!(said.contains(reason), "{verb} {more:?}: {said}");
    }
    for verb in ["add", "set", "rotate-secret", "test"] {
        let help = run(&database, &["endpoint", verb, "--help"]);
        let teaches = help.contains("Examples:") || help.contains("webhook.test");
        assert!(teaches, "{verb}: {help}");
    }
}
