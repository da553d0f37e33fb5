//! What follows from asking about a silent call, in one transaction: when to look again, what was learned, or its end.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::Settings;
use crate::{
    calls::{
        Tools,
        effects::{self, Change},
    },
    domain::{
        call::Call,
        event::EventType,
        lifecycle::{End, Lifecycle, Transition},
        reconcile::{Answer, LOST, Silent, Verdict, decide},
        report::{Report, ReportKind},
        text::Text,
    },
    providers::InboundReport,
    queue::runner,
    store::{
        self,
        receipts::{self, Receipt},
        reconciliations::{self, Checked, Remembered},
    },
    webhooks::emit::{self, Happening},
};

/// How receipts of what was learned by asking are marked.
const SOURCE: &str = "reconciled";

/// What is known of a live call. A sign of life after its provider had not known it makes that begin anew.
pub(super) async fn silent(
    conn: &mut PgConnection,
    call: &Call,
    remembered: &Remembered,
) -> sqlx::Result<Silent> {
    let of = (remembered.account_id, remembered.call_id);
    let reported = reconciliations::last_report_at(&mut *conn, of).await?;
    let last_sign_at = [reported, remembered.alive_at]
        .into_iter()
        .flatten()
        .fold(call.created_at, DateTime::max);
    let unknown = remembered
        .unknown_since
        .filter(|since| *since >= last_sign_at);
    Ok(Silent {
        state: call.life.state(),
        last_sign_at,
        unknown: unknown.map(|since| (since, remembered.unknowns)),
        failures: remembered.failures,
    })
}

/// Writes down what follows from an answer.
pub(super) async fn conclude(
    tools: &Tools,
    settings: &Settings,
    remembered: &Remembered,
    answer: Answer,
    told: Option<InboundReport>,
) -> Result<(), store::Error> {
    tools.metrics.reconciliation(word(answer));
    let work = Box::pin(write(tools, settings, remembered, answer, told));
    let closed = store::within(work).await?;
    if let Some(closed) = closed {
        tracing::info!(call.id = %remembered.call_id, state = closed, "a call was closed whose end nobody had reported");
        tools.metrics.call_reconciled(closed);
    }
    tools.wake.wake();
    Ok(())
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Live => "live",
        Answer::Over => "over",
        Answer::Unknown(_) => "unknown",
        Answer::Failed { .. } => "failed",
        Answer::Nobody => "nobody",
    }
}

/// Answers how the call was closed, if it was.
async fn write(
    tools: &Tools,
    settings: &Settings,
    remembered: &Remembered,
    answer: Answer,
    told: Option<InboundReport>,
) -> Result<Option<&'static str>, store::Error> {
    let of = (remembered.account_id, remembered.call_id);
    let mut tx = tools.db.begin().await?;
    let call = store::calls::lock(&mut tx, of.0, of.1).await?;
    let Some(mut call) = call.filter(|call| call.life.end.is_none()) else {
        reconciliations::forget(&mut tx, of).await?;
        tx.commit().await?;
        return Ok(None);
    };
    let now = store::now(&mut tx).await?;
    let silent = silent(&mut tx, &call, remembered).await?;
    let before = call.life.clone();
    let unit = runner::random_unit();
    let closed = match decide(&settings.patience, &silent, answer, now, unit) {
        Verdict::Wait(wait) => {
            let checked = match answer {
                Answer::Live | Answer::Over => Checked::Alive,
                Answer::Unknown(_) => Checked::Unknown,
                Answer::Failed { .. } => Checked::Failed,
                Answer::Nobody => Checked::No,
            };
            // Before the first of a new series of unknown answers, the old one is forgotten.
            if silent.unknown.is_none() && remembered.unknowns > 0 {
                reconciliations::known(&mut tx, of).await?;
            }
            reconciliations::checked(&mut tx, of, checked, wait).await?;
            if let Some(told) = told {
                learn(&mut tx, &mut call, told, now).await?;
            }
            None
        }
        Verdict::Ended => {
            if let Some(told) = told {
                let at = ended_at(&told, &before, silent.last_sign_at, now);
                take(&mut tx, &mut call, told, at).await?;
            }
            reconciliations::forget(&mut tx, of).await?;
            Some(call.life.state().call_status())
        }
        Verdict::Lost(state) => {
            let at = latest(&before).map_or(silent.last_sign_at, |at| at.max(silent.last_sign_at));
            lose(&mut tx, &mut call, End { state, at }).await?;
            reconciliations::forget(&mut tx, of).await?;
            Some(call.life.state().call_status())
        }
    };
    announce(&mut tx, (&before, &call), now).await?;
    tx.commit().await?;
    Ok(closed)
}

/// When a call ended that its provider says is over: as it says, else by its talk, else at its last sign of life. Never in the
/// future.
fn ended_at(
    told: &InboundReport,
    life: &Lifecycle,
    last_sign_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let talk = told.facts.duration_s.map(i64::from).map(TimeDelta::seconds);
    let talked_until = life
        .answered_at
        .zip(talk)
        .map(|(answered, talk)| answered + talk);
    told.occurred_at
        .or(talked_until)
        .unwrap_or(last_sign_at)
        .min(now)
}

/// The latest that reports have told of a live call.
fn latest(life: &Lifecycle) -> Option<DateTime<Utc>> {
    [life.queued_at, life.ringing_at, life.answered_at]
        .into_iter()
        .flatten()
        .max()
}

/// Takes in what a provider tells of a live call, if that is news.
async fn learn(
    conn: &mut PgConnection,
    call: &mut Call,
    told: InboundReport,
    now: DateTime<Utc>,
) -> Result<(), store::Error> {
    let at = told.occurred_at.unwrap_or(now).min(now);
    let mut life = call.life.clone();
    life.absorb(&Report::new(told.kind, at, told.facts.clone()));
    // Another time of the same thing is not worth a version.
    if life.state() == call.life.state() {
        return Ok(());
    }
    take(conn, call, told, at).await
}

async fn take(
    conn: &mut PgConnection,
    call: &mut Call,
    told: InboundReport,
    at: DateTime<Utc>,
) -> Result<(), store::Error> {
    let kind = told.kind;
    let report = Report::new(kind, at, told.facts);
    call.life.reconcile(&report);
    keep(conn, call, kind, report.at()).await
}

async fn lose(conn: &mut PgConnection, call: &mut Call, end: End) -> Result<(), store::Error> {
    let at = Report::new(ReportKind::Ended(end.state), end.at, <_>::default()).at();
    call.life.give_up(End { at, ..end });
    keep(conn, call, ReportKind::Ended(end.state), at).await
}

/// Saves the call and a receipt that says how that was learned.
async fn keep(
    conn: &mut PgConnection,
    call: &Call,
    kind: ReportKind,
    at: DateTime<Utc>,
) -> Result<(), store::Error> {
    let lost = call.life.disconnect_reason.as_ref().map(Text::as_str) == Some(LOST);
    let mut content = serde_json::to_value(kind).expect("a kind is plain data");
    if let Some(content) = content.as_object_mut() {
        content.insert("at".to_owned(), json!(at));
        if lost {
            content.insert("disconnect_reason".to_owned(), json!(LOST));
        }
    }
    let receipt = Receipt {
        account_id: call.account_id,
        call_id: call.call_id,
        digest: crate::calls::receipt_digest(SOURCE, &content),
        source: SOURCE,
        kind: kind.into(),
        occurred_at: at,
        late: false,
        report: serde_json::value::to_raw_value(&content).expect("a receipt is plain data"),
    };
    store::calls::save_life(&mut *conn, call).await?;
    receipts::keep(conn, &receipt).await?;
    Ok(())
}

/// Sets in motion what follows from the change, and tells who asked for it that an end was not reported.
async fn announce(
    conn: &mut PgConnection,
    (before, call): (&Lifecycle, &Call),
    now: DateTime<Utc>,
) -> Result<(), store::Error> {
    let transition = Transition::between(Some(before), &call.life);
    if transition == Transition::default() {
        return Ok(());
    }
    let (account_id, call_id) = (call.account_id, call.call_id);
    let shown = store::calls::find(&mut *conn, account_id, call_id).await?;
    let Some(shown) = shown else { return Ok(()) };
    let beside = store::calls::beside(&mut *conn, account_id, call_id).await?;
    let change = Change {
        call: &shown,
        beside: &beside,
        transition,
        edited: false,
    };
    effects::apply(&mut *conn, &[change], now).await?;
    if transition.ended {
        let happening = Happening {
            call: &shown,
            beside: &beside,
            event: EventType::CallReconciled,
            at: now,
        };
        emit::emit(conn, &[happening]).await?;
    }
    Ok(())
}
