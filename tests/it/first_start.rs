//! The first start on the embedded default: what it prints works as it stands, and commands work beside it.

use std::{fs::File, process::Stdio};

use onhook::embedded::Durability;
use serde_json::Value;

use crate::{
    cluster,
    service::{Service, Settings},
};

/// What a start with these settings prints.
async fn printed(settings: &Settings) -> (Service, String) {
    let said = tempfile::NamedTempFile::new().unwrap();
    let print = Stdio::from(File::create(said.path()).unwrap());
    let service = Service::start_saying(settings, print, Stdio::null()).await;
    let text = std::fs::read_to_string(said.path()).unwrap();
    (service, text)
}

#[tokio::test]
async fn the_first_start_says_what_to_try_and_it_works() {
    let cluster = cluster::settings("first-start", Durability::Durable);
    let (settings, data_dir) = (Settings::embedded(&cluster), cluster.data_dir);
    let (service, welcome) = printed(&settings).await;
    assert!(welcome.contains("first start"), "{welcome}");
    for place in ["cluster", "secret.key"] {
        let place = data_dir.join(place);
        assert!(place.exists() && welcome.contains(place.to_str().unwrap()));
    }

    // The documented request, as it is printed: no credentials.
    let (_, body) = welcome.split_once("-d '").unwrap();
    let (body, _) = body.split_once('\'').unwrap();
    let client = reqwest::Client::new();
    let post = client.post(service.url("/api/v1/voip/call-end"));
    let post = post.header("content-type", "application/json");
    let answer = post.body(body.to_owned()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.text().await.unwrap(),
        r#"{"data":{"success":true,"message":"Successfully saved"}}"#
    );

    let key = settings.run(&["key", "create", "--account", "default", "--kind", "app"]);
    let list = client.get(service.url("/calls/query")).bearer_auth(key);
    let calls: Value = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(calls["data"].as_array().unwrap().len(), 1, "{calls}");
    assert!(!settings.run(&["doctor"]).contains("WRONG"));
    settings.run(&["health"]);
    assert!(service.terminate().await.success());

    // A command starts the server itself when no service runs; the second start has nothing to explain.
    assert!(settings.run(&["account", "list"]).contains("default"));
    let (service, again) = printed(&settings).await;
    assert_eq!(again, "");
    assert!(service.terminate().await.success());
    std::fs::remove_dir_all(data_dir).unwrap();
}

#[tokio::test]
async fn where_others_can_reach_it_the_default_account_asks_for_a_key() {
    let cluster = cluster::settings("first-start-open", Durability::Durable);
    let settings = Settings::embedded(&cluster);
    let settings = settings.with("ONHOOK_LISTEN", "0.0.0.0:0");
    let account = settings
        .command()
        .arg("serve")
        .stdout(Stdio::piped())
        .spawn();
    let mut child = account.unwrap();
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut welcome = String::new();
    while !welcome.contains("account") {
        let read = std::io::BufRead::read_line(&mut said, &mut welcome).unwrap();
        assert_ne!(read, 0, "it ended: {welcome}");
    }
    assert!(welcome.contains("asks for a key"), "{welcome}");
    assert!(
        settings
            .run(&["account", "list"])
            .contains("\"voip\":\"key\"")
    );
    child.kill().unwrap();
    child.wait().unwrap();
}
