//! How the analysis of a call stands: whether another would be made now.

use sqlx::PgConnection;

use super::{Effort, read};
use crate::{
    analysis::insights::Model,
    domain::id::{AccountId, CallId},
    store,
};

/// Whether a call has been analysed as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It goes on: there is nothing to be analysed yet.
    Live,
    /// This revision is what would be made now.
    Current(i32),
    /// Another would be made than this one, or the first.
    Outdated(Option<i32>),
}

/// How the analysis of a call stands; `None` if there is no such call.
pub async fn standing(
    conn: &mut PgConnection,
    model: Option<&Model>,
    (account_id, call_id): (AccountId, CallId),
) -> sqlx::Result<Option<Standing>> {
    let Some(call) = store::calls::find(&mut *conn, account_id, call_id).await? else {
        return Ok(None);
    };
    if call.life.end.is_none() {
        return Ok(Some(Standing::Live));
    }
    let (gathered, newest) = read(conn, model, &call, (Effort::Full, false)).await?;
    Ok(Some(match newest {
        Some(newest) if !gathered.is_open && gathered.is_answered_by(&newest) => {
            Standing::Current(newest.revision)
        }
        newest => Standing::Outdated(newest.map(|newest| newest.revision)),
    }))
}
