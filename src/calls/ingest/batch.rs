//! One transaction for many reports: resolve, lock, apply the state machine, save, set in motion.
//!
//! What makes it idempotent: a call's name is unique per account, a receipt's digest is unique per call, and the state
//! machine takes nothing from a report twice.
//!
//! Of a call that was erased nothing is kept. Its name is refused where it is claimed ([`names::resolve_or_claim`]). If it
//! was still there when it was looked up, the erasure had not committed: whoever locks the call first comes first. If that is
//! us, the erasure finds what we have written; if it is the erasure, the call is gone when we have its lock, and so is the
//! report.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use aws_lc_rs::digest::{SHA256, digest as sha256};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sqlx::PgConnection;

use super::Ingested;
use crate::{
    calls::{
        effects::{self, Change},
        listen::wanted,
    },
    domain::{
        call::Call,
        call_object::Beside,
        id::{AccountId, CallId},
        lifecycle::{Lifecycle, Transition},
        party::{Email, PartyNumber},
        report::{CallReport, ProviderName, Report, ReportKind},
        state::Direction,
        text::Text,
    },
    queue::NewJob,
    store::{
        self,
        calls::{
            Reported,
            names::{self, CallName},
        },
        receipts::Receipt,
    },
};

/// What a batch came to.
pub(super) struct Applied {
    /// What became of each report, in their order.
    pub(super) ingested: Vec<Ingested>,
    /// Whether jobs were enqueued.
    pub(super) woken: bool,
}

/// Applies reports, in the caller's transaction.
///
/// A batch of new calls that nobody listens to takes two statements, and one more locks the calls that were known.
pub(super) async fn apply(
    conn: &mut PgConnection,
    reports: &[CallReport],
) -> Result<Applied, store::Error> {
    let found = resolve(&mut *conn, reports).await?;
    let mut touched = load(&mut *conn, reports, &found).await?;
    let absorbed = absorb(reports, &found, &mut touched);
    let keys: Vec<Option<Key>> = absorbed
        .iter()
        .map(|kept| Some(key(kept.as_ref()?)))
        .collect();
    let receipts: Vec<Receipt> = absorbed.into_iter().flatten().collect();
    let moved = moved(&touched);
    let jobs: Vec<NewJob> = moved
        .iter()
        .filter_map(|(known, transition)| effects::follow_up(&known.call, *transition))
        .collect();
    let changed: Vec<&Call> = touched
        .values()
        .filter(|known| known.changed)
        .map(|known| &known.call)
        .collect();
    let reported = Reported {
        calls: &changed,
        receipts: &receipts,
        jobs: &jobs,
    };
    let fresh = store::calls::save_reported(&mut *conn, &reported).await?;
    let amended = moved.iter().filter(|(_, transition)| transition.amended);
    let amended: Vec<&Call> = amended.map(|(known, _)| &known.call).collect();
    let late = wanted::late(&mut *conn, &amended).await?;
    let told = tell(conn, moved, &found).await?;
    Ok(Applied {
        ingested: answers(keys, fresh),
        woken: told || late || !jobs.is_empty(),
    })
}

/// Which calls the reports are about.
struct Found {
    /// The time of the transaction.
    now: DateTime<Utc>,
    /// The call of each report, in their order; none: it was erased.
    ids: Vec<Option<CallId>>,
    /// Those that did not exist.
    new: HashSet<CallId>,
    /// The accounts that have an endpoint to tell.
    listening: HashSet<AccountId>,
}

/// A call that reports of this batch are about.
struct Touched {
    call: Call,
    before: Option<Lifecycle>,
    changed: bool,
}

/// Finds the call of each report, naming those that are new.
async fn resolve(conn: &mut PgConnection, reports: &[CallReport]) -> Result<Found, store::Error> {
    let asked: BTreeSet<CallName> = reports.iter().map(name).collect();
    let asked: Vec<(CallName, CallId)> = asked
        .into_iter()
        .map(|name| (name, CallId::generate()))
        .collect();
    let (now, claimed) = names::resolve_or_claim(&mut *conn, &asked).await?;
    let mut known = HashMap::with_capacity(claimed.len());
    let (mut new, mut listening) = (HashSet::new(), HashSet::new());
    let (mut taken, mut erased) = (Vec::new(), HashSet::new());
    for claimed in claimed {
        if claimed.listened {
            listening.insert(claimed.name.account_id);
        }
        match claimed.call_id {
            Some(call_id) => {
                known.insert(claimed.name, call_id);
                if claimed.new {
                    new.insert(call_id);
                }
            }
            None if claimed.erased => {
                erased.insert(claimed.name);
            }
            None => taken.push(claimed.name),
        }
    }
    if !taken.is_empty() {
        // Another replica was quicker, and has committed by now.
        known.extend(names::resolve_now(&mut *conn, &taken).await?.1);
    }
    let ids = reports
        .iter()
        .map(|report| {
            let name = name(report);
            let id = known.get(&name).copied();
            (id.is_some() || erased.contains(&name)).then_some(id)
        })
        .collect::<Option<Vec<_>>>();
    let ids = ids.ok_or_else(|| {
        store::Error::Unavailable("a call's name vanished while it was looked up".into())
    })?;
    Ok(Found {
        now,
        ids,
        new,
        listening,
    })
}

/// Loads and locks the known calls, makes the new ones.
async fn load(
    conn: &mut PgConnection,
    reports: &[CallReport],
    found: &Found,
) -> Result<BTreeMap<CallId, Touched>, store::Error> {
    let new = &found.new;
    let of = reports.iter().zip(&found.ids);
    let of = of.filter_map(|(report, id)| Some((report, (*id)?)));
    let known: BTreeSet<(AccountId, CallId)> = of
        .clone()
        .filter(|(_, id)| !new.contains(id))
        .map(|(report, id)| (report.account_id, id))
        .collect();
    let mut touched = BTreeMap::new();
    if !known.is_empty() {
        let known: Vec<_> = known.into_iter().collect();
        for call in store::calls::lock_many(conn, &known).await? {
            let before = Some(call.life.clone());
            touched.insert(
                call.call_id,
                Touched {
                    call,
                    before,
                    changed: false,
                },
            );
        }
    }
    for (report, id) in of.filter(|(_, id)| new.contains(id)) {
        touched.entry(id).or_insert_with(|| Touched {
            call: first(report, id, found.now),
            before: None,
            changed: true,
        });
    }
    Ok(touched)
}

/// Applies the state machine; answers the receipt of each report, none for those of calls that are erased.
fn absorb(
    reports: &[CallReport],
    found: &Found,
    touched: &mut BTreeMap<CallId, Touched>,
) -> Vec<Option<Receipt>> {
    let mut receipts = Vec::with_capacity(reports.len());
    for (report, id) in reports.iter().zip(&found.ids) {
        let Some(known) = id.and_then(|id| touched.get_mut(&id)) else {
            receipts.push(None);
            continue;
        };
        let told = Report::new(
            report.kind,
            report.occurred_at.unwrap_or(found.now),
            report.facts.clone(),
        );
        let mut late = true;
        // A call that was deleted stays so: the receipt is all that is left of a late report.
        if known.call.deleted_at.is_none() {
            late = known.call.life.is_late(&told);
            let before = (!known.changed).then(|| known.call.clone());
            known.call.life.absorb(&told);
            learn_provider(&mut known.call, report);
            known.changed = before.is_none_or(|before| before != known.call);
        }
        receipts.push(Some(receipt(report, known.call.call_id, &told, late)));
    }
    receipts
}

/// The calls that have changed, and how their state has moved: also not at all, where a live call learned something.
fn moved(touched: &BTreeMap<CallId, Touched>) -> Vec<(&Touched, Transition)> {
    touched
        .values()
        .filter(|known| known.changed)
        .map(|known| {
            (
                known,
                Transition::between(known.before.as_ref(), &known.call.life),
            )
        })
        .collect()
}

/// Tells the accounts that listen; answers whether that made jobs.
async fn tell(
    conn: &mut PgConnection,
    mut moved: Vec<(&Touched, Transition)>,
    found: &Found,
) -> Result<bool, store::Error> {
    moved.retain(|(known, _)| found.listening.contains(&known.call.account_id));
    let known: Vec<(AccountId, CallId)> = moved
        .iter()
        .filter(|(known, _)| known.before.is_some())
        .map(|(known, _)| (known.call.account_id, known.call.call_id))
        .collect();
    let besides = store::calls::beside_many(&mut *conn, &known).await?;
    let nothing = Beside::default();
    let changes: Vec<Change<'_>> = moved
        .iter()
        .map(|(known, transition)| Change {
            call: &known.call,
            beside: besides.get(&known.call.call_id).unwrap_or(&nothing),
            transition: *transition,
            edited: false,
        })
        .collect();
    Ok(effects::tell(conn, &changes, found.now).await?)
}

/// What a receipt is known by.
type Key = (CallId, Vec<u8>);

fn key(receipt: &Receipt) -> Key {
    (receipt.call_id, receipt.digest.to_vec())
}

/// A report is a duplicate if its receipt was there before, also from earlier in this batch.
fn answers(keys: Vec<Option<Key>>, fresh: Vec<Key>) -> Vec<Ingested> {
    let mut fresh: HashSet<Key> = fresh.into_iter().collect();
    let answer = |key: Option<Key>| match key {
        None => Ingested::Erased,
        Some(key) if fresh.remove(&key) => Ingested::Recorded(key.0),
        Some(key) => Ingested::Duplicate(key.0),
    };
    keys.into_iter().map(answer).collect()
}

fn name(report: &CallReport) -> CallName {
    CallName::telephony(report.account_id, report.name.as_str())
}

/// A call of which nothing is known but its name.
fn first(report: &CallReport, call_id: CallId, now: DateTime<Utc>) -> Call {
    Call {
        connection_id: report.connection_id,
        ..Call::unknown(
            report.account_id,
            call_id,
            report.provider.clone(),
            report.name.clone(),
            now,
        )
    }
}

/// A surface that knows the provider corrects one that could not.
fn learn_provider(call: &mut Call, report: &CallReport) {
    if call.provider.as_str() == ProviderName::VOIP
        && report.provider.as_str() != ProviderName::VOIP
    {
        call.provider = report.provider.clone();
    }
    call.connection_id = call.connection_id.or(report.connection_id);
}

/// A report's content as it is kept.
#[derive(Serialize)]
struct Content<'a> {
    #[serde(flatten)]
    kind: ReportKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_s: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_reason: Option<&'a str>,
}

impl<'a> Content<'a> {
    fn of(report: &'a CallReport) -> Self {
        let facts = &report.facts;
        Self {
            kind: report.kind,
            event_id: report.event_id.as_deref(),
            direction: facts.direction,
            from: facts.from.as_ref().map(PartyNumber::raw),
            to: facts.to.as_ref().map(PartyNumber::raw),
            email: facts.email.as_ref().map(Email::as_str),
            duration_s: facts.duration_s,
            recording_url: facts.recording_url.as_ref().map(Text::as_str),
            disconnect_reason: facts.disconnect_reason.as_ref().map(Text::as_str),
        }
    }
}

/// What makes a repetition recognisable: the provider's own id of the event, or the content.
fn digest(report: &CallReport, content: &RawValue) -> [u8; 32] {
    let mut bytes = report.source.as_bytes().to_vec();
    bytes.push(0);
    match &report.event_id {
        Some(event) => bytes.extend_from_slice(event.as_bytes()),
        None => bytes.extend_from_slice(content.get().as_bytes()),
    }
    let mut out = [0; 32];
    out.copy_from_slice(sha256(&SHA256, &bytes).as_ref());
    out
}

fn receipt(report: &CallReport, call_id: CallId, told: &Report, late: bool) -> Receipt {
    let content = to_raw_value(&Content::of(report)).expect("a report is plain data");
    Receipt {
        account_id: report.account_id,
        call_id,
        digest: digest(report, &content),
        source: report.source,
        kind: report.kind.into(),
        occurred_at: told.at(),
        late,
        report: content,
    }
}
