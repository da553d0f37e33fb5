//! A back end makes a call known that another system placed. Its `call_sid` is the call's name: if telephony has reported a
//! call by that name, that call is filled in.
//!
//! Idempotent by a receipt, as in [`create`](super::create): the same content again is recognised by its digest, however
//! the call has moved on since; other content under the name is refused. A call without a `call_sid` goes by our own id.

use aws_lc_rs::digest::{SHA256, digest as sha256};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use super::{limits, update};
use crate::{
    domain::{
        call::Call,
        call_object::Beside,
        campaign::{CampaignUpdate, TooLarge},
        id::{AccountId, CallId},
        limits::CallLimits,
        report::{Facts, ProviderCallId, ProviderName, Report, ReportKind},
        state::CallState,
    },
    queue::runner::Wake,
    store::{
        self,
        calls::names::{self, CallName},
        receipts::{self, Receipt},
    },
};

/// How often a race for the name is run again: whoever wins has committed by then.
const RACES_MAX: usize = 3;

/// How far another system's clock may be ahead of the database's.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

/// How receipts of this verb are marked.
const SOURCE: &str = "calls";

/// A call that another system placed.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// In whose account.
    pub account_id: AccountId,
    /// Our id of it, should it be new: the same when a request is made again.
    pub call_id: CallId,
    /// What telephony calls it, if it has a name yet.
    pub name: Option<ProviderCallId>,
    /// The provider, if it is known.
    pub provider: Option<ProviderName>,
    /// Where it stands.
    pub state: CallState,
    /// When it was answered.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What else telephony would report.
    pub facts: Facts,
    /// How long it may last.
    pub limits: CallLimits,
    /// What back ends keep of it.
    pub notes: CampaignUpdate,
    /// The request as it was understood, for the receipt.
    pub content: serde_json::Value,
}

/// What making a call known came to.
#[derive(Debug)]
pub enum Recorded {
    /// It is new here, or telephony knew it and now its back end's side is there.
    New(Call, Beside),
    /// The same request was taken before.
    Again(Call, Beside),
}

/// Why a call was not made known.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A call by that name was made known otherwise.
    #[error("another call has that call_sid")]
    NameTaken,
    /// The call by that name was erased.
    #[error("the call by that call_sid was erased")]
    Erased,
    /// It happened in the future.
    #[error("{field} is in the future")]
    InFuture {
        /// The field that says so.
        field: &'static str,
    },
    /// It would have to end before now.
    #[error("end_at is not in the future")]
    InPast,
    /// It says more than is kept.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for RecordError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Makes a call known.
pub async fn record(db: &PgPool, wake: &Wake, new: &NewRecord) -> Result<Recorded, RecordError> {
    store::within(async {
        for _ in 0..RACES_MAX {
            let mut tx = db.begin().await?;
            if let Some((recorded, woken)) = Box::pin(attempt(&mut tx, new)).await? {
                tx.commit().await?;
                if woken {
                    wake.wake();
                }
                return Ok(recorded);
            }
        }
        Err(store::Error::Unavailable("the name of the call changed hands".into()).into())
    })
    .await
}

/// One attempt; `None` if somebody else took the name in between.
async fn attempt(
    conn: &mut PgConnection,
    new: &NewRecord,
) -> Result<Option<(Recorded, bool)>, RecordError> {
    let fresh = new.call_id;
    let name = match &new.name {
        Some(name) => name.clone(),
        None => ProviderCallId::parse(fresh.to_string()).expect("a UUID is a name"),
    };
    let named = CallName::telephony(new.account_id, name.as_str());
    let (now, owners) = names::resolve_now(&mut *conn, std::slice::from_ref(&named)).await?;
    check_times(new, now)?;
    let (call_id, before) = match owners.get(&named) {
        Some(call_id) => (
            *call_id,
            store::calls::lock(conn, new.account_id, *call_id).await?,
        ),
        None => match names::claim(conn, &[(named, fresh)]).await? {
            granted if granted.erased => return Err(RecordError::Erased),
            granted if granted.calls.is_empty() => return Ok(None),
            _ => (fresh, None),
        },
    };
    let (mut call, known) = match before {
        Some(call) => {
            if let Some(kept) = repeated(conn, new, &call).await? {
                return Ok(Some((kept, false)));
            }
            let before = call.life.clone();
            (call, Some(before))
        }
        // The name is a deleted call's.
        None if call_id != fresh => return Err(RecordError::NameTaken),
        None => (blank(new, call_id, name, now), None),
    };
    let late = known.as_ref().is_some_and(|before| before.end.is_some());
    if new.limits.end_at.is_some_and(|end_at| end_at <= now) {
        return Err(RecordError::InPast);
    }
    tell(&mut call, new, now)?;
    store::calls::save(conn, &call).await?;
    limits::begin(&mut *conn, &call, new.limits, now).await?;
    receipts::keep(conn, &receipt(new, &call, now, late)).await?;
    let ((call, beside), woken) = update::announce(conn, known.as_ref(), &call).await?;
    Ok(Some((Recorded::New(call, beside), woken)))
}

fn check_times(new: &NewRecord, now: DateTime<Utc>) -> Result<(), RecordError> {
    for (field, at) in [("started_at", new.started_at), ("ended_at", new.ended_at)] {
        if at.is_some_and(|at| at > now + AHEAD_MAX) {
            return Err(RecordError::InFuture { field });
        }
    }
    Ok(())
}

/// A call that a back end has made known before: the same again, or another under its name.
async fn repeated(
    conn: &mut PgConnection,
    new: &NewRecord,
    call: &Call,
) -> Result<Option<Recorded>, RecordError> {
    let (account_id, call_id) = (call.account_id, call.call_id);
    if receipts::is_kept(&mut *conn, account_id, call_id, digest(new)).await? {
        let beside = store::calls::beside(conn, account_id, call_id).await?;
        return Ok(Some(Recorded::Again(call.clone(), beside)));
    }
    if receipts::is_from(&mut *conn, account_id, call_id, SOURCE).await? {
        return Err(RecordError::NameTaken);
    }
    Ok(None)
}

/// Takes the state to the state machine, as reports, and keeps the notes.
fn tell(call: &mut Call, new: &NewRecord, now: DateTime<Utc>) -> Result<(), TooLarge> {
    let kind = kind(new.state);
    if matches!(kind, ReportKind::Ended(_))
        && let Some(started_at) = new.started_at
    {
        let answered = Report::new(ReportKind::Answered, started_at, Facts::default());
        call.life.absorb(&answered);
    }
    call.life
        .absorb(&Report::new(kind, at(new, now), new.facts.clone()));
    if let Some(provider) = &new.provider
        && call.provider.as_str() == ProviderName::VOIP
    {
        call.provider = provider.clone();
    }
    new.notes.clone().apply(call)
}

fn kind(state: CallState) -> ReportKind {
    match (state, state.ended()) {
        (_, Some(end)) => ReportKind::Ended(end),
        (CallState::Ringing, None) => ReportKind::Ringing,
        (CallState::InProgress, None) => ReportKind::Answered,
        (_, None) => ReportKind::Queued,
    }
}

/// When what the state says happened.
fn at(new: &NewRecord, now: DateTime<Utc>) -> DateTime<Utc> {
    let told = match kind(new.state) {
        ReportKind::Ended(_) | ReportKind::HungUp(_) => new.ended_at,
        ReportKind::Answered => new.started_at,
        ReportKind::Queued | ReportKind::Ringing | ReportKind::Recording => None,
    };
    told.unwrap_or(now)
}

/// A call of which nothing is known but its name.
fn blank(new: &NewRecord, call_id: CallId, name: ProviderCallId, now: DateTime<Utc>) -> Call {
    Call::unknown(
        new.account_id,
        call_id,
        new.provider.clone().unwrap_or_else(ProviderName::voip),
        name,
        now,
    )
}

fn receipt(new: &NewRecord, call: &Call, now: DateTime<Utc>, late: bool) -> Receipt {
    Receipt {
        account_id: call.account_id,
        call_id: call.call_id,
        digest: digest(new),
        source: SOURCE,
        kind: kind(new.state).into(),
        occurred_at: at(new, now),
        late,
        report: serde_json::value::to_raw_value(&new.content).expect("a report is plain data"),
    }
}

fn digest(new: &NewRecord) -> [u8; 32] {
    let content = format!("{SOURCE}\0{}", new.content);
    let digest = sha256(&SHA256, content.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
