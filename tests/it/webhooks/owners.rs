//! The limits of what an owner may have, and how lists are planned.

use onhook::{
    domain::{
        delivery::DeliveryState,
        endpoint::{ENDPOINTS_MAX, subscription::Subscription},
        event::EventType,
        id::{AccountId, CallId, DeliveryId, EndpointId},
    },
    store::{
        deliveries::{self, List},
        delivery_queue::DISCARD_MAX,
    },
    webhooks::manage::{self, AddError},
};

use super::fixture::Hooks;
use crate::receiver::Receiver;

#[tokio::test]
async fn an_account_has_at_most_so_many_endpoints_however_they_are_added() {
    let hooks = Hooks::boot().await;
    let subscription = Subscription::to(vec![]);
    let add = || hooks.add("http://127.0.0.1/", &subscription);
    for _ in 0..ENDPOINTS_MAX - 2 {
        add().await.unwrap();
    }
    let racing: [_; 4] = tokio::join!(add(), add(), add(), add()).into();
    let refused = racing
        .iter()
        .filter(|added| matches!(added, Err(AddError::TooMany)))
        .count();
    assert_eq!(refused, 2, "{racing:?}");
    assert_eq!(hooks.count("endpoints").await, ENDPOINTS_MAX);
    hooks
        .another_account()
        .await
        .endpoint("http://127.0.0.1/", &[])
        .await;
}

#[tokio::test]
async fn removing_an_endpoint_discards_so_many_at_once_and_the_rest_with_the_next_look() {
    let hooks = Hooks::boot().await;
    let receiver = Receiver::start();
    let (endpoint_id, _) = hooks.endpoint(&receiver.url(), &[]).await;
    let calls = usize::try_from(DISCARD_MAX).unwrap() / 2 + 10;
    let mut conn = hooks.db.acquire().await.unwrap();
    for _ in 0..calls {
        let events = [EventType::CallEnded, EventType::CallAnalyzed];
        super::fixture::emit_in(&mut conn, &hooks.call(), &events).await;
    }
    drop(conn);
    assert!(
        manage::remove(&hooks.db, hooks.account_id, endpoint_id)
            .await
            .unwrap()
    );
    assert_eq!(hooks.count("delivery_queue").await, 20);
    hooks.run_due().await;
    assert_eq!(hooks.count("delivery_queue").await, 0);
    assert_eq!(hooks.count("deliveries").await, 1020);
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn every_list_of_deliveries_is_read_from_an_index() {
    let hooks = Hooks::boot().await;
    // Enough rows that a sequential scan would lose.
    hooks
        .execute(
            "insert into deliveries
                 (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, state, attempts, created_at, finished_at)
             select ('00000000-0000-7000-8000-0000000000' || account)::uuid,
                    (left(uuid_at(now())::text, 13) || substr(gen_random_uuid()::text, 14))::uuid, gen_random_uuid(),
                    gen_random_uuid(), gen_random_uuid(), 'call.ended',
                    (case when n % 100 = 0 then 'dead' else 'succeeded' end)::delivery_state, 1, now(), now()
             from generate_series(10, 30) as account, generate_series(1, 1000) as n",
        )
        .await;
    hooks
        .execute(
            "insert into delivery_queue (account_id, delivery_id, event_id, endpoint_id, call_id, event_type, size)
             select account_id, delivery_id, event_id, endpoint_id, call_id, event_type, 1 from deliveries",
        )
        .await;
    hooks.execute("analyze deliveries").await;
    hooks.execute("analyze delivery_queue").await;
    let week: String = sqlx::query_scalar(
        "select to_char(date_trunc('week', now() at time zone 'UTC'), 'YYYYMMDD')",
    )
    .fetch_one(&hooks.db)
    .await
    .unwrap();
    for (list, index) in lists() {
        let plan = plan(&hooks, &list).await;
        let partition = format!("deliveries_{week}");
        let scanned = plan.contains(&format!("Seq Scan on {partition}"))
            || plan.contains("Seq Scan on delivery_queue");
        assert!(
            plan.contains(&format!("{partition}_{index}")) && !scanned,
            "{list:?}: {plan}"
        );
    }
}

/// Lists, and the index of `deliveries` that each is to be read from.
fn lists() -> Vec<(List, &'static str)> {
    let all = List {
        state: None,
        endpoint_id: None,
        call_id: None,
        before: None,
        limit: 51,
    };
    let before = Some(DeliveryId::generate());
    vec![
        (all.clone(), "pkey"),
        (
            List {
                before,
                ..all.clone()
            },
            "pkey",
        ),
        (
            List {
                state: Some(DeliveryState::Dead),
                before,
                ..all.clone()
            },
            "account_id_state_delivery_id_idx",
        ),
        (
            List {
                state: Some(DeliveryState::Succeeded),
                ..all.clone()
            },
            "pkey",
        ),
        (
            List {
                endpoint_id: Some(EndpointId::generate()),
                before,
                ..all.clone()
            },
            "account_id_endpoint_id_delivery_id_idx",
        ),
        (
            List {
                call_id: Some(CallId::generate()),
                before,
                ..all
            },
            "account_id_call_id_delivery_id_idx",
        ),
    ]
}

/// How a page of one of those accounts is planned.
async fn plan(hooks: &Hooks, list: &List) -> String {
    let account_id: AccountId = "00000000-0000-7000-8000-000000000020".parse().unwrap();
    let sql = deliveries::page(account_id, list).into_string();
    let explain = sqlx::AssertSqlSafe(format!("explain {sql}"));
    let mut query = sqlx::query_scalar::<_, String>(explain);
    // Without a state, what is on its way is listed beside what is over.
    for _half in 0..if list.state.is_none() { 2 } else { 1 } {
        query = query.bind(account_id.uuid());
        if let Some(state) = list.state {
            query = query.bind(state);
        }
        let ids = [
            list.endpoint_id.map(EndpointId::uuid),
            list.call_id.map(CallId::uuid),
            list.before.map(DeliveryId::uuid),
        ];
        for id in ids.into_iter().flatten() {
            query = query.bind(id);
        }
        query = query.bind(list.limit);
    }
    let lines = query.bind(list.limit).fetch_all(&hooks.db).await.unwrap();
    lines.join("\n")
}
