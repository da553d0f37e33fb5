//! The end of an erasure: names that no column of a call told, the list of numbers, kept answers; then the subject is forgotten.
//!
//! Each step may be made again: nothing is written down of them but the end.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;
use uuid::Uuid;

use super::cause;
use crate::{
    calls::Tools,
    domain::{erasure::Stage, id::CallId},
    store::{
        self,
        erasure::{self as kept, Of},
        idempotency,
    },
};

/// How many rows are looked at with one statement.
const PAGE: i64 = 1000;

/// How long a UUID is as text.
const UUID_CHARS: usize = 36;

/// Does what is left, and completes the erasure. False: transactions that were there before have not ended within `patience`.
pub(super) async fn finish(
    tools: &Tools,
    of: Of,
    subject: &str,
    patience: Duration,
) -> anyhow::Result<bool> {
    if store::ask(kept::calls::has_staff_side(&tools.db, of)).await? {
        sweep_names(tools, of).await?;
    }
    let pages = numbers(tools, of).await?;
    if !others_are_past(tools, patience).await? {
        return Ok(false);
    }
    for calls in pages {
        store::ask(Box::pin(async {
            let mut conn = tools.db.acquire().await?;
            kept::numbers::put_back(&mut conn, of, &calls).await
        }))
        .await?;
    }
    answers(tools, of, subject).await?;
    complete(tools, of).await?;
    Ok(true)
}

async fn sweep_names(tools: &Tools, of: Of) -> Result<(), store::Error> {
    let mut place = Some((String::new(), String::new()));
    while let Some(after) = place {
        place = counted(tools, of, "names", async |tx| {
            kept::names::sweep(tx, of, &after, PAGE).await
        })
        .await?
        .flatten();
    }
    Ok(())
}

/// Removes numbers that no call has any more. Answers the calls, page by page, whose numbers were looked at.
async fn numbers(tools: &Tools, of: Of) -> Result<Vec<Vec<CallId>>, store::Error> {
    let mut pages: Vec<Vec<CallId>> = Vec::new();
    loop {
        let after = pages.last().and_then(|page| page.last()).copied();
        let page = store::ask(kept::numbers::page(&tools.db, of, after, PAGE)).await?;
        if page.is_empty() {
            return Ok(pages);
        }
        counted(tools, of, "numbers", async |tx| {
            Ok((kept::numbers::remove(tx, of, &page).await?, ()))
        })
        .await?;
        pages.push(page);
    }
}

/// Waits until everybody has ended who may have seen numbers that are not there any more.
async fn others_are_past(tools: &Tools, patience: Duration) -> Result<bool, store::Error> {
    let newest = store::ask(Box::pin(async {
        let mut conn = tools.db.acquire().await?;
        kept::numbers::newest(&mut conn).await
    }));
    let newest = newest.await?;
    let deadline = Instant::now() + patience;
    loop {
        if store::ask(kept::numbers::is_past(&tools.db, newest)).await? {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Forgets answers to requests with an `Idempotency-Key` that show a call of the erasure, or the subject. They are sealed, and say
/// nothing of what is in them: each of the account is opened. One that is kept after this is forgotten after a day.
async fn answers(tools: &Tools, of: Of, subject: &str) -> Result<(), store::Error> {
    let mut after: Option<idempotency::Sha256> = None;
    loop {
        let kept_answers = idempotency::answers(&tools.db, of.0, after.as_ref(), PAGE);
        let page = store::ask(kept_answers).await?;
        let Some(last) = page.last().map(|(name, _)| *name) else {
            return Ok(());
        };
        after = Some(last);
        let mut showing = Vec::new();
        for (name, sealed) in page {
            let context = idempotency::context(&name);
            // One that does not open is nobody's to read.
            let Ok(answer) = tools.sealing_key.open(&context, &sealed) else {
                continue;
            };
            let answer = String::from_utf8_lossy(&answer);
            let ids = ids(&answer);
            let among = store::ask(kept::among(&tools.db, of, &ids)).await?;
            if !among.is_empty() || answer.contains(subject) {
                showing.push(name);
            }
        }
        counted(tools, of, "kept_answers", async |tx| {
            Ok((idempotency::drop_answers(tx, of.0, &showing).await?, ()))
        })
        .await?;
    }
}

/// Every UUID in a text.
fn ids(text: &str) -> Vec<Uuid> {
    let found: BTreeSet<Uuid> = text
        .match_indices('-')
        .filter_map(|(at, _)| {
            let start = at.checked_sub(8)?;
            text.get(start..start + UUID_CHARS)?.parse().ok()
        })
        .collect();
    found.into_iter().collect()
}

/// A transaction of the last stage whose rows are counted; nothing if somebody else has come to the end.
async fn counted<T>(
    tools: &Tools,
    of: Of,
    kind: &'static str,
    work: impl AsyncFnOnce(&mut sqlx::PgConnection) -> sqlx::Result<(u64, T)>,
) -> Result<Option<T>, store::Error> {
    store::within(Box::pin(async {
        let mut tx = tools.db.begin().await?;
        let Some(erasure) = kept::lock(&mut tx, of, Stage::Finishing).await? else {
            return Ok(None);
        };
        let (rows, answer) = work(&mut tx).await?;
        kept::count(&mut tx, of, kind, rows).await?;
        tx.commit().await?;
        tools
            .metrics
            .rows_purged(cause(erasure.subject), kind, rows);
        Ok(Some(answer))
    }))
    .await
}

/// Forgets the calls and the subject; what stays is the receipt.
async fn complete(tools: &Tools, of: Of) -> Result<(), store::Error> {
    loop {
        let forgotten = store::ask(Box::pin(async {
            let mut conn = tools.db.acquire().await?;
            kept::forget_calls(&mut conn, of, PAGE).await
        }));
        if forgotten.await? == 0 {
            break;
        }
    }
    let receipt = store::within(async {
        let mut tx = tools.db.begin().await?;
        let Some(erasure) = kept::lock(&mut tx, of, Stage::Finishing).await? else {
            return Ok(None);
        };
        kept::advance(&mut tx, of, Stage::Completed).await?;
        tx.commit().await?;
        Ok::<_, store::Error>(Some(erasure))
    });
    if let Some(erasure) = receipt.await? {
        tools.metrics.erasure_completed();
        tracing::info!(
            account.id = %of.0, erasure.id = %of.1, calls = erasure.erased, removed = ?erasure.removed,
            "an erasure is completed"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn every_id_in_a_text_is_found() {
        let first = "0199c0de-0000-7000-8000-000000000001";
        let second = "0199c0de-0000-7000-8000-0000000000ff";
        let text = format!(r#"é-{{"a":"{first}","b-":["{second}","{first}"]}} 2026-03-01T00"#);
        let found: Vec<String> = ids(&text).iter().map(ToString::to_string).collect();
        assert_eq!(found, [first, second]);
        assert!(ids("---é--------------------------------").is_empty());
    }
}
