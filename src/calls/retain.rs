//! Removes what is older than its account keeps it: payloads, deliveries with their attempts, reports, transcripts with what was made of the
//! words, recordings' URLs; and has calls erased that are older.
//!
//! The leader goes through all accounts, kind by kind, in bounded statements; what is left after a kind's turn is left for the next time.
//! Doing it twice removes nothing twice, so nothing is written down but where the recordings are ([`retention::recordings`]).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Tools, erase};
use crate::{
    domain::{
        analysis::{Section, SkipReason, flat::Flat},
        call::Call,
        id::AccountId,
        retention::{Days, Windows},
    },
    store::{
        self, analyses, calls,
        retention::{self, Rows},
        weeks,
    },
};

/// How many accounts are looked up with one statement.
const ACCOUNTS_AT_ONCE: i64 = 500;

/// How many rows are removed, or calls looked at, with one statement.
pub const ROWS_AT_ONCE: i64 = 1000;

/// The transcripts of how many calls are removed in one transaction.
const CALLS_AT_ONCE: i64 = 50;

/// How long a kind of an account may take before it is the others' turn.
const TURN: Duration = Duration::from_secs(5);

/// For how many days a week's tables stay at least: what is on its way needs its body, and its schedule has some days.
const WEEKS_DAYS_MIN: i32 = 14;

/// The sections of an analysis that quote or retell what was said.
const SECTIONS: [&str; 6] = [
    "key_phrases",
    "highlights",
    "summary",
    "insights",
    "success_evaluation",
    "structured_data",
];

/// Goes through all accounts once; `server` says what holds where an account has said nothing.
pub async fn sweep(tools: &Tools, server: Windows) -> Result<(), store::Error> {
    let mut after: Option<AccountId> = None;
    // None: an account keeps them for ever.
    let mut weeks_days = Some(WEEKS_DAYS_MIN);
    loop {
        let accounts = retention::accounts(&tools.db, after, ACCOUNTS_AT_ONCE);
        let accounts = store::ask(accounts).await?;
        let Some((last, _)) = accounts.last() else {
            break;
        };
        after = Some(*last);
        for (account_id, own) in accounts {
            let windows = own.or(server).effective();
            for kept in [windows.payload_days, windows.attempt_days] {
                weeks_days = weeks_days
                    .zip(kept)
                    .map(|(most, days)| most.max(days.days()));
            }
            // One that cannot be done holds up nobody else.
            if let Err(error) = Box::pin(account(tools, account_id, windows)).await {
                tracing::warn!(account.id = %account_id, error = %error, "what is old was not removed; trying again");
            }
        }
    }
    match weeks_days {
        Some(days) => drop_weeks(tools, days).await,
        None => Ok(()),
    }
}

/// What is old in one account.
async fn account(
    tools: &Tools,
    account_id: AccountId,
    windows: Windows,
) -> Result<(), store::Error> {
    let of = |rows, days| rows_of(tools, account_id, rows, days);
    // An erasure finds bodies by their deliveries: those go last.
    if of(Rows::Payloads, windows.payload_days).await?
        && of(Rows::Attempts, windows.attempt_days).await?
    {
        of(Rows::Deliveries, windows.attempt_days).await?;
    }
    of(Rows::Receipts, windows.receipt_days).await?;
    if let Some(days) = windows.transcript_days {
        transcripts(tools, account_id, days).await?;
    }
    if let Some(days) = windows.recording_days {
        recordings(tools, account_id, days).await?;
    }
    if let Some(days) = windows.call_days
        && let Some(before) = store::ask(retention::due(&tools.db, account_id, days)).await?
    {
        erase::older(tools, account_id, before).await?;
    }
    Ok(())
}

/// Removes rows of a kind for a turn. True: none is left.
async fn rows_of(
    tools: &Tools,
    account_id: AccountId,
    rows: Rows,
    days: Option<Days>,
) -> Result<bool, store::Error> {
    let Some(days) = days else {
        return Ok(true);
    };
    let began = Instant::now();
    while began.elapsed() < TURN {
        let removed = store::ask(Box::pin(async {
            let mut conn = tools.db.acquire().await?;
            rows.remove(&mut conn, account_id, days, ROWS_AT_ONCE).await
        }))
        .await?;
        tools
            .metrics
            .rows_purged("retention", rows.as_str(), removed);
        if removed < ROWS_AT_ONCE.unsigned_abs() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn transcripts(tools: &Tools, account_id: AccountId, days: Days) -> Result<(), store::Error> {
    let began = Instant::now();
    while began.elapsed() < TURN {
        let old = retention::transcribed(&tools.db, account_id, days, CALLS_AT_ONCE);
        let old = store::ask(old).await?;
        if old.is_empty() {
            break;
        }
        let sections = SECTIONS.map(str::to_owned);
        let skipped = Section::<()>::Skipped {
            reason: SkipReason::NotKept,
        };
        let skipped = json!(skipped);
        let removed = store::within(Box::pin(async {
            let mut tx = tools.db.begin().await?;
            let ids: Vec<_> = old.iter().map(|call_id| (account_id, *call_id)).collect();
            for call in calls::lock_many(&mut tx, &ids).await? {
                unsay(&mut tx, call).await?;
            }
            let removed =
                retention::transcripts(&mut tx, account_id, &old, (&sections, &skipped)).await?;
            tx.commit().await?;
            Ok::<_, store::Error>(removed)
        }))
        .await?;
        for (kind, rows) in [
            ("transcripts", removed.transcripts),
            ("insights", removed.insights),
            ("analyses", removed.analyses),
        ] {
            tools.metrics.rows_purged("retention", kind, rows);
        }
    }
    Ok(())
}

/// Empties what an analysis has filled in of a call's fields; what people have written there stays.
async fn unsay(conn: &mut sqlx::PgConnection, mut call: Call) -> sqlx::Result<()> {
    let newest = analyses::newest(&mut *conn, call.account_id, call.call_id).await?;
    let before: Option<Value> = newest.map(|newest| newest.result);
    if Flat::default().fill(Flat::of(before.as_ref()), &mut call) {
        calls::save(conn, &call).await?;
    }
    Ok(())
}

async fn recordings(tools: &Tools, account_id: AccountId, days: Days) -> Result<(), store::Error> {
    let began = Instant::now();
    while began.elapsed() < TURN {
        let page = store::ask(Box::pin(async {
            let mut conn = tools.db.acquire().await?;
            retention::recordings(&mut conn, account_id, days, ROWS_AT_ONCE).await
        }))
        .await?;
        let removed = page.removed.unsigned_abs();
        tools
            .metrics
            .rows_purged("retention", "recording_urls", removed);
        if page.looked_at < ROWS_AT_ONCE {
            break;
        }
    }
    Ok(())
}

/// Drops the tables of a week that nobody needs any more, one at a time: that locks the whole for a moment.
async fn drop_weeks(tools: &Tools, days: i32) -> Result<(), store::Error> {
    while store::ask(weeks::is_one_over(&tools.db, days)).await? {
        let dropped = store::within(async {
            let mut tx = tools.db.begin().await?;
            let dropped = weeks::drop_one(&mut tx, days).await?;
            tx.commit().await?;
            Ok::<_, store::Error>(dropped)
        });
        if dropped.await? == 0 {
            // Something of it is on its way once more.
            break;
        }
        tracing::info!("dropped a table of a week that is not kept any more");
    }
    Ok(())
}
