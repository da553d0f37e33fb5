//! Legs: what belongs to a call ends with it, once, and each has its own outcome.

use onhook::calls::end::LEGS_MAX;
use serde_json::json;

use super::{Alive, provider_part, resource};
use crate::provider_double::Reply;

fn ended(count: usize) -> Vec<Reply> {
    (0..count).map(|_| resource("CA", "completed")).collect()
}

#[tokio::test]
async fn ending_a_call_ends_every_leg_below_it_and_each_is_asked_for_once() {
    let alive = Alive::boot(ended(9)).await;
    let root = alive.call("CA-root", "in-progress").await;
    let child = alive.leg("CA-child", "in-progress", Some("CA-root")).await;
    let grandchild = alive
        .leg("CA-grandchild", "ringing", Some("CA-child"))
        .await;
    let over = alive.leg("CA-over", "busy", Some("CA-root")).await;
    let other = alive.call("CA-other", "in-progress").await;

    let legs = alive.get(&format!("/v1/calls/{root}/legs")).await;
    let names: Vec<&str> = legs["legs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leg| leg["call_sid"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["CA-child", "CA-grandchild", "CA-over"], "{legs}");
    assert_eq!(legs["legs"][1]["parent_call_sid"], "CA-child");
    assert_eq!(legs["legs"][2]["call_status"], "busy");
    assert_eq!(legs["parent_call_sid"], json!(null));
    let below = alive.get(&format!("/v1/calls/{child}/legs")).await;
    assert_eq!(below["parent_call_sid"], "CA-root");
    assert_eq!(below["legs"].as_array().unwrap().len(), 1, "{below}");

    assert_eq!(alive.end(&root).await, "ended");
    for (call, status) in [
        (&root, "completed"),
        (&child, "completed"),
        (&grandchild, "canceled"),
    ] {
        let call = alive.read(call).await;
        assert_eq!(call["call_status"], status, "{call}");
        assert_eq!(call["disconnect_reason"], "Ended Via API call");
        let part = provider_part(&call);
        assert_eq!(
            (&part["state"], &part["attempts"]),
            (&json!("done"), &json!(1))
        );
    }
    assert_eq!(alive.read(&over).await["terminations"], json!([]));
    assert_eq!(alive.read(&other).await["call_status"], "in-progress");
    let mut asked: Vec<String> = alive
        .twilio
        .requests()
        .iter()
        .map(|request| request.target.rsplit('/').next().unwrap().to_owned())
        .collect();
    asked.sort();
    assert_eq!(
        asked,
        ["CA-child.json", "CA-grandchild.json", "CA-root.json"]
    );

    alive.app.make_jobs_due().await;
    alive.app.run_jobs().await;
    assert_eq!(alive.asked("POST"), 3, "nobody asks twice");
    assert_eq!(alive.end(&child).await, "already_ended");
}

#[tokio::test]
async fn legs_belong_together_in_whatever_order_they_are_reported() {
    let reports = [
        ("CA-root", "in-progress", None),
        ("CA-child", "ringing", Some("CA-root")),
        ("CA-child", "in-progress", Some("CA-root")),
        ("CA-grandchild", "ringing", Some("CA-child")),
    ];
    for order in [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [2, 3, 0, 1],
        [1, 0, 3, 2],
        [3, 0, 2, 1],
        [2, 1, 3, 0],
    ] {
        let alive = Alive::boot(ended(3)).await;
        for report in order {
            let (sid, status, parent) = reports[report];
            alive.leg(sid, status, parent).await;
        }
        let root = alive.id("CA-root").await;
        assert_eq!(alive.end(&root).await, "ended", "{order:?}");
        for (sid, status) in [
            ("CA-root", "completed"),
            ("CA-child", "completed"),
            ("CA-grandchild", "canceled"),
        ] {
            let call = alive.read(&alive.id(sid).await).await;
            assert_eq!(call["call_status"], status, "{order:?}");
        }
        assert_eq!(alive.asked("POST"), 3, "{order:?}");
    }
}

#[tokio::test]
async fn ending_a_leg_leaves_the_call_that_made_it() {
    let alive = Alive::boot(ended(1)).await;
    let root = alive.call("CA-root", "in-progress").await;
    let child = alive.leg("CA-child", "in-progress", Some("CA-root")).await;
    assert_eq!(alive.end(&child).await, "ended");
    assert_eq!(alive.read(&root).await["call_status"], "in-progress");
    assert_eq!(alive.asked("POST"), 1);
}

#[tokio::test]
async fn legs_that_made_each_other_end_and_nothing_turns_in_circles() {
    let alive = Alive::boot(ended(2)).await;
    let one = alive.leg("CA-one", "in-progress", Some("CA-two")).await;
    let two = alive.leg("CA-two", "in-progress", Some("CA-one")).await;
    let itself = alive
        .leg("CA-itself", "in-progress", Some("CA-itself"))
        .await;
    assert_eq!(alive.end(&one).await, "ended");
    assert_eq!(alive.read(&two).await["call_status"], "completed");
    let legs = alive.get(&format!("/v1/calls/{itself}/legs")).await;
    assert_eq!(legs["legs"], json!([]));
}

#[tokio::test]
async fn all_legs_of_a_conversation_end_together() {
    let alive = Alive::boot(ended(3)).await;
    let mut calls = Vec::new();
    for sid in ["CA-1", "CA-2", "CA-3", "CA-4"] {
        calls.push(alive.call(sid, "in-progress").await);
    }
    // Twilio tells of parents alone; what others tell of conversations stands in the same row.
    sqlx::query(
        "insert into legs (account_id, provider, name, conversation)
         select account_id, 'twilio', provider_call_id, 'CON-1' from calls where provider_call_id <> 'CA-4'",
    )
    .execute(&alive.app.db)
    .await
    .unwrap();
    let below = alive.leg("CA-below", "in-progress", Some("CA-2")).await;
    alive.twilio.then(ended(1));
    assert_eq!(alive.end(&calls[0]).await, "ended");
    for call in [&calls[0], &calls[1], &calls[2], &below] {
        assert_eq!(alive.read(call).await["call_status"], "completed");
    }
    assert_eq!(alive.read(&calls[3]).await["call_status"], "in-progress");
    assert_eq!(alive.asked("POST"), 4);
}

#[tokio::test]
async fn more_legs_than_end_at_once_are_ended_by_a_worker() {
    let legs = LEGS_MAX + 3;
    let alive = Alive::boot(ended(legs + 1)).await;
    let root = alive.call("CA-root", "in-progress").await;
    for leg in 0..legs {
        alive
            .leg(&format!("CA-{leg}"), "in-progress", Some("CA-root"))
            .await;
    }
    alive.end(&root).await;
    let live = "select count(*) from calls where state = 'in_progress'";
    assert_eq!(
        alive.number(live).await,
        3,
        "the first request ends so many"
    );
    alive.app.make_jobs_due().await;
    alive.app.run_jobs().await;
    assert_eq!(alive.number(live).await, 0);
    assert_eq!(alive.asked("POST"), legs + 1);
    let done = "select count(*) from terminations where part = 'provider' and state = 'done' and attempts = 1";
    assert_eq!(alive.number(done).await, i64::try_from(legs).unwrap() + 1);
}

#[tokio::test]
async fn a_leg_that_shows_up_after_the_end_is_ended_too() {
    let alive = Alive::boot(ended(2)).await;
    let root = alive.call("CA-root", "in-progress").await;
    assert_eq!(alive.end(&root).await, "ended");
    let late = alive.leg("CA-late", "ringing", Some("CA-root")).await;
    assert_eq!(alive.read(&late).await["call_status"], "ringing");
    alive.app.run_jobs().await;
    let late = alive.read(&late).await;
    assert_eq!(late["call_status"], "canceled");
    assert_eq!(late["disconnect_reason"], "Ended Via API call");
    assert_eq!(provider_part(&late)["state"], "done");
    assert_eq!(alive.asked("POST"), 2);
}

#[tokio::test]
async fn a_leg_whose_call_ended_by_itself_goes_on() {
    let alive = Alive::boot([]).await;
    alive.call("CA-root", "completed").await;
    let late = alive.leg("CA-late", "in-progress", Some("CA-root")).await;
    alive.app.run_jobs().await;
    assert_eq!(alive.read(&late).await["call_status"], "in-progress");
    assert!(alive.twilio.requests().is_empty());
}
