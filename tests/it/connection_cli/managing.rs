//! `onhook connection` for what is there: shown, set, routed, rotated, tried, removed; and the options of every vendor.

use onhook::{calls::connect::Vendor, providers::profile::Slot, store::pool};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{ADD, Given, TWILIO, opened, printed, run};
use crate::cluster;

#[tokio::test]
async fn a_connection_is_shown_changed_routed_and_removed() {
    let database = cluster::fresh_database().await;
    printed(&database, &["account", "create", "acme"], Given::default());
    let secret = Given {
        secret: Some("hush"),
        ..Given::default()
    };
    let more = ["--label", "Support", "--number", "+14155550100"];
    let added = printed(&database, &[&ADD[..], &TWILIO, &more].concat(), secret);
    let id = added["id"].as_str().unwrap();
    let on = |command: &'static str| ["connection", command, "--account", "acme", "--id", id];
    let printed = |args: &[&str]| printed(&database, args, Given::default());
    assert_eq!(printed(&on("show")), added);

    let settings = ["--max-duration", "600", "--number", "+14155550101"];
    let set = printed(&[&on("set")[..], &settings, &["--clear", "label"]].concat());
    assert_eq!(
        (&set["label"], &set["max_duration"], &set["numbers"]),
        (&Value::Null, &600.into(), &vec!["+14155550101"].into())
    );
    let cleared = ["--clear", "max-duration", "--clear", "numbers"];
    let set = printed(&[&on("set")[..], &cleared].concat());
    assert_eq!(
        (&set["max_duration"], &set["numbers"]),
        (&Value::Null, &Value::Array(Vec::new()))
    );

    let route = [
        "connection",
        "route",
        "--account",
        "acme",
        "--number",
        "+14155550107",
    ];
    printed(&[&route[..], &["--id", id]].concat());
    assert_eq!(printed(&on("show"))["numbers"][0], "+14155550107");
    printed(&[&route[..], &["--nowhere"]].concat());

    printed(&on("remove"));
    for command in ["show", "remove", "test", "rotate"] {
        let output = run(&database, &on(command), secret);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("no such connection"), "{command}: {said}");
    }
}

#[tokio::test]
async fn a_rotation_replaces_what_is_given_and_keeps_the_rest() {
    let database = cluster::fresh_database().await;
    printed(&database, &["account", "create", "acme"], Given::default());
    let mut given = Given {
        secret: Some("key"),
        signing_secret: Some("token"),
        ..Given::default()
    };
    let add = [ADD.as_slice(), &TWILIO, &["--api-key-sid", "SK1"]].concat();
    let added = printed(&database, &add, given);
    let id = added["id"].as_str().unwrap();
    let rotate = ["connection", "rotate", "--account", "acme", "--id", id];
    given.secret = None;
    given.signing_secret = None;
    given.stdin = "second\n";
    let rotated = printed(
        &database,
        &[&rotate[..], &["--overlap-s", "60"]].concat(),
        given,
    );
    assert!(rotated["former_credentials_until"].is_string(), "{rotated}");
    let credentials = opened(&database, &added).await.credentials;
    assert_eq!(credentials.secret.expose_secret(), "second");
    assert_eq!(credentials.signing_secret.unwrap().expose_secret(), "token");
    assert_eq!(
        (credentials.account.as_str(), credentials.key_id.as_deref()),
        ("AC1", Some("SK1"))
    );

    given.signing_secret = Some("new token");
    let other = ["--credential", "api_key_sid=SK2", "--overlap-s", "0"];
    let rotated = printed(&database, &[&rotate[..], &other].concat(), given);
    assert_eq!(rotated["former_credentials_until"], Value::Null);
    let credentials = opened(&database, &added).await.credentials;
    assert_eq!(
        credentials.signing_secret.unwrap().expose_secret(),
        "new token"
    );
    assert_eq!(credentials.key_id.as_deref(), Some("SK2"));
    for (more, reason) in [
        (["--credential", "secret=hush"], "no argument may be"),
        (
            ["--credential", "signing_secret=hush"],
            "no argument may be",
        ),
        (["--credential", "pigeon=1"], "Twilio has account_sid"),
        (["--credential", "account_sid"], "NAME=VALUE"),
        (["--overlap-s", "604801"], "604801"),
    ] {
        let output = run(&database, &[&rotate[..], &more].concat(), given);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains(reason),
            "{more:?}: {said}"
        );
    }
}

#[tokio::test]
async fn a_connection_is_tried_and_what_its_vendor_says_is_printed() {
    let database = cluster::fresh_database().await;
    printed(&database, &["account", "create", "acme"], Given::default());
    let secret = Given {
        secret: Some("hush"),
        ..Given::default()
    };
    let add = [ADD.as_slice(), &TWILIO].concat();
    let added = printed(&database, &add, secret);
    let id = added["id"].as_str().unwrap();
    let db = pool::connect_lazy(database.options(), 1);
    sqlx::query("update connections set sealed_credentials = ''")
        .execute(&db)
        .await
        .unwrap();
    db.close().await;
    let output = run(
        &database,
        &["connection", "test", "--account", "acme", "--id", id],
        secret,
    );
    assert!(!output.status.success());
    let tested: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&tested["ok"], &tested["outcome"]),
        (&Value::Bool(false), &"sealed".into())
    );
}

#[tokio::test]
async fn every_vendor_has_its_options_and_an_example() {
    let database = cluster::fresh_database().await;
    for vendor in Vendor::all() {
        let (name, profile) = (vendor.name(), vendor.profile());
        let help = run(
            &database,
            &[&ADD[..], &[name, "--help"]].concat(),
            Given::default(),
        );
        let help = String::from_utf8(help.stdout).unwrap();
        let example = format!("onhook connection add --account acme {name}");
        assert!(
            help.contains(&example) && help.contains(profile.title),
            "{help}"
        );
        for field in profile.credentials {
            let option = format!("--{}", field.name.replace('_', "-"));
            let secret = matches!(field.slot, Slot::Secret | Slot::SigningSecret);
            assert_eq!(
                help.contains(&format!("{option} <")),
                !secret,
                "{option}: {help}"
            );
            assert!(help.contains(field.help), "{}: {help}", field.name);
        }
        assert_eq!(help.contains("--number"), vendor.has_numbers(), "{help}");
        assert_eq!(help.contains("--answer-url"), profile.places, "{help}");
    }
}

#[tokio::test]
async fn what_cannot_be_set_or_routed_says_why() {
    let database = cluster::fresh_database().await;
    printed(&database, &["account", "create", "acme"], Given::default());
    let secret = Given {
        secret: Some("hush"),
        ..Given::default()
    };
    let added = printed(&database, &[&ADD[..], &TWILIO].concat(), secret);
    let id = added["id"].as_str().unwrap();
    let on = |command: &'static str| ["connection", command, "--account", "acme", "--id", id];
    let number = ["--number", "+14155550107"];
    let route = [&["connection", "route", "--account", "acme"][..], &number].concat();
    let nobody = "0190f5fe-7c00-7a00-8000-000000000000";
    for (args, reason) in [
        (
            [&route[..], &["--nowhere"]].concat(),
            "routed to no connection",
        ),
        (
            [&route[..], &["--id", nobody]].concat(),
            "no such connection",
        ),
        (
            [&on("set")[..], &["--label", "x", "--clear", "label"]].concat(),
            "set and cleared",
        ),
        (
            [&on("set")[..], &["--max-duration", "604801"]].concat(),
            "604801",
        ),
        (
            [&on("set")[..], &["--label", " "]].concat(),
            "must not be empty",
        ),
    ] {
        let output = run(&database, &args, Given::default());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains(reason),
            "{args:?}: {said}"
        );
    }
}
