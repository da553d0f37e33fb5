//! Where a provider's report belongs: to the call that it names, to a call that is there under another name, or to one that is yet
//! to come. And how legs belong to each other, which is written down after their reports are committed.
//!
//! A report of a recording may come before its call, and may name the conversation alone. It is kept until the call is there, for a
//! day, so that it neither makes a call nor is lost.

use aws_lc_rs::digest::{SHA256, digest as sha256};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{
    Tools, end,
    ingest::{self, Ingest, IngestError},
};
use crate::{
    domain::{
        id::{AccountId, ConnectionId},
        report::{CallReport, Facts, ProviderCallId, ProviderName, ReportKind},
        text::Text,
    },
    providers::Leg,
    store::{
        self,
        calls::names::{self, CallName},
        erasure::names as erased_names,
        legs::{Belongs, Named},
        parked::{self, Awaited, Parked},
    },
};

/// How many parked reports are taken up, or dropped, at a time.
const PARKED_AT_ONCE: i64 = 100;

/// Takes a verified report of a provider, and what it says of other legs.
pub async fn take(
    tools: &Tools,
    ingest: &Ingest,
    mut report: CallReport,
    leg: &Leg,
) -> Result<(), IngestError> {
    if report.kind == ReportKind::Recording {
        match store::within(name(tools, &report, leg)).await? {
            Some(name) => report.name = name,
            None => return Ok(store::within(park(tools, &report, leg)).await?),
        }
    }
    let (account_id, provider, name) = (
        report.account_id,
        report.provider.clone(),
        report.name.clone(),
    );
    ingest.report(report).await?;
    if *leg == Leg::default() {
        return Ok(());
    }
    let of = Named {
        account_id,
        provider: provider.as_str(),
        name: name.as_str(),
    };
    if store::within(Box::pin(note(tools, of, leg))).await? {
        let conversation = leg.conversation.as_ref().map(ProviderCallId::as_str);
        for awaited in [Some(name.as_str()), conversation].into_iter().flatten() {
            Box::pin(take_up(tools, Some((account_id, awaited)))).await?;
        }
    }
    Ok(())
}

/// The name of the call that a report belongs to, if that is there: its own, or the first leg's of its conversation.
async fn name(
    tools: &Tools,
    report: &CallReport,
    leg: &Leg,
) -> Result<Option<ProviderCallId>, store::Error> {
    let own = CallName::telephony(report.account_id, report.name.as_str());
    let (_, known) = names::resolve_now(&tools.db, std::slice::from_ref(&own)).await?;
    if known.contains_key(&own) {
        return Ok(Some(report.name.clone()));
    }
    let Some(conversation) = &leg.conversation else {
        return Ok(None);
    };
    let (account_id, provider) = (report.account_id, report.provider.as_str());
    let first = store::legs::first_of(&tools.db, account_id, provider, conversation.as_str());
    Ok(first
        .await?
        .and_then(|name| ProviderCallId::parse(name).ok()))
}

/// Writes down how a leg belongs to others. A leg below a call that was ended here is ended, too. Answers whether that was news.
async fn note(tools: &Tools, of: Named<'_>, leg: &Leg) -> Result<bool, store::Error> {
    let parent = leg.parent.as_ref().map(ProviderCallId::as_str);
    let belongs = Belongs {
        parent: parent.filter(|parent| *parent != of.name),
        conversation: leg.conversation.as_ref().map(ProviderCallId::as_str),
    };
    if belongs == Belongs::default() {
        return Ok(false);
    }
    if store::legs::is_known(&tools.db, of, belongs).await? {
        return Ok(false);
    }
    let mut tx = tools.db.begin().await?;
    let Some(belongs) = unerased(&mut tx, of, belongs).await? else {
        return Ok(false);
    };
    let new = store::legs::note(&mut tx, of, belongs).await?;
    let woken = new && end::follow(&mut tx, of, belongs).await?;
    tx.commit().await?;
    if woken {
        tools.wake.wake();
    }
    Ok(new)
}

/// What may be kept of how a leg belongs to others: nothing of erased calls. Keeps erasures out until the transaction ends.
async fn unerased<'a>(
    conn: &mut PgConnection,
    of: Named<'_>,
    belongs: Belongs<'a>,
) -> sqlx::Result<Option<Belongs<'a>>> {
    erased_names::hold(&mut *conn, of.account_id).await?;
    let named = [Some(of.name), belongs.parent, belongs.conversation];
    let named: Vec<&str> = named.into_iter().flatten().collect();
    let erased = erased_names::erased(conn, of.account_id, &named).await?;
    let is_erased = |name: &str| erased.iter().any(|erased| erased == name);
    let left = Belongs {
        parent: belongs.parent.filter(|name| !is_erased(name)),
        conversation: belongs.conversation.filter(|name| !is_erased(name)),
    };
    Ok((!is_erased(of.name) && left != Belongs::default()).then_some(left))
}

/// A report as it is parked.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurred_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration_s: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recording_url: Option<Text<2048>>,
}

async fn park(tools: &Tools, report: &CallReport, leg: &Leg) -> Result<(), store::Error> {
    let kept = Kept {
        name: report.name.as_str().to_owned(),
        event_id: report.event_id.clone(),
        occurred_at: report.occurred_at,
        duration_s: report.facts.duration_s,
        recording_url: report.facts.recording_url.clone(),
    };
    let kept = serde_json::to_value(kept).expect("a report is plain data");
    let Some(connection_id) = report.connection_id else {
        return Ok(());
    };
    let awaits = leg.conversation.as_ref().unwrap_or(&report.name);
    let parked = Parked {
        account_id: report.account_id,
        digest: digest(report, &kept),
        connection_id,
        provider: report.provider.as_str().to_owned(),
        awaits: awaits.as_str().to_owned(),
        report: kept,
    };
    let mut tx = tools.db.begin().await?;
    erased_names::hold(&mut tx, report.account_id).await?;
    let named = [report.name.as_str(), awaits.as_str()];
    let erased = erased_names::erased(&mut *tx, report.account_id, &named).await?;
    if !erased.is_empty() {
        tools.metrics.parked_reports("erased", 1);
        return Ok(());
    }
    let new = parked::park(&mut tx, &parked).await?;
    tx.commit().await?;
    tools.metrics.parked_reports("parked", u64::from(new));
    Ok(())
}

fn digest(report: &CallReport, kept: &serde_json::Value) -> [u8; 32] {
    let event = report.event_id.clone().unwrap_or_else(|| kept.to_string());
    let content = format!("{}\0{event}", report.provider.as_str());
    let digest = sha256(&SHA256, content.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Takes up parked reports whose call is there by now: those that wait for this name, or all. Answers how many.
///
/// Taken in first and forgotten then: who dies in between takes a report in twice, which changes nothing.
pub async fn take_up(
    tools: &Tools,
    only: Option<(AccountId, &str)>,
) -> Result<usize, store::Error> {
    let awaited = parked::awaited(&tools.db, only, PARKED_AT_ONCE);
    let awaited = store::ask(awaited).await?;
    let count = awaited.len();
    for one in awaited {
        let (account_id, digest) = (one.parked.account_id, one.parked.digest);
        match report(tools, one) {
            Some(report) => {
                ingest::apply(&tools.db, &tools.wake, &[report]).await?;
                tools.metrics.parked_reports("taken_up", 1);
            }
            None => tools.metrics.parked_reports("dropped", 1),
        }
        store::ask(Box::pin(async {
            let mut tx = tools.db.begin().await?;
            parked::forget(&mut tx, account_id, digest).await?;
            tx.commit().await
        }))
        .await?;
    }
    Ok(count)
}

/// Drops reports that have waited for a day. Answers how many.
pub async fn drop_old(tools: &Tools) -> Result<u64, store::Error> {
    let dropped = store::ask(parked::drop_old(&tools.db, PARKED_AT_ONCE)).await?;
    if dropped > 0 {
        tracing::warn!(
            reports = dropped,
            "reports waited for a day, and their calls never came"
        );
        tools.metrics.parked_reports("dropped", dropped);
    }
    Ok(dropped)
}

/// The report as it came, of the call that is there. Nothing if this version does not know its provider.
fn report(tools: &Tools, awaited: Awaited) -> Option<CallReport> {
    let Parked {
        account_id,
        connection_id,
        provider,
        report,
        ..
    } = awaited.parked;
    let kept: Kept = serde_json::from_value(report).ok()?;
    let source = tools.providers.named(&provider)?.name();
    Some(CallReport {
        account_id,
        source,
        provider: ProviderName::parse(&provider).ok()?,
        connection_id: Some::<ConnectionId>(connection_id),
        name: ProviderCallId::parse(awaited.call).ok()?,
        event_id: kept.event_id,
        occurred_at: kept.occurred_at,
        kind: ReportKind::Recording,
        facts: Facts {
            duration_s: kept.duration_s,
            recording_url: kept.recording_url,
            ..Facts::default()
        },
    })
}
