//! A back end changes what it keeps of a call, or deletes the call. A change that changes nothing leaves no trace.

use sqlx::PgPool;

use super::{
    effects::{self, Change},
    update,
};
use crate::{
    domain::{
        call::Call,
        call_object::Beside,
        campaign::{CampaignUpdate, TooLarge},
        id::{AccountId, CallId},
        lifecycle::Transition,
    },
    queue::runner::Wake,
    store,
};

/// Why a call was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AnnotateError {
    /// There is no such call in the account.
    #[error("the call is not in the account")]
    NotFound,
    /// It is live: whoever would end it could not find it any more.
    #[error("the call has not ended")]
    Live,
    /// It would say more than is kept.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for AnnotateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Changes a call and answers it as it is then.
pub async fn annotate(
    db: &PgPool,
    wake: &Wake,
    (account_id, call_id): (AccountId, CallId),
    update: CampaignUpdate,
) -> Result<(Call, Beside), AnnotateError> {
    store::within(async {
        let mut tx = db.begin().await?;
        let before = store::calls::lock(&mut tx, account_id, call_id)
            .await?
            .ok_or(AnnotateError::NotFound)?;
        let mut call = before.clone();
        update.apply(&mut call)?;
        if call == before {
            let beside = store::calls::beside(&mut tx, account_id, call_id).await?;
            return Ok((call, beside));
        }
        store::calls::save(&mut tx, &call).await?;
        let (changed, woken) = update::announce(&mut tx, Some(&before.life), &call).await?;
        tx.commit().await?;
        if woken {
            wake.wake();
        }
        Ok(changed)
    })
    .await
}

/// Deletes an ended call: it is in no list and no look-up any more, and what is reported of it later changes nothing.
/// Answers it as it was deleted.
pub async fn delete(
    db: &PgPool,
    wake: &Wake,
    (account_id, call_id): (AccountId, CallId),
) -> Result<(Call, Beside), AnnotateError> {
    store::within(async {
        let mut tx = db.begin().await?;
        let mut call = store::calls::lock(&mut tx, account_id, call_id)
            .await?
            .ok_or(AnnotateError::NotFound)?;
        if call.life.end.is_none() {
            return Err(AnnotateError::Live);
        }
        let now = store::now(&mut tx).await?;
        call.deleted_at = Some(now);
        store::calls::save(&mut tx, &call).await?;
        call.updated_at = now;
        call.version += 1;
        let beside = store::calls::beside(&mut tx, account_id, call_id).await?;
        let change = Change {
            call: &call,
            beside: &beside,
            transition: Transition::default(),
            edited: true,
        };
        let woken = effects::apply(&mut tx, &[change], now).await?;
        tx.commit().await?;
        if woken {
            wake.wake();
        }
        Ok((call, beside))
    })
    .await
}
