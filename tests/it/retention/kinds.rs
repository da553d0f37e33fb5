//! Each kind, when its time is reached and when it is not.

use std::time::Duration;

use super::*;
use crate::deadline::eventually;

/// How many there are of each kind that goes by its age alone.
async fn kept(scene: &Scene) -> [i64; 4] {
    let mut kept = [0; 4];
    for (kept, table) in kept
        .iter_mut()
        .zip(["events", "attempts", "deliveries", "receipts"])
    {
        *kept = scene.count(table).await;
    }
    kept
}

#[tokio::test]
async fn bodies_go_after_a_month_and_the_rest_of_webhooks_and_reports_after_three() {
    // The first attempt at each fails.
    let receiver =
        Receiver::scripted(|number, _| Reply::Status(if number < 2 { 500 } else { 200 }));
    let scene = Scene::told_by(receiver).await;
    scene.ended(&scene.account, "old").await;
    for _ in 0..3 {
        scene.app.run_jobs().await;
        scene.app.make_jobs_due().await;
    }
    let all = kept(&scene).await;
    assert!(all.iter().all(|kept| *kept > 0), "{all:?}");
    scene.age(30 * DAY - HOUR).await;
    scene.sweep(server()).await;
    assert_eq!(kept(&scene).await, all);

    let scene_of = async |age| {
        scene.ended(&scene.account, "older").await;
        scene.app.run_jobs().await;
        scene.age(age).await;
    };
    scene_of(30 * DAY + HOUR).await;
    let both = kept(&scene).await;
    scene.sweep(server()).await;
    let [events, attempts, deliveries, receipts] = kept(&scene).await;
    assert_eq!(events, all[0], "the bodies of the older call are gone");
    assert_eq!(
        [attempts, deliveries, receipts],
        [both[1], both[2], both[3]]
    );

    scene.execute("delete from deliveries").await;
    scene.execute("delete from attempts").await;
    scene.execute("delete from receipts").await;
    scene.ended(&scene.account, "oldest").await;
    scene.app.run_jobs().await;
    scene.age(90 * DAY + HOUR).await;
    scene.report(&scene.account, "lives", "call-ringing").await;
    scene.app.run_jobs().await;
    scene.age(91 * DAY).await;
    let before = kept(&scene).await;
    scene.sweep(server()).await;
    let after = kept(&scene).await;
    assert!(before[2] > 0 && before[3] == 2, "{before:?}");
    assert_eq!((after[1], after[2]), (0, 0));
    assert_eq!(after[3], 1, "what was reported of a call that lives stays");
    assert_eq!(scene.count("calls").await, 4);
    let counted = scene.app.metrics().await;
    for kind in ["webhook_payloads", "deliveries", "receipts"] {
        let line = format!("onhook_rows_purged_total{{cause=\"retention\",kind=\"{kind}\"}}");
        assert!(counted.contains(&line), "{kind}: {counted}");
    }
}

#[tokio::test]
async fn what_an_account_says_holds_for_it_and_for_no_other() {
    let scene = Scene::set().await;
    let other = scene.app.account("other", VoipMode::Key).await;
    scene.listen(&other).await;
    for account in [&scene.account, &other] {
        scene.ended(account, "ten-days").await;
    }
    scene.app.run_jobs().await;
    scene.age(10 * DAY).await;
    let said = scene
        .say(
            &scene.account,
            json!({"payload_days": 7, "attempt_days": 9, "receipt_days": 20}),
        )
        .await;
    assert_eq!(said["effective"]["receipt_days"], 20);
    scene.sweep(server()).await;
    let of =
        |table: &str, account: &TestAccount| format!("{table} where account_id = '{}'", account.id);
    for table in ["events", "deliveries"] {
        assert_eq!(scene.count(&of(table, &scene.account)).await, 0, "{table}");
        assert!(scene.count(&of(table, &other)).await > 0, "{table}");
    }
    assert_eq!(scene.count("receipts").await, 2);
    // Longer than the server says.
    scene
        .say(
            &other,
            json!({"payload_days": 400, "attempt_days": 400, "receipt_days": 36500}),
        )
        .await;
    scene
        .sweep(Windows {
            payload_days: days(1),
            attempt_days: days(1),
            receipt_days: days(1),
            ..Windows::default()
        })
        .await;
    assert!(scene.count(&of("events", &other)).await > 0);
    assert_eq!(scene.count(&of("receipts", &other)).await, 1);
}

#[tokio::test]
async fn what_is_on_its_way_keeps_its_body() {
    let scene = Scene::told_by(Receiver::always(Reply::Status(500))).await;
    scene.ended(&scene.account, "waits").await;
    scene.app.run_jobs().await;
    scene.age(40 * DAY).await;
    let queued = scene.count("delivery_queue").await;
    assert!(queued > 0);
    scene.sweep(server()).await;
    assert_eq!(scene.count("events").await, queued);
    scene.execute("delete from delivery_queue").await;
    scene.sweep(server()).await;
    assert_eq!(scene.count("events").await, 0);
}

#[tokio::test]
async fn however_much_is_old_it_is_removed_in_small_statements() {
    let scene = Scene::set().await;
    let account = scene.account.id;
    let rows = 2 * retain::ROWS_AT_ONCE + 100;
    scene
        .execute(&format!(
            "insert into receipts (account_id, call_id, digest, source, kind, occurred_at, received_at, late, report)
             select '{account}', (left(uuid_at(now() - interval '91 days')::text, 15) || substr(gen_random_uuid()::text, 16))::uuid,
                    sha256(n::text::bytea), 'voip', 'ended', now(), now() - interval '91 days', false, '{{}}'
             from generate_series(1, {rows}) as n"
        ))
        .await;
    scene.sweep(server()).await;
    assert_eq!(scene.count("receipts").await, 0);
    let counted = scene.app.metrics().await;
    let line =
        format!("onhook_rows_purged_total{{cause=\"retention\",kind=\"receipts\"}} {rows}\n");
    assert!(counted.contains(&line), "{counted}");
}

#[tokio::test]
async fn weeks_that_nobody_keeps_are_dropped_whole() {
    let scene = Scene::set().await;
    scene
        .execute("select make_webhook_weeks((now() - interval '20 weeks')::date, 12)")
        .await;
    let weeks = "pg_inherits join pg_class on pg_class.oid = inhrelid where relkind = 'r' and relname ~ '_[0-9]{8}$'";
    let before = scene.count(weeks).await;
    let forever = json!({"attempt_days": 36500, "payload_days": 36500});
    scene.say(&scene.account, forever).await;
    scene.sweep(server()).await;
    assert_eq!(scene.count(weeks).await, before, "one account keeps them");
    scene
        .say(
            &scene.account,
            json!({"attempt_days": 1, "payload_days": 1}),
        )
        .await;
    let account = scene.account.id;
    scene
        .execute(&format!(
            "insert into delivery_queue (account_id, delivery_id, event_id, endpoint_id, event_type, size)
             select '{account}', uuid_at(now() - interval '19 weeks'), uuid_at(now() - interval '19 weeks'), gen_random_uuid(), 'call.ended', 1"
        ))
        .await;
    scene.sweep(server()).await;
    assert_eq!(
        scene.count(weeks).await,
        before,
        "something of then is on its way"
    );
    scene.execute("delete from delivery_queue").await;
    scene.sweep(server()).await;
    let over = |days: i32| {
        format!(
            "pg_inherits join pg_class on pg_class.oid = inhrelid where relname ~ '^(events|deliveries|attempts)_[0-9]{{8}}$'
             and (to_date(right(relname, 8), 'YYYYMMDD') + 7)::timestamp at time zone 'UTC' <= now() - interval '{days} days'"
        )
    };
    assert_eq!(scene.count(&over(90)).await, 0);
    let left = scene.count(weeks).await;
    assert!(left < before && left >= before - 24, "{left} of {before}");
    // However short a time is said, those of two weeks stay.
    let day = Windows {
        payload_days: days(1),
        attempt_days: days(1),
        ..server()
    };
    scene
        .execute("select make_webhook_weeks((now() - interval '1 week')::date, 1)")
        .await;
    scene.sweep(day).await;
    assert_eq!(scene.count(&over(0)).await, 3);
}

#[tokio::test]
async fn where_a_recording_is_is_forgotten_also_if_it_is_told_late() {
    let scene = Scene::set().await;
    scene.ended(&scene.account, "recorded").await;
    scene.report(&scene.account, "lives", "call-answered").await;
    scene.age(8 * DAY).await;
    scene.ended(&scene.account, "young").await;
    let week = Windows {
        recording_days: days(7),
        ..server()
    };
    scene
        .execute(
            "update calls set recording_url = 'https://example.com/live' where ended_at is null",
        )
        .await;
    let version = "calls where provider_call_id = 'recorded' and version = 1";
    assert_eq!(scene.count(version).await, 1);
    scene.sweep(week).await;
    assert_eq!(scene.count(version).await, 0, "it is another version");
    let recorded = "calls where recording_url is not null";
    assert_eq!(
        scene.count(recorded).await,
        2,
        "the young one's, and that of a call that lives"
    );
    // Reports have it, too.
    assert_eq!(
        scene
            .count("receipts where report::text like '%recorded%'")
            .await,
        0
    );

    scene
        .execute("update calls set recording_url = 'https://example.com/late', updated_at = now() where provider_call_id = 'recorded'")
        .await;
    scene.sweep(week).await;
    assert_eq!(scene.count(recorded).await, 3);
    scene.execute("update calls set updated_at = now() - interval '7 days 1 hour' where provider_call_id = 'recorded'").await;
    scene.sweep(week).await;
    assert_eq!(scene.count(recorded).await, 2);
}

#[tokio::test]
async fn calls_go_with_everything_once_a_day_and_leave_tombstones() {
    let scene = Scene::set().await;
    let year = Windows {
        call_days: days(365),
        ..Windows::default()
    };
    let old = scene.ended(&scene.account, "old").await;
    scene.report(&scene.account, "lives", "call-ringing").await;
    scene.app.run_jobs().await;
    scene.age(366 * DAY).await;
    let young = scene.ended(&scene.account, "young").await;
    scene.app.run_jobs().await;
    let told = scene.receiver.received().len();
    eventually(Duration::from_secs(30), "the erasure", async || {
        scene.sweep(year).await;
        scene.app.make_jobs_due().await;
        scene.app.run_jobs().await;
        let completed = scene.count("erasures where stage = 'completed'").await;
        (completed > 0).then_some(())
    })
    .await;
    scene.sweep(year).await;
    scene.app.run_jobs().await;
    assert_eq!(
        scene.count("calls").await,
        2,
        "{old} is gone, {young} is not, nor what lives"
    );
    assert_eq!(scene.count("calls where provider_call_id = 'old'").await, 0);
    assert_eq!(scene.count("receipts").await, 2);
    assert_eq!(scene.receiver.received().len(), told, "nobody is told");
    let erasures = scene.read("/v1/erasures").await;
    assert_eq!(erasures["data"].as_array().unwrap().len(), 1, "{erasures}");
    assert_eq!(erasures["data"][0]["subject"]["type"], "age");
    assert_eq!(erasures["data"][0]["calls_erased"], 1);
    // Reported again it is not made again.
    let end = json!({"CallId": "old", "From": "+1", "To": "+2", "Direction": "incoming", "CallStatus": "completed"});
    let late = scene
        .app
        .post("/api/v1/voip/call-end", &scene.account.key)
        .json(&end);
    assert_eq!(late.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(scene.count("calls").await, 2);
    let counted = scene.app.metrics().await;
    let line = "onhook_rows_purged_total{cause=\"retention\",kind=\"calls\"} 1\n";
    assert!(counted.contains(line), "{counted}");
    // The next day, again.
    scene
        .execute("update erasures set created_at = now() - interval '21 hours'")
        .await;
    scene.sweep(year).await;
    assert_eq!(
        scene.count("erasures").await,
        1,
        "there is none to be erased"
    );
}
