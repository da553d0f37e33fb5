//! `onhook export`, by the real binary.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Output, Stdio},
};

use onhook::{
    domain::{account::VoipMode, call_object::CallObject},
    embedded::Durability,
};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use super::{export, formats::read_csv, seed};
use crate::{
    app::{TestAccount, TestApp},
    call_seed,
    cluster::{self, Database},
    service::{Service, Settings},
};

fn command(database: &Database, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onhook"));
    command
        .args(["export", "--account", "acme"])
        .args(args)
        .env_clear()
        .env("DATABASE_URL", database.url())
        .env("ONHOOK_SECRET_KEY", "00".repeat(32));
    command
}

fn run(database: &Database, args: &[&str]) -> Output {
    command(database, args).output().unwrap()
}

/// What an export that comes to its end prints; it has nothing to say besides.
fn printed(database: &Database, args: &[&str]) -> String {
    let output = run(database, args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {said}");
    assert_eq!(said, "", "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn complaint(database: &Database, args: &[&str]) -> String {
    let output = run(database, args);
    assert!(!output.status.success(), "{args:?}");
    assert_eq!(output.stdout, b"", "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// An account whose calls the service exports, too.
async fn furnished(calls: i32) -> (TestApp, TestAccount) {
    let app = TestApp::boot().await;
    let account = app.account("acme", VoipMode::Key).await;
    call_seed::seed(&app, &account).await;
    seed(&app, &account, calls).await;
    (app, account)
}

#[tokio::test]
async fn a_command_writes_what_the_service_answers() {
    let (app, account) = furnished(150).await;
    for (args, query) in [
        (&[][..], ""),
        (&["--format", "csv"], "format=csv"),
        (&["--format", "csv-safe"], "format=csv-safe"),
        (
            &["--status", "compl", "--end-date", "2026-03-04"],
            "status=compl&end_date=2026-03-04",
        ),
        (&["--search", "parcel"], "search=parcel"),
        (
            &[
                "--filter",
                "call_duration",
                "gte",
                "10",
                "--filter",
                "call_to",
                "is_null",
                "false",
            ],
            "filter_columns[]=call_duration&filter_operator[]=gte&filter_values[]=10\
             &filter_columns[]=call_to&filter_operator[]=is_null&filter_values[]=false",
        ),
    ] {
        let answered = export(&app, &account.key, query).await;
        assert_eq!(printed(app.database(), args), answered, "{args:?}");
        assert!(answered.lines().count() > 1, "{args:?}");
    }
}

#[tokio::test]
async fn a_file_is_gone_on_with_wherever_it_was_cut() {
    let (app, _) = furnished(50).await;
    let folder = tempfile::tempdir().unwrap();
    for format in ["ndjson", "csv", "csv-safe"] {
        let path = folder.path().join(format);
        let to = ["--format", format, "--output", path.to_str().unwrap()];
        assert_eq!(printed(app.database(), &to), "");
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole, printed(app.database(), &to[..2]).as_bytes());
        let again = complaint(app.database(), &to);
        assert!(again.contains("--resume"), "{again}");

        let resume = [&to[..], &["--resume"]].concat();
        let newline = whole.iter().position(|byte| *byte == b'\n').unwrap();
        // Nothing, within the first line, at its end, within rows and within a quoted line break, and nothing missing.
        for cut in [
            0,
            1,
            newline,
            newline + 1,
            newline + 2,
            whole.len() / 3,
            whole.len() / 2,
            whole.len() - 30,
            whole.len() - 1,
            whole.len(),
        ] {
            fs::write(&path, &whole[..cut]).unwrap();
            let output = run(app.database(), &resume);
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success(), "{format} {cut}: {said}");
            assert!(fs::read(&path).unwrap() == whole, "{format} {cut}");
            let is_cut = said.contains("of a row that is not whole are cut off");
            if format == "ndjson" {
                let is_whole = cut == 0 || whole[..cut].ends_with(b"\n");
                assert_eq!(is_cut, !is_whole, "{cut}: {said}");
            }
        }
        let row = whole
            .windows(2)
            .rposition(|pair| pair == b"\nl")
            .unwrap_or(whole.len() / 2);
        fs::write(&path, &whole[..=row]).unwrap();
        assert!(run(app.database(), &resume).status.success());
        assert!(fs::read(&path).unwrap() == whole, "{format} within a cell");
    }
}

#[tokio::test]
async fn a_file_that_is_no_such_export_is_left_alone() {
    let (app, account) = furnished(3).await;
    let other = app.account("other", VoipMode::Key).await;
    seed(&app, &other, 1).await;
    let foreign = export(&app, &other.key, "").await;
    let own = export(&app, &account.key, "").await;
    let csv = export(&app, &account.key, "format=csv").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls");
    for (format, text, reason) in [
        (
            "csv",
            own.as_str(),
            "its first line is not that of an export as csv",
        ),
        ("csv", "x", "its first line is not that of an export as csv"),
        (
            "ndjson",
            csv.as_str(),
            "its last row is not a call as ndjson",
        ),
        (
            "ndjson",
            "my notes\n",
            "its last row is not a call as ndjson",
        ),
        ("ndjson", foreign.as_str(), "the account has no call"),
    ] {
        fs::write(&path, text).unwrap();
        let to = [
            "--format",
            format,
            "--resume",
            "--output",
            path.to_str().unwrap(),
        ];
        let said = complaint(app.database(), &to);
        assert!(said.contains(reason), "{format}: {said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test]
async fn what_cannot_be_exported_is_said() {
    let (app, _) = furnished(1).await;
    for (args, reason) in [
        (&["--status", ""][..], "status must not be empty"),
        (&["--start-date", "today"], "start_date must be a day"),
        (&["--filter", "colour", "eq", "red"], "filter_columns[0]"),
        (&["--filter", "call_to", "eq"], "3 values required"),
        (&["--resume"], "--output"),
        (&["--format", "xml"], "possible values"),
        (
            &["--after", "00000000-0000-7000-8000-000000000000"],
            "the account has no call",
        ),
        (
            &["--output", "/nowhere/calls"],
            "cannot write /nowhere/calls",
        ),
    ] {
        let said = complaint(app.database(), args);
        assert!(said.contains(reason), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn a_command_that_is_stopped_says_how_to_go_on() {
    let (app, account) = furnished(4000).await;
    let whole = export(&app, &account.key, "").await;
    let mut child = command(app.database(), &["--progress"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Begun, and then not read: it waits for us with the pipe full.
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    for _ in 0..150 {
        out.read_line(&mut first).unwrap();
    }
    let mut interrupt = Command::new("sh");
    interrupt.args(["-c", &format!("kill -INT {}", child.id())]);
    assert!(interrupt.status().unwrap().success());
    let mut said = String::new();
    let mut complaints = child.stderr.take().unwrap();
    complaints.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();

    assert!(said.contains(" calls, "), "the progress: {said}");
    let (_, after) = said.split_once("--after ").expect(&said);
    let (after, _) = after.split_once(' ').unwrap();
    let came = format!("{first}{rest}");
    // Behind the call that is named there may be more, and the last of it may not be whole.
    let named = came.lines().position(|line| line.contains(after)).unwrap();
    let kept: String = came.split_inclusive('\n').take(named + 1).collect();
    let goes_on = printed(app.database(), &["--after", after]);
    assert!(!goes_on.is_empty());
    assert!(format!("{kept}{goes_on}") == whole);
}

#[tokio::test]
async fn a_reader_that_has_seen_enough_is_no_failure() {
    let (app, _) = furnished(4000).await;
    let mut child = command(app.database(), &[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "");
}

#[tokio::test]
async fn the_private_database_is_exported_while_the_service_runs() {
    let cluster = cluster::settings("export", Durability::ForTests);
    let (settings, data_dir) = (Settings::embedded(&cluster), cluster.data_dir.clone());
    let service = Service::start(&settings).await;
    let post = reqwest::Client::new().post(service.url("/api/v1/voip/call-end"));
    let post = post.header("content-type", "application/json");
    let ended = r#"{"CallId": "CA-1", "From": "+1", "To": "+2", "Direction": "incoming", "CallStatus": "completed"}"#;
    assert_eq!(post.body(ended).send().await.unwrap().status(), 200);
    let server = onhook::embedded::Cluster::attach(cluster).await.unwrap();
    let mut conn = PgConnection::connect_with(&server.connect_options())
        .await
        .unwrap();
    let age = "update calls set created_at = created_at - interval '1 minute'";
    sqlx::raw_sql(age).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    server.stop().await;

    let row = settings.run(&["export", "--account", "default"]);
    let row: Value = serde_json::from_str(&row).unwrap();
    assert_eq!(row["call_sid"], "CA-1");
    assert!(service.terminate().await.success());
    // And when it does not.
    let rows = settings.run(&["export", "--account", "default", "--format", "csv"]);
    let rows = read_csv(&format!("{rows}\r\n"));
    assert_eq!(rows[0], CallObject::FIELDS);
    assert_eq!(rows[1][1], "CA-1");
    fs::remove_dir_all(data_dir).unwrap();
}
