//! What a room's server tells: the room is over, and with it the calls whose room it was; or a telephone has left it.
//!
//! What makes it idempotent: a call that has ended is left as it is, and so is an ending that is over.

use aws_lc_rs::digest::{SHA256, digest as sha256};
use serde::Serialize;
use serde_json::value::to_raw_value;
use sqlx::PgConnection;

use crate::{
    calls::{
        Tools,
        effects::{self, Change},
        end,
    },
    domain::{
        call::Call,
        connection::Connection,
        id::{AccountId, CallId, ConnectionId},
        lifecycle::Transition,
        party::PartyNumber,
        report::{Facts, Report, ReportKind},
        state::EndState,
        text::Text,
    },
    rooms::{RoomReport, RoomReportKind},
    store::{
        self,
        receipts::{self, Receipt},
    },
};

/// A room that is over says nothing of how the call ended: completed if somebody had answered.
const FINISHED: ReportKind = ReportKind::HungUp(EndState::Canceled);

/// Takes a report of a room's server. `source` is the server's name.
pub async fn hear(
    tools: &Tools,
    connection: &Connection,
    source: &'static str,
    report: &RoomReport,
) -> Result<(), store::Error> {
    let of = (connection.account_id, connection.connection_id);
    let found = store::calls::rooms::live(&tools.db, of, &report.room);
    for call_id in store::ask(found).await? {
        store::within(end_call(tools, (of.0, call_id), (of.1, source), report)).await?;
    }
    if report.kind == RoomReportKind::Finished {
        store::within(async {
            let mut conn = tools.db.acquire().await?;
            Ok::<_, store::Error>(
                store::terminations::room_is_over(&mut conn, of, &report.room).await?,
            )
        })
        .await?;
    }
    tools.wake.wake();
    Ok(())
}

/// Ends a live call, if the report is about it.
async fn end_call(
    tools: &Tools,
    (account_id, call_id): (AccountId, CallId),
    (connection_id, source): (ConnectionId, &'static str),
    report: &RoomReport,
) -> Result<(), store::Error> {
    let mut tx = tools.db.begin().await?;
    let Some(mut call) = store::calls::lock(&mut tx, account_id, call_id).await? else {
        return Ok(());
    };
    let in_it = call
        .room
        .as_ref()
        .is_some_and(|room| room.connection_id == connection_id && room.name == report.room);
    let Some(kind) = end_of(&call, report).filter(|_| in_it && call.life.end.is_none()) else {
        return Ok(());
    };
    let now = store::now(&mut tx).await?;
    let before = call.life.clone();
    let facts = Facts {
        disconnect_reason: report.reason.clone(),
        ..Facts::default()
    };
    let told = Report::new(
        kind,
        report.occurred_at.map_or(now, |at| at.min(now)),
        facts,
    );
    call.life.absorb(&told);
    store::calls::save_life(&mut tx, &call).await?;
    receipts::keep(&mut tx, &receipt(&call, source, report, &told)).await?;
    if report.kind == RoomReportKind::Finished {
        // The record has ended: nobody else would hang up a leg that the room has left behind.
        end::hang_up_late(&mut tx, &call).await?;
    }
    announce(
        &mut tx,
        &call,
        Transition::between(Some(&before), &call.life),
    )
    .await?;
    tx.commit().await?;
    tracing::info!(call.id = %call_id, connection.id = %connection_id, source, "a call ended with its room");
    Ok(())
}

/// How the report says that this call ended; nothing if it is about another one.
fn end_of(call: &Call, report: &RoomReport) -> Option<ReportKind> {
    match &report.kind {
        RoomReportKind::Finished => Some(FINISHED),
        RoomReportKind::PhoneLeft { names, number, end } => {
            let named = names
                .iter()
                .any(|name| name == call.provider_call_id.as_str());
            let mut parties = [&call.life.from, &call.life.to].into_iter().flatten();
            let of_the_call = number.as_ref().is_some_and(|number| {
                parties.any(|party| PartyNumber::e164(party) == Some(number))
            });
            (named || of_the_call).then_some(*end)
        }
    }
}

async fn announce(
    conn: &mut PgConnection,
    call: &Call,
    transition: Transition,
) -> Result<(), store::Error> {
    let now = store::now(&mut *conn).await?;
    let beside = store::calls::beside(&mut *conn, call.account_id, call.call_id).await?;
    let change = Change {
        call,
        beside: &beside,
        transition,
        edited: false,
    };
    effects::apply(conn, &[change], now).await?;
    Ok(())
}

/// A report's content as it is kept.
#[derive(Serialize)]
struct Content<'a> {
    #[serde(flatten)]
    kind: ReportKind,
    event_id: &'a str,
    room: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_reason: Option<&'a str>,
}

fn receipt(call: &Call, source: &'static str, report: &RoomReport, told: &Report) -> Receipt {
    let content = Content {
        kind: told.kind(),
        event_id: &report.event_id,
        room: &report.room,
        disconnect_reason: report.reason.as_ref().map(Text::as_str),
    };
    let content = to_raw_value(&content).expect("a report is plain data");
    let mut digest = [0; 32];
    let named = [source.as_bytes(), &[0], report.event_id.as_bytes()].concat();
    digest.copy_from_slice(sha256(&SHA256, &named).as_ref());
    Receipt {
        account_id: call.account_id,
        call_id: call.call_id,
        digest,
        source,
        kind: told.kind().into(),
        occurred_at: told.at(),
        late: false,
        report: content,
    }
}
