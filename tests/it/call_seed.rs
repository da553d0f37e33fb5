//! Calls of every shape, for lists: with and without each value that a call may have or not have.

use reqwest::StatusCode;
use serde_json::Value;

use crate::app::{TestAccount, TestApp};

/// How many calls are seeded.
pub(crate) const SEEDED: usize = 14;

const CALLS: &str = "insert into calls (account_id, call_id, provider, provider_call_id, state, direction, from_number, to_number,
            answered_at, ended_at, duration_s, recording_url, disconnect_reason, campaign_id, ai_agent_id, contact_id,
            workspace_id, is_test, call_rating, call_feedback, notes, metadata, agent_dynamic_variables,
            cost, price_unit, latency, agent_task_status, agent_task_feedback, agent_post_call_outcomes, retry_at,
            created_at, updated_at)
         select $1, md5('call' || n)::uuid, (array['voip', 'twilio'])[1 + n % 2], 'c' || n,
            (case when n % 5 = 0 then 'in_progress' when n % 5 = 1 then 'busy' else 'completed' end)::call_state,
            (array['inbound', 'outbound', null])[1 + n % 3]::call_direction,
            case when n % 4 > 0 then '+4930' || n % 6 end,
            case when n % 7 > 0 then '+1415555' || lpad((n * 37 % 100)::text, 4, '0') end,
            case when n % 5 <> 1 then timestamptz '2026-03-01 12:00:00Z' + n % 4 * interval '10 seconds' end,
            case when n % 5 <> 0 then timestamptz '2026-03-01 12:01:00.25Z' + n % 3 * interval '1 second' end,
            case when n % 6 = 2 then n * 10 end,
            case when n % 3 = 0 then 'https://x.test/' || n % 4 || repeat('r', 120) || n end,
            (array['Customer hung up', 'Über alles', 'line 100%_\\', null])[1 + n % 4],
            case when n % 2 = 0 then md5('campaign' || n % 4)::uuid end,
            case when n % 3 = 1 then md5('agent' || n % 2)::uuid end,
            case when n % 4 = 3 then md5('contact' || n % 8)::uuid end,
            (array['default', 'Sales', 'sales'])[1 + n % 3], n % 2 = 0,
            case when n % 3 > 0 then 1 + n % 5 end,
            case when n % 4 = 1 then 'Feedback, and more ' || n % 3 end,
            case when n % 5 = 2 then 'A note: call back ' || n % 2 || repeat(' x', 60) || n end,
            case when n % 3 = 2 then jsonb_build_object('plan', (array['pro', 'free'])[1 + n % 2]) end,
            case when n % 6 = 1 then '{\"name\": \"Ann\"}'::jsonb end,
            case when n % 3 > 0 then n * 0.25 end, (array['EUR', 'USD', null])[1 + n % 3],
            case when n % 4 > 1 then n * 20 % 70 end, (array['done', 'open', null])[1 + n % 3],
            case when n % 5 = 3 then 'Was polite' || n % 2 end,
            case when n % 4 = 2 then '{\"booked\": true}'::jsonb end,
            case when n % 6 = 5 then timestamptz '2026-03-09 08:00:00Z' - n * interval '1 minute' end,
            timestamptz '2026-03-01 10:00:00Z' + n / 2 * interval '1 day',
            timestamptz '2026-04-01 10:00:00Z' + n * 5 % 14 * interval '1 second'
         from generate_series(0, 13) as n";

const NAMES: &str = "insert into call_names (account_id, namespace, name, call_id)
         select account_id, 'call', provider_call_id, call_id from calls where account_id = $1";

/// As the statement that saves calls keeps them.
const NUMBERS: &str = "insert into call_numbers (account_id, called, number)
         select account_id, true, to_number from calls where account_id = $1 and to_number is not null
         union select account_id, false, from_number from calls where account_id = $1 and from_number is not null";

/// Two revisions: the newest counts.
const TRANSCRIPTS: &str = "insert into transcripts (account_id, call_id, revision, transcript_id, source, language, utterances, text,
            content_sha256)
         select $1, md5('call' || n)::uuid, revision, gen_random_uuid(), 'caller',
            (array['de', 'en-US', null])[1 + n % 3], '[]',
            case revision when 1 then 'outdated words' else 'customer: Where is my Parcel ' || n % 5 end,
            decode(repeat('00', 32), 'hex')
         from generate_series(0, 13, 3) as n, generate_series(1, 2) as revision";

/// As `calls::analyze` leaves them: the label stands in the call, too.
const ANALYSES: &str = "with made as (
           insert into analyses (account_id, call_id, revision, analysis_id, status, trigger, input_hash, result)
           select $1, md5('call' || n)::uuid, 1, gen_random_uuid(), 'completed', 'call_ended',
             decode(repeat('00', 32), 'hex'),
             jsonb_build_object('sentiment', jsonb_build_object('label', jsonb_build_object(
               'customer', (array['positive', 'negative'])[1 + n % 2])))
           from generate_series(1, 13, 4) as n
           returning account_id, call_id, result)
         update calls set analysis_sentiment = result #>> '{sentiment,label,customer}'
         from made where calls.account_id = made.account_id and calls.call_id = made.call_id";

/// Seeds an account: calls `c0` to `c13`, of which `c0` is the oldest.
pub(crate) async fn seed(app: &TestApp, account: &TestAccount) {
    for statement in [CALLS, NAMES, NUMBERS, TRANSCRIPTS, ANALYSES] {
        let seeded = sqlx::query(statement).bind(account.id.uuid());
        seeded.execute(&app.db).await.unwrap();
    }
}

/// The page that a query answers.
pub(crate) async fn page(app: &TestApp, account: &TestAccount, query: &str) -> Value {
    let request = app.get(&format!("/calls/query?{query}"), &account.key);
    let answer = request.send().await.unwrap();
    let (status, body) = (answer.status(), answer.json().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{query}: {body}");
    body
}

/// The calls on it.
pub(crate) async fn calls(app: &TestApp, account: &TestAccount, query: &str) -> Vec<Value> {
    let mut page = page(app, account, query).await;
    match page["data"].take() {
        Value::Array(calls) => calls,
        other => panic!("{other}"),
    }
}

/// Their names.
pub(crate) fn names(calls: &[Value]) -> Vec<String> {
    let name = |call: &Value| call["call_sid"].as_str().unwrap().to_owned();
    calls.iter().map(name).collect()
}

/// Every call of the list, page by page with the cursor.
pub(crate) async fn walked(app: &TestApp, account: &TestAccount, query: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut next = query.to_owned();
    loop {
        let mut page = page(app, account, &next).await;
        if let Value::Array(calls) = page["data"].take() {
            found.extend(calls);
        }
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else {
            return found;
        };
        assert!(found.len() < 200, "{query} has no end");
        next = format!("{query}&cursor={cursor}");
    }
}

/// A query with one filter.
pub(crate) fn filter(column: &str, operator: &str, value: &str) -> String {
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("filter_columns[]={column}&filter_operator[]={operator}&filter_values[]={value}")
}
