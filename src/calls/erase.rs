//! Erases what is kept of a call, or of every call of a number or an e-mail address: a durable job, and a receipt.
//!
//! In four stages, each of many short transactions. *Finding* looks through the account's calls and takes those of the subject
//! out of every list and look-up, a few at a time ([`take`](store::erasure::calls::take) reasons about who may write meanwhile);
//! *purging* removes what is kept beside each, in bounded deletes, and then tells `call.erased`; *finishing* ([`finish`]) looks
//! after what calls share; *completed* forgets the subject. What is done is written down with the work itself, so a worker that is
//! lost between two transactions, or in one, has lost nothing: the next goes on from there, and doing a step twice does nothing.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::Tools;
use crate::{
    domain::{
        erasure::{Erasure, Stage, Subject, SubjectKind},
        id::{AccountId, CallId, ErasureId, KeyId},
    },
    jobs::Erase,
    queue::{self, Claim, NewJob, Outcome, runner::Wake},
    seal::SealingKey,
    store::{
        self,
        erasure::{self as kept, NewErasure, Of, calls::Beside, webhooks},
    },
    webhooks::operational,
};

mod find;
mod finish;

/// How many calls are taken, or purged, in one transaction.
const AT_ONCE: usize = 50;

/// How many rows of a table are deleted in one transaction.
const ROWS_AT_ONCE: i64 = 1000;

/// After so long a job hands over to the next, so that none is long.
const SLICE: Duration = Duration::from_secs(20);

/// How many tombstones are forgotten at a time.
const FORGOTTEN: i64 = 10_000;

/// How many erasures the leader looks after at a time.
const LOOKED_AFTER: i64 = 100;

/// Why nothing is erased.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The account has no such call, and has erased none.
    #[error("the call is not known")]
    CallNotFound,
    /// The database did not do it, or may not have.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for RequestError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// An erasure that somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// In whose account.
    pub account_id: AccountId,
    /// What is to be erased.
    pub subject: &'a Subject,
    /// The key that asks, if it is one.
    pub by: Option<KeyId>,
}

/// Has calls of an account erased that were over before a moment.
pub(super) async fn older(
    tools: &Tools,
    account_id: AccountId,
    before: DateTime<Utc>,
) -> Result<(), store::Error> {
    let asked = Request {
        account_id,
        subject: &Subject::Age(before),
        by: None,
    };
    match request(&tools.db, &tools.wake, &tools.sealing_key, asked).await {
        // It is about no one call.
        Ok(_) | Err(RequestError::CallNotFound) => Ok(()),
        Err(RequestError::Store(error)) => Err(error),
    }
}

/// What the rows of an erasure are counted under.
fn cause(subject: SubjectKind) -> &'static str {
    match subject {
        SubjectKind::Call | SubjectKind::PhoneNumber | SubjectKind::Email => "erasure",
        SubjectKind::Age => "retention",
    }
}

/// Asks for an erasure. One of the same subject that is under way is that one; a call that was erased has its receipt.
pub async fn request(
    db: &PgPool,
    wake: &Wake,
    sealing_key: &SealingKey,
    asked: Request<'_>,
) -> Result<Erasure, RequestError> {
    let (account_id, kind) = (asked.account_id, asked.subject.kind());
    let canonical = asked.subject.canonical();
    let digest = digest(sealing_key, account_id, &canonical);
    let erasure_id = ErasureId::generate();
    let sealed = sealing_key.seal(&context(erasure_id), canonical.as_bytes());
    let erasure = store::within(Box::pin(async {
        let mut tx = db.begin().await?;
        if let Subject::Call(call_id) = asked.subject
            && !kept::calls::exists(&mut *tx, account_id, *call_id).await?
        {
            let known = kept::of_subject(&mut *tx, account_id, kind, &digest).await?;
            return known.ok_or(RequestError::CallNotFound);
        }
        let new = NewErasure {
            account_id,
            erasure_id,
            subject: kind,
            subject_digest: &digest,
            sealed_subject: &sealed,
            requested_by: asked.by,
        };
        kept::insert(&mut tx, &new).await?;
        let erasure = kept::of_subject(&mut *tx, account_id, kind, &digest).await?;
        let erasure = erasure.ok_or(sqlx::Error::RowNotFound)?;
        queue::store::enqueue(&mut tx, &[job((account_id, erasure.erasure_id))]).await?;
        tx.commit().await?;
        Ok(erasure)
    }))
    .await?;
    wake.wake();
    // Who asks for what is on the record; about whom is not.
    tracing::info!(
        account.id = %account_id, erasure.id = %erasure.erasure_id, key.id = ?asked.by.map(KeyId::uuid), subject = ?kind,
        "an erasure was asked for"
    );
    Ok(erasure)
}

/// The hash by which a subject is recognised.
fn digest(sealing_key: &SealingKey, account_id: AccountId, canonical: &str) -> [u8; 32] {
    sealing_key.digest(&format!("erasures/{account_id}"), canonical.as_bytes())
}

/// The place for which a subject is sealed.
fn context(erasure_id: ErasureId) -> String {
    format!("erasures/{erasure_id}/sealed_subject")
}

fn job((account_id, erasure_id): Of) -> NewJob {
    let erase = Erase {
        account_id,
        erasure_id,
    };
    NewJob::new(account_id, &erase).unique(format!("erase/{erasure_id}"))
}

/// Has every erasure that is not completed worked on: the job of one may have been given up. One that has its job gets no other.
pub async fn look_after(tools: &Tools) -> Result<(), store::Error> {
    let open = store::ask(kept::open(&tools.db, LOOKED_AFTER)).await?;
    if open.is_empty() {
        return Ok(());
    }
    let jobs: Vec<NewJob> = open.into_iter().map(job).collect();
    store::ask(Box::pin(async {
        let mut conn = tools.db.acquire().await?;
        queue::store::enqueue(&mut conn, &jobs).await
    }))
    .await?;
    tools.wake.wake();
    Ok(())
}

/// Forgets tombstones that are older than so many days, some at a time.
pub async fn forget(tools: &Tools, days: i32) -> Result<(), store::Error> {
    let dropping = kept::names::drop_old(&tools.db, days, FORGOTTEN);
    let dropped = store::ask(dropping).await?;
    tools
        .metrics
        .rows_purged("retention", "tombstones", dropped);
    Ok(())
}

/// What became of a slice of the work.
enum Slice {
    /// There is more to do.
    More,
    /// Somebody else's transactions have to end first.
    Waits,
    /// It is completed.
    Done,
}

/// One slice of the work; it hands over to the next.
pub async fn run(tools: &Tools, claim: &Claim, job: &Erase) -> Outcome {
    let of = (job.account_id, job.erasure_id);
    match slice(tools, of).await {
        Ok(Slice::Done) => Outcome::Done,
        Ok(Slice::Waits) => go_on(tools, claim, of, Duration::from_secs(1)).await,
        Ok(Slice::More) => go_on(tools, claim, of, Duration::ZERO).await,
        Err(error) => Outcome::Retry { after: None, error },
    }
}

/// Finishes this job and enqueues the next: what is not done yet is no failed attempt.
async fn go_on(tools: &Tools, claim: &Claim, of: Of, after: Duration) -> Outcome {
    let handed_over = store::within(async {
        let mut tx = tools.db.begin().await?;
        let now = store::now(&mut tx).await?;
        if queue::store::finish(&mut tx, claim).await? {
            queue::store::enqueue(&mut tx, &[job(of).at(now + after)]).await?;
            tx.commit().await?;
        }
        Ok::<_, store::Error>(())
    });
    match handed_over.await {
        Ok(()) => {
            tools.wake.wake();
            Outcome::Finished
        }
        Err(error) => Outcome::Retry {
            after: None,
            error: error.into(),
        },
    }
}

async fn slice(tools: &Tools, of: Of) -> anyhow::Result<Slice> {
    let began = Instant::now();
    while began.elapsed() < SLICE {
        let found = store::ask(kept::find(&tools.db, of)).await?;
        let Some(erasure) = found else {
            return Ok(Slice::Done);
        };
        let Some(sealed) = &erasure.sealed_subject else {
            return Ok(Slice::Done);
        };
        let opened = tools.sealing_key.open(&context(of.1), sealed)?;
        let canonical = String::from_utf8(opened).context("a subject is text")?;
        match erasure.stage {
            Stage::Finding => {
                let subject = Subject::read(erasure.subject, &canonical)?;
                Box::pin(find::find(tools, &erasure, &subject)).await?;
            }
            Stage::Purging => purge(tools, of).await?,
            Stage::Finishing => {
                let rest = Duration::from_secs(2);
                if !Box::pin(finish::finish(tools, of, &canonical, rest)).await? {
                    return Ok(Slice::Waits);
                }
            }
            Stage::Completed => return Ok(Slice::Done),
        }
    }
    Ok(Slice::More)
}

/// Goes on to the next stage, unless somebody else has.
async fn advance(tools: &Tools, of: Of, (from, to): (Stage, Stage)) -> Result<(), store::Error> {
    store::within(async {
        let mut tx = tools.db.begin().await?;
        if kept::lock(&mut tx, of, from).await?.is_some() {
            kept::advance(&mut tx, of, to).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

/// Purges what is beside the next calls, and tells that they are erased.
async fn purge(tools: &Tools, of: Of) -> anyhow::Result<()> {
    let at_once = i64::try_from(AT_ONCE)?;
    let calls = store::ask(kept::calls::unpurged(&tools.db, of, at_once)).await?;
    if calls.is_empty() {
        advance(tools, of, (Stage::Purging, Stage::Finishing)).await?;
        return Ok(());
    }
    while purge_told(tools, of, &calls).await? {}
    for beside in Beside::ALL {
        while purge_beside(tools, of, beside, &calls).await? {}
    }
    let told = store::within(Box::pin(async {
        let mut tx = tools.db.begin().await?;
        let Some(erasure) = kept::lock(&mut tx, of, Stage::Purging).await? else {
            return Ok(false);
        };
        // Who was quicker has told of them.
        let left = kept::calls::unpurged(&mut *tx, of, at_once).await?;
        let left: Vec<CallId> = left.into_iter().filter(|id| calls.contains(id)).collect();
        kept::calls::mark_purged(&mut tx, of, &left).await?;
        // Nobody has asked for it: the account has said how long it keeps calls.
        let told = erasure.subject != SubjectKind::Age
            && operational::calls_erased(&mut tx, of, &left).await?;
        tx.commit().await?;
        Ok::<_, store::Error>(told)
    }))
    .await?;
    if told {
        tools.wake.wake();
    }
    Ok(())
}

/// Removes some of what was told of calls, or is about to be; true if there may be more.
async fn purge_told(tools: &Tools, of: Of, calls: &[CallId]) -> Result<bool, store::Error> {
    store::within(Box::pin(async {
        let mut tx = tools.db.begin().await?;
        let Some(erasure) = kept::lock(&mut tx, of, Stage::Purging).await? else {
            return Ok(false);
        };
        let removed = webhooks::purge(&mut tx, of.0, calls, ROWS_AT_ONCE).await?;
        let kinds = [
            ("webhook_payloads", removed.events),
            ("deliveries", removed.deliveries),
            ("attempts", removed.attempts),
        ];
        for (kind, rows) in kinds {
            kept::count(&mut tx, of, kind, rows).await?;
        }
        tx.commit().await?;
        for (kind, rows) in kinds {
            tools
                .metrics
                .rows_purged(cause(erasure.subject), kind, rows);
        }
        Ok(removed != webhooks::Removed::default())
    }))
    .await
}

/// Removes some rows beside calls; true if there may be more.
async fn purge_beside(
    tools: &Tools,
    of: Of,
    beside: Beside,
    calls: &[CallId],
) -> Result<bool, store::Error> {
    store::within(Box::pin(async {
        let mut tx = tools.db.begin().await?;
        let Some(erasure) = kept::lock(&mut tx, of, Stage::Purging).await? else {
            return Ok(false);
        };
        let rows = beside.purge(&mut tx, of.0, calls, ROWS_AT_ONCE).await?;
        kept::count(&mut tx, of, beside.as_str(), rows).await?;
        tx.commit().await?;
        let cause = cause(erasure.subject);
        tools.metrics.rows_purged(cause, beside.as_str(), rows);
        Ok(rows > 0)
    }))
    .await
}
