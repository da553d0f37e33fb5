//! The first stage of an erasure: calls of the subject are found, and taken out of every list and look-up.

use std::time::Duration;

use super::{AT_ONCE, advance, cause};
use crate::{
    calls::Tools,
    domain::{
        erasure::{Erasure, Stage, Subject},
        id::CallId,
    },
    store::{
        self,
        erasure::{
            self as kept, Of,
            calls::{Changed, Wanted},
        },
    },
};

/// How many calls are looked at with one statement.
const LOOK_AT: i64 = 2000;

/// Looks at the next calls; at the end, once more at those that have changed meanwhile.
pub(super) async fn find(
    tools: &Tools,
    erasure: &Erasure,
    subject: &Subject,
) -> Result<(), store::Error> {
    let of = (erasure.account_id, erasure.erasure_id);
    if let Subject::Call(call_id) = subject {
        take(tools, of, &[*call_id]).await?;
        return advance(tools, of, (Stage::Finding, Stage::Purging)).await;
    }
    let wanted = Wanted::of(subject);
    let looking = kept::calls::look(&tools.db, of.0, &wanted, erasure.place, LOOK_AT);
    let page = store::ask(looking).await?;
    take(tools, of, &page.found).await?;
    if let Some(last) = page.last {
        store::within(async {
            let mut tx = tools.db.begin().await?;
            let Some(locked) = kept::lock(&mut tx, of, Stage::Finding).await? else {
                return Ok(());
            };
            // Somebody else may have done this page.
            if locked.place == erasure.place {
                kept::looked(&mut tx, of, last, page.looked_at).await?;
                tx.commit().await?;
            }
            Ok::<_, store::Error>(())
        })
        .await?;
    }
    if page.looked_at == LOOK_AT {
        return Ok(());
    }
    // What is over stays so.
    if let Subject::Age(_) = subject {
        return advance(tools, of, (Stage::Finding, Stage::Purging)).await;
    }
    // Reports are committed within seconds of the time that they write down.
    let since = erasure.created_at - Duration::from_mins(1);
    let mut place: Option<Changed> = Some((since, CallId::from(uuid::Uuid::nil())));
    while let Some(after) = place {
        let again = kept::calls::look_again(&tools.db, of.0, &wanted, after, LOOK_AT);
        let (found, next) = store::ask(again).await?;
        take(tools, of, &found).await?;
        place = next;
    }
    advance(tools, of, (Stage::Finding, Stage::Purging)).await
}

/// Takes calls away, a few in a transaction.
async fn take(tools: &Tools, of: Of, calls: &[CallId]) -> Result<(), store::Error> {
    for calls in calls.chunks(AT_ONCE) {
        store::within(Box::pin(async {
            let mut tx = tools.db.begin().await?;
            let Some(erasure) = kept::lock(&mut tx, of, Stage::Finding).await? else {
                return Ok(());
            };
            let taken = kept::calls::take(&mut tx, of, calls).await?;
            for (kind, rows) in [
                ("calls", taken.calls),
                ("names", taken.names),
                ("legs", taken.legs),
                ("parked_reports", taken.parked),
                ("jobs", taken.jobs),
            ] {
                kept::count(&mut tx, of, kind, rows).await?;
            }
            tx.commit().await?;
            let cause = cause(erasure.subject);
            tools.metrics.rows_purged(cause, "calls", taken.calls);
            Ok::<_, store::Error>(())
        }))
        .await?;
    }
    Ok(())
}
