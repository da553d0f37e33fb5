//! The command line, as a script uses it: what is printed where, and what the exit code says.

use std::process::{Command, Output};

use onhook::{api::document, config::setting, domain::key::ApiKey};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use crate::cluster::{self, Database};

/// Runs the binary on a database, with no other environment.
fn onhook(database: &Database, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
    command
        .args(args)
        .env_clear()
        .env("DATABASE_URL", database.url())
        .env("ONHOOK_SECRET_KEY", "00".repeat(32));
    command.output().unwrap()
}

/// What a command that succeeds prints.
fn printed(database: &Database, args: &[&str]) -> String {
    let output = onhook(database, args);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {complaint}");
    assert_eq!(complaint, "", "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that fails says.
fn complaint(database: &Database, args: &[&str]) -> String {
    let output = onhook(database, args);
    assert!(!output.status.success(), "{args:?}");
    assert!(output.stdout.is_empty(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn json_lines(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn a_key_is_printed_alone_and_can_be_revoked() {
    let database = cluster::fresh_database().await;
    let account = printed(&database, &["account", "create", "acme", "--voip", "open"]);
    assert_eq!(json_lines(&account)[0]["voip"], "open");

    let create = ["key", "create", "--account", "acme", "--kind", "staff"];
    let more = ["--staff", "s1", "--prefer", "strict", "--expires-in", "30"];
    let key = printed(&database, &[create.as_slice(), &more].concat());
    ApiKey::parse(key.trim_end()).expect("the key, and nothing else");

    let listed = printed(&database, &["key", "list", "--account", "acme"]);
    let listed = json_lines(&listed);
    assert_eq!(listed.len(), 1);
    assert!(key.starts_with(listed[0]["prefix"].as_str().unwrap()));
    assert!(!listed[0].to_string().contains(key.trim_end()));
    assert_eq!(listed[0]["prefer"], "strict");
    assert_eq!(listed[0]["revoked_at"], Value::Null);

    let key_id = listed[0]["key_id"].as_str().unwrap();
    let revoke = ["key", "revoke", "--account", "acme", key_id];
    assert_eq!(printed(&database, &revoke), "");
    let listed = printed(&database, &["key", "list", "--account", "acme"]);
    assert_ne!(json_lines(&listed)[0]["revoked_at"], Value::Null);
}

#[tokio::test]
async fn accounts_are_made_once_listed_and_closed() {
    let database = cluster::fresh_database().await;
    printed(
        &database,
        &["account", "create", "partner", "--voip", "open"],
    );
    let create = ["account", "create", "below"];
    let below = ["--directory", "partner", "--business-uid", "biz_42"];
    printed(&database, &[create.as_slice(), &below].concat());
    assert!(complaint(&database, &create).contains("exists already"));
    printed(&database, &["account", "set", "partner", "--voip", "key"]);
    for (bound, kept) in [
        ("604800", serde_json::json!(604_800)),
        ("none", Value::Null),
    ] {
        let limit = ["account", "limit", "partner", "--max-duration", bound];
        let limited = json_lines(&printed(&database, &limit));
        assert_eq!(limited[0]["max_duration"], kept);
    }

    let listed = json_lines(&printed(&database, &["account", "list"]));
    assert_eq!(listed[0]["business_uid"], "biz_42");
    assert_eq!(listed[0]["directory_account_id"], listed[1]["account_id"]);
    assert_eq!(listed[1]["voip"], "key");
}

#[tokio::test]
async fn an_endpoint_is_added_and_printed_with_its_secret() {
    let database = cluster::fresh_database().await;
    printed(&database, &["account", "create", "acme"]);
    let add = ["endpoint", "add", "--account", "acme"];
    let to = [
        "http://93.184.215.14/hook",
        "--events",
        "call.ended,call.analyzed",
    ];
    let added = printed(&database, &[add.as_slice(), &to].concat());
    let added = &json_lines(&added)[0];
    assert_eq!(
        added["event_types"],
        serde_json::json!(["call.ended", "call.analyzed"])
    );
    assert!(added["secret"].as_str().unwrap().starts_with("whsec_"));
    uuid::Uuid::parse_str(added["id"].as_str().unwrap()).unwrap();

    for (args, reason) in [
        (&["http://127.0.0.1:9000/"][..], "ONHOOK_EGRESS_ALLOW"),
        (&["/hook"], "must be an absolute http or https URL"),
        (
            &["http://93.184.215.14/", "--events", "call.exploded"],
            "call.started",
        ),
    ] {
        let said = complaint(&database, &[add.as_slice(), args].concat());
        assert!(said.contains(reason), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn a_command_that_cannot_be_done_says_why() {
    let database = cluster::fresh_database().await;
    for (args, reason) in [
        (&["account", "create", "Acme"][..], "must be 1 to 63 of a-z"),
        (
            &["account", "create", "a", "--directory", "b"],
            "no account `b`",
        ),
        (
            &["account", "set", "a", "--voip", "open"],
            "onhook account create a",
        ),
        (
            &["key", "create", "--account", "a", "--kind", "app"],
            "onhook account create a",
        ),
        (
            &["key", "create", "--account", "a", "--kind", "root"],
            "possible values",
        ),
        (
            &[
                "key",
                "create",
                "--account",
                "a",
                "--kind",
                "app",
                "--expires-in",
                "0",
            ],
            "1..=36500",
        ),
        (&["key", "list", "--account", "a"], "no account `a`"),
    ] {
        let said = complaint(&database, args);
        assert!(said.contains(reason), "{args:?}: {said}");
    }
    printed(&database, &["account", "create", "a"]);
    let revoke = ["key", "revoke", "--account", "a", "onhook_app_00000000"];
    assert!(complaint(&database, &revoke).contains("no such key"));
}

#[tokio::test]
async fn an_old_schema_is_named_and_migrated_on_demand() {
    let database = cluster::fresh_database().await;
    let mut conn = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    let empty = "drop schema public cascade; create schema public";
    sqlx::raw_sql(empty).execute(&mut conn).await.unwrap();
    let list = ["account", "list"];
    assert!(complaint(&database, &list).contains("onhook migrate"));
    assert!(printed(&database, &["migrate"]).contains("up to date"));
    assert_eq!(
        printed(&database, &["migrate"]),
        printed(&database, &["migrate"])
    );
    assert_eq!(printed(&database, &list), "");
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong() {
    let database = cluster::fresh_database().await;
    let mut conn = PgConnection::connect_with(&database.options())
        .await
        .unwrap();
    let well = onhook(&database, &["doctor"]);
    let report = String::from_utf8(well.stdout).unwrap();
    for subject in [
        "server",
        "clock",
        "schema",
        "queue",
        "webhooks",
        "silence",
        "endings",
        "parked",
        "secret key",
    ] {
        assert!(report.contains(&format!("ok     {subject}")), "{report}");
    }

    let late = "insert into jobs (job_id, kind, args, run_at, attempts_max)
                values (gen_random_uuid(), 'analyze', '{}', now() - interval '1 hour', 3)";
    sqlx::raw_sql(late).execute(&mut conn).await.unwrap();
    // Sealed with a key that nobody has: format 1, an unknown id.
    let sealed = "with a as (
                    insert into accounts (account_id, name, business_uid)
                    values (gen_random_uuid(), 'a', 'a') returning account_id)
                  insert into connections (account_id, connection_id, provider, base_url, sealed_credentials)
                  select account_id, gen_random_uuid(), 'twilio', 'https://x', '\\x0101020304' from a";
    sqlx::raw_sql(sealed).execute(&mut conn).await.unwrap();
    let hangs = "insert into reconciliations (account_id, call_id, next_check_at, unknown_since, unknowns, failures)
                 values (gen_random_uuid(), gen_random_uuid(), now() - interval '1 hour', now(), 1, 2);
                 insert into terminations (account_id, call_id, part, state, requested_at)
                 values (gen_random_uuid(), gen_random_uuid(), 'provider', 'pending', now() - interval '2 hours'),
                        (gen_random_uuid(), gen_random_uuid(), 'room', 'failed', now())";
    sqlx::raw_sql(hangs).execute(&mut conn).await.unwrap();
    let unheld = "insert into delivery_queue (endpoint_id, due_at, delivery_id, account_id, event_id, event_type, size)
                  values (gen_random_uuid(), now() - interval '2 minutes', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
                          'call.ended', 2)";
    sqlx::raw_sql(unheld).execute(&mut conn).await.unwrap();
    let ill = onhook(&database, &["doctor"]);
    assert_eq!(ill.status.code(), Some(1));
    let report = String::from_utf8(ill.stdout).unwrap();
    for subject in ["queue", "webhooks", "silence", "endings", "secret key"] {
        assert!(report.contains(&format!("WRONG  {subject}")), "{report}");
    }
    for says in [
        "1 live calls are watched, of which 1 are unknown to their provider and 1 could not be asked about",
        "1 unconfirmed for more than an hour, 1 given up within a day",
        "1 endpoints that nobody delivers to, the first for 120 s",
    ] {
        assert!(report.contains(says), "{report}");
    }

    let older = "drop table _sqlx_migrations";
    sqlx::raw_sql(older).execute(&mut conn).await.unwrap();
    let report = String::from_utf8(onhook(&database, &["doctor"]).stdout).unwrap();
    assert!(report.contains("WRONG  schema"), "{report}");
}

#[test]
fn a_doctor_who_reaches_no_database_says_so() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
    command
        .arg("doctor")
        .env_clear()
        .env("DATABASE_URL", "postgres://x:hunter2@127.0.0.1:1/x")
        .env("ONHOOK_SECRET_KEY", "00".repeat(32));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("WRONG  database"), "{report}");
    assert!(!report.contains("hunter2"));
}

#[test]
fn bad_settings_stop_every_command_with_a_code_of_their_own() {
    for args in [&["migrate"][..], &["config", "check"], &["health"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
        command
            .args(args)
            .env_clear()
            .env("ONHOOK_LISTEN", "nowhere")
            .env("ONHOOK_COLOUR", "red");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(78), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("ONHOOK_LISTEN") && said.contains("ONHOOK_COLOUR"));
    }
}

#[test]
fn the_documents_are_printed_whatever_the_settings() {
    for (args, expected) in [
        (&["config", "docs"][..], setting::markdown()),
        (&["config", "example"], setting::env_example()),
        (&["openapi"], document::yaml()),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
        command.args(args).env_clear();
        let output = command.env("ONHOOK_LISTEN", "nowhere").output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

#[test]
fn without_a_service_it_is_not_healthy() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
    command.arg("health").env_clear();
    let output = command.env("ONHOOK_LISTEN", address.to_string()).output();
    assert_eq!(output.unwrap().status.code(), Some(1));
}
