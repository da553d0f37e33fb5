//! `onhook connection`, as a script uses it.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use onhook::{
    domain::{connection::Connection, id::ConnectionId},
    seal::SealingKey,
    store::{connections, pool},
};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::cluster::{self, Database};

mod managing;

/// The environment's secrets, and what is on standard input.
#[derive(Clone, Copy, Default)]
struct Given<'a> {
    secret: Option<&'a str>,
    signing_secret: Option<&'a str>,
    stdin: &'a str,
}

fn run(database: &Database, args: &[&str], given: Given<'_>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
    command
        .args(args)
        .env_clear()
        .env("DATABASE_URL", database.url())
        .env("ONHOOK_SECRET_KEY", "00".repeat(32))
        .env("ONHOOK_PUBLIC_URL", "https://calls.example.com")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(secret) = given.secret {
        command.env("ONHOOK_CONNECTION_SECRET", secret);
    }
    if let Some(secret) = given.signing_secret {
        command.env("ONHOOK_CONNECTION_SIGNING_SECRET", secret);
    }
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that fails early does not read it.
    drop(stdin.write_all(given.stdin.as_bytes()));
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn printed(database: &Database, args: &[&str], given: Given<'_>) -> Value {
    let output = run(database, args, given);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {complaint}");
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

const ADD: [&str; 4] = ["connection", "add", "--account", "acme"];
const TWILIO: [&str; 3] = ["twilio", "--account-sid", "AC1"];

async fn opened(database: &Database, added: &Value) -> Connection {
    let id: ConnectionId = added["id"].as_str().unwrap().parse().unwrap();
    let db = pool::connect_lazy(database.options(), 1);
    let key = SealingKey::parse(&"00".repeat(32).into()).unwrap();
    let found = connections::find_inbound(&db, id).await.unwrap().unwrap();
    db.close().await;
    found.open(&key).unwrap()
}

#[tokio::test]
async fn a_secret_comes_from_standard_input_or_the_environment() {
    let database = cluster::fresh_database().await;
    printed(&database, &["account", "create", "acme"], Given::default());
    let on_stdin = Given {
        stdin: "hush\n",
        ..Given::default()
    };
    let numbers = ["--number", "+14155550100", "--number", "+14155550101"];
    let add = [ADD.as_slice(), &TWILIO, &numbers].concat();
    let added = printed(&database, &add, on_stdin);
    let id = added["id"].as_str().unwrap();
    let callback = format!("https://calls.example.com/inbound/twilio/{id}#rc=5&rp=ct,rt,5xx");
    assert_eq!(added["provider"], "twilio");
    assert_eq!(added["status_callback_url"], callback);
    let connection = opened(&database, &added).await;
    assert_eq!(connection.credentials.secret.expose_secret(), "hush");

    let in_environment = Given {
        secret: Some("quiet"),
        stdin: "not this",
        ..Given::default()
    };
    let livekit = ["livekit", "--key", "API1", "--base-url", "wss://8.8.8.8"];
    let added = printed(
        &database,
        &[ADD.as_slice(), &livekit].concat(),
        in_environment,
    );
    let id = added["id"].as_str().unwrap();
    let callback = format!("https://calls.example.com/inbound/livekit/{id}");
    assert_eq!(added["status_callback_url"], callback);
    let connection = opened(&database, &added).await;
    assert_eq!(connection.credentials.secret.expose_secret(), "quiet");
    assert_eq!(connection.base_url.as_str(), "https://8.8.8.8/");

    let list = ["connection", "list", "--account", "acme"];
    let listed = run(&database, &list, Given::default()).stdout;
    let listed = String::from_utf8(listed).unwrap();
    assert_eq!(listed.lines().count(), 2);
    assert!(
        !listed.contains("hush") && !listed.contains("AC1"),
        "{listed}"
    );
}

#[tokio::test]
async fn what_answers_placed_calls_is_set_changed_and_taken_away() {
    let database = cluster::fresh_database().await;
    printed(&database, &["account", "create", "acme"], Given::default());
    let secret = Given {
        secret: Some("hush"),
        ..Given::default()
    };
    let url = ["--answer-url", "https://8.8.8.8/voice?a=b"];
    let added = printed(&database, &[&ADD[..], &TWILIO, &url].concat(), secret);
    let id = added["id"].as_str().unwrap();
    let list = ["connection", "list", "--account", "acme"];
    let listed = printed(&database, &list, Given::default());
    assert_eq!(listed["answer_url"], "https://8.8.8.8/voice?a=b");

    let answer = ["connection", "answer", "--account", "acme", "--id", id];
    let application = [&answer[..], &["--answer-application", "AP1"]].concat();
    let set = printed(&database, &application, Given::default());
    assert_eq!(
        (&set["answer_url"], &set["answer_application"]),
        (&Value::Null, &Value::from("AP1"))
    );
    let set = printed(&database, &answer, Given::default());
    assert_eq!(set["answer_application"], Value::Null);

    let nobody = "0190f5fe-7c00-7a00-8000-000000000000";
    for (args, reason) in [
        (
            [&answer[..], &url, &["--answer-application", "AP1"]].concat(),
            "cannot be used with",
        ),
        (
            [&answer[..], &["--answer-url", "http://10.0.0.1/"]].concat(),
            "public address",
        ),
        (
            [&answer[..], &["--answer-url", "voice"]].concat(),
            "answer URL",
        ),
        (
            [&answer[..], &["--answer-application", ""]].concat(),
            "no id",
        ),
        (
            ["connection", "answer", "--account", "acme", "--id", nobody].to_vec(),
            "no such connection",
        ),
    ] {
        let output = run(&database, &args, Given::default());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{args:?}");
        assert!(said.contains(reason), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn an_api_key_takes_callbacks_only_with_a_signing_secret() {
    let database = cluster::fresh_database().await;
    printed(&database, &["account", "create", "acme"], Given::default());
    let add = [ADD.as_slice(), &TWILIO, &["--api-key-sid", "SK1"]].concat();
    let mut given = Given {
        secret: Some("key"),
        ..Given::default()
    };
    let added = printed(&database, &add, given);
    assert_eq!(added["status_callback_url"], Value::Null);
    given.signing_secret = Some("token");
    let added = printed(&database, &add, given);
    assert_ne!(added["status_callback_url"], Value::Null);
    let credentials = opened(&database, &added).await.credentials;
    assert_eq!(credentials.key_id.as_deref(), Some("SK1"));
    assert_eq!(credentials.signing_secret.unwrap().expose_secret(), "token");
}

#[tokio::test]
async fn a_connection_that_cannot_be_added_says_why() {
    let database = cluster::fresh_database().await;
    let secret = Given {
        secret: Some("hush"),
        ..Given::default()
    };
    let huge = "x".repeat(20_000);
    let too_long = Given {
        stdin: &huge,
        ..Given::default()
    };
    let add = [ADD.as_slice(), &TWILIO].concat();
    let said = run(&database, &add, secret).stderr;
    assert!(String::from_utf8(said).unwrap().contains("acme"));

    printed(&database, &["account", "create", "acme"], Given::default());
    let livekit = [ADD.as_slice(), &["livekit", "--key", "API1"]].concat();
    for (args, given, reason) in [
        (
            add.clone(),
            Given::default(),
            "standard input has no secret",
        ),
        (add.clone(), too_long, "standard input has no secret"),
        (
            [add.as_slice(), &["--number", "4155550100"]].concat(),
            secret,
            "E.164",
        ),
        (
            [add.as_slice(), &["--base-url", "http://10.0.0.1"]].concat(),
            secret,
            "public address",
        ),
        (
            [add.as_slice(), &["--auth-token", "hush"]].concat(),
            secret,
            "unexpected argument",
        ),
        (livekit, secret, "--base-url"),
    ] {
        let output = run(&database, &args, given);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{args:?}"
        );
        assert!(said.contains(reason), "{args:?}: {said}");
    }
}
