//! A staff system makes a call known. Its `source_id` is the call's name: if telephony has reported a call by that name
//! already, that call is filled in; if a staff system has, the request is a repetition, or is refused.
//!
//! Idempotent by a receipt: the same content again is recognised by its digest, however the call has moved on since.

use aws_lc_rs::digest::{SHA256, digest as sha256};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::update;
use crate::{
    domain::{
        call::Call,
        call_object::Beside,
        id::{AccountId, CallId},
        report::{ProviderCallId, ProviderName},
        voice_call::update::{InvalidTransition, VoiceCallUpdate, check_move},
    },
    queue::runner::Wake,
    store::{
        self,
        calls::names::{self, CallName},
        receipts::{self, Kind, Receipt},
    },
};

/// How often a race for the name is run again: whoever wins has committed by then.
const RACES_MAX: usize = 3;

/// A call that a staff system makes known.
#[derive(Debug, Clone)]
pub struct NewCall {
    /// In whose account.
    pub account_id: AccountId,
    /// The staff member who asks, if one does.
    pub by: Option<String>,
    /// The provider.
    pub provider: ProviderName,
    /// The provider system's id of the call.
    pub source_id: ProviderCallId,
    /// What is said of it.
    pub update: VoiceCallUpdate,
    /// The request as it was understood, for the receipt.
    pub content: serde_json::Value,
}

/// What making a call known came to.
#[derive(Debug)]
pub enum Created {
    /// It is new here, or telephony knew it and now its staff side is there.
    New(Call, Beside),
    /// The same request was taken before.
    Again(Call, Beside),
}

/// Why a call was not made known.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is a call with that `source_id`, and it was made known otherwise.
    #[error("another call has that source_id")]
    SourceIdTaken,
    /// The call by that `source_id` was erased.
    #[error("the call by that source_id was erased")]
    Erased,
    /// A new call cannot have that status.
    #[error(transparent)]
    InvalidTransition(#[from] InvalidTransition),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for CreateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Makes a call known.
pub async fn create(db: &PgPool, wake: &Wake, new: &NewCall) -> Result<Created, CreateError> {
    store::within(async {
        for _ in 0..RACES_MAX {
            let mut tx = db.begin().await?;
            if let Some((created, woken)) = attempt(&mut tx, new).await? {
                tx.commit().await?;
                if woken {
                    wake.wake();
                }
                return Ok(created);
            }
        }
        Err(store::Error::Unavailable("the name of the call changed hands".into()).into())
    })
    .await
}

/// One attempt; `None` if somebody else took a name in between.
async fn attempt(
    conn: &mut PgConnection,
    new: &NewCall,
) -> Result<Option<(Created, bool)>, CreateError> {
    let source = CallName::source(new.account_id, &new.provider, new.source_id.as_str());
    let telephony = CallName::telephony(new.account_id, new.source_id.as_str());
    let wanted = [source.clone(), telephony.clone()];
    let (now, owners) = names::resolve_now(&mut *conn, &wanted).await?;
    if let Some(call_id) = owners.get(&source) {
        let created = repeated(conn, new, *call_id).await?;
        return Ok(Some((created, false)));
    }
    let known = owners.get(&telephony).copied();
    let call_id = known.unwrap_or_else(CallId::generate);
    let mut claims = vec![(source, call_id)];
    if known.is_none() {
        claims.push((telephony, call_id));
        claims.sort();
    }
    let granted = names::claim(conn, &claims).await?;
    if granted.erased {
        return Err(CreateError::Erased);
    }
    if granted.calls.len() < claims.len() {
        return Ok(None);
    }
    let ((call, beside), woken) = match known {
        Some(call_id) => join(conn, new, call_id, now).await?,
        None => begin(conn, new, call_id, now).await?,
    };
    receipts::keep(conn, &receipt(new, &call)).await?;
    Ok(Some((Created::New(call, beside), woken)))
}

/// A call that nobody has heard of.
async fn begin(
    conn: &mut PgConnection,
    new: &NewCall,
    call_id: CallId,
    now: DateTime<Utc>,
) -> Result<((Call, Beside), bool), CreateError> {
    let mut call = blank(new, call_id, now);
    let update = new.update.clone();
    update.apply(&mut call, new.by.as_deref(), now)?;
    store::calls::save(conn, &call).await?;
    Ok(update::announce(conn, None, &call).await?)
}

/// A call that telephony has reported: its staff side is filled in. Where telephony has got further than the status says,
/// its state stands.
async fn join(
    conn: &mut PgConnection,
    new: &NewCall,
    call_id: CallId,
    now: DateTime<Utc>,
) -> Result<((Call, Beside), bool), CreateError> {
    let mut call = store::calls::lock(conn, new.account_id, call_id)
        .await?
        .ok_or(CreateError::SourceIdTaken)?;
    let before = call.life.clone();
    let mut update = new.update.clone();
    update.status = update
        .status
        .filter(|status| check_move(&call, *status).is_ok());
    update.apply(&mut call, new.by.as_deref(), now)?;
    store::calls::save(conn, &call).await?;
    Ok(update::announce(conn, Some(&before), &call).await?)
}

async fn repeated(
    conn: &mut PgConnection,
    new: &NewCall,
    call_id: CallId,
) -> Result<Created, CreateError> {
    let call = store::calls::find(&mut *conn, new.account_id, call_id).await?;
    let kept = receipts::is_kept(&mut *conn, new.account_id, call_id, digest(new)).await?;
    match call {
        Some(call) if kept => {
            let beside = store::calls::beside(conn, new.account_id, call_id).await?;
            Ok(Created::Again(call, beside))
        }
        Some(_) | None => Err(CreateError::SourceIdTaken),
    }
}

/// A call of which nothing is known but its names.
fn blank(new: &NewCall, call_id: CallId, now: DateTime<Utc>) -> Call {
    Call::unknown(
        new.account_id,
        call_id,
        new.provider.clone(),
        new.source_id.clone(),
        now,
    )
}

fn receipt(new: &NewCall, call: &Call) -> Receipt {
    let kind = match (call.life.end, call.life.answered_at) {
        (Some(_), _) => Kind::Ended,
        (None, Some(_)) => Kind::Answered,
        (None, None) => Kind::Ringing,
    };
    Receipt {
        account_id: call.account_id,
        call_id: call.call_id,
        digest: digest(new),
        source: "voice_calls",
        kind,
        occurred_at: call.updated_at,
        late: false,
        report: serde_json::value::to_raw_value(&new.content).expect("a report is plain data"),
    }
}

fn digest(new: &NewCall) -> [u8; 32] {
    let content = format!("voice_calls\0{}", new.content);
    let digest = sha256(&SHA256, content.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}
