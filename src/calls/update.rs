//! A staff system changes a call: its notes, its facts, its status, its recording. An update that changes nothing leaves
//! no trace.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::effects::{self, Change};
use crate::{
    domain::{
        call::Call,
        call_object::Beside,
        id::{AccountId, CallId},
        lifecycle::{Lifecycle, Transition},
        voice_call::{
            recording::{NoRecording, RecordingChange},
            update::{InvalidTransition, VoiceCallUpdate},
        },
    },
    queue::runner::Wake,
    store::{
        self,
        calls::names::{self, CallName},
    },
};

/// Which call, and who asks.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// In whose account.
    pub account_id: AccountId,
    /// Which call.
    pub call_id: CallId,
    /// The staff member who asks, if one does.
    pub by: Option<&'a str>,
    /// The versions of the call that the change is meant for; any, if absent.
    pub versions: Option<&'a [i64]>,
}

/// Why a call was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// There is no such call in the account.
    #[error("the call is not in the account")]
    NotFound,
    /// Somebody else changed it first.
    #[error("the call has changed since")]
    Changed,
    /// Its status cannot become that.
    #[error(transparent)]
    InvalidTransition(#[from] InvalidTransition),
    /// It has no recording.
    #[error(transparent)]
    NoRecording(#[from] NoRecording),
    /// Another call of the provider has that `source_id`.
    #[error("another call has that source_id")]
    SourceIdTaken,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for UpdateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Changes a call and answers it as it is then.
pub async fn update(
    db: &PgPool,
    wake: &Wake,
    target: Target<'_>,
    update: VoiceCallUpdate,
) -> Result<(Call, Beside), UpdateError> {
    let apply = |call: &mut Call, now| Ok(update.apply(call, target.by, now)?);
    change(db, wake, target, apply).await
}

/// Changes what is known of a call's recording, and answers the call as it is then.
pub async fn update_recording(
    db: &PgPool,
    wake: &Wake,
    target: Target<'_>,
    recording: RecordingChange,
) -> Result<(Call, Beside), UpdateError> {
    let apply = |call: &mut Call, _now| Ok(recording.apply(call)?);
    change(db, wake, target, apply).await
}

/// Changes a call under its lock. A change that changes nothing leaves no trace.
async fn change(
    db: &PgPool,
    wake: &Wake,
    target: Target<'_>,
    apply: impl FnOnce(&mut Call, DateTime<Utc>) -> Result<(), UpdateError>,
) -> Result<(Call, Beside), UpdateError> {
    store::within(async {
        let mut tx = db.begin().await?;
        let before = store::calls::lock(&mut tx, target.account_id, target.call_id)
            .await?
            .ok_or(UpdateError::NotFound)?;
        if target
            .versions
            .is_some_and(|versions| !versions.contains(&before.version))
        {
            return Err(UpdateError::Changed);
        }
        let now = store::now(&mut tx).await?;
        let mut call = before.clone();
        apply(&mut call, now)?;
        if call == before {
            let beside = store::calls::beside(&mut tx, target.account_id, target.call_id).await?;
            return Ok((call, beside));
        }
        rename(&mut tx, &before, &call).await?;
        store::calls::save(&mut tx, &call).await?;
        let (changed, woken) = announce(&mut tx, Some(&before.life), &call).await?;
        tx.commit().await?;
        if woken {
            wake.wake();
        }
        Ok(changed)
    })
    .await
}

/// Sets in motion what follows from a change that the caller's transaction has written. Answers the call as it is now, and
/// whether jobs were enqueued.
pub(super) async fn announce(
    conn: &mut PgConnection,
    before: Option<&Lifecycle>,
    call: &Call,
) -> Result<((Call, Beside), bool), store::Error> {
    let transition = Transition::between(before, &call.life);
    let call = store::calls::find(&mut *conn, call.account_id, call.call_id)
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    let beside = store::calls::beside(conn, call.account_id, call.call_id).await?;
    let change = Change {
        call: &call,
        beside: &beside,
        transition,
        edited: true,
    };
    let woken = effects::apply(conn, &[change], call.updated_at).await?;
    Ok(((call, beside), woken))
}

/// Gives the call the name that its `source_id` is, if that is new.
async fn rename(conn: &mut PgConnection, before: &Call, call: &Call) -> Result<(), UpdateError> {
    let (old, new) = (source(before), source(call));
    let Some(new) = new.filter(|new| old.as_ref() != Some(new)) else {
        return Ok(());
    };
    let claimed = names::claim(conn, &[(new.clone(), call.call_id)]).await?;
    if claimed.calls.is_empty() {
        let (_, owners) = names::resolve_now(&mut *conn, std::slice::from_ref(&new)).await?;
        if owners.get(&new) != Some(&call.call_id) {
            return Err(UpdateError::SourceIdTaken);
        }
    }
    if let Some(old) = old {
        names::release(conn, &old, call.call_id).await?;
    }
    // Where telephony has not used the name yet, its events are to meet this call.
    let telephony = CallName::telephony(call.account_id, &new.name);
    names::claim(conn, &[(telephony, call.call_id)]).await?;
    Ok(())
}

fn source(call: &Call) -> Option<CallName> {
    let source_id = call.staff.source_id.as_deref()?;
    Some(CallName::source(call.account_id, &call.provider, source_id))
}
