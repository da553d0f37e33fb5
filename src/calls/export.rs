//! Everything that an account has, call by call, oldest first: for whoever writes it to a file or a client.
//!
//! A page at a time, in constant memory: between two pages there is neither a transaction nor a cursor, only the place of
//! the last call. So a reader may be as slow as it likes, and another export goes on where one was cut off.

use std::{collections::VecDeque, time::Duration};

use chrono::TimeDelta;
use sqlx::PgPool;

use crate::{
    domain::{
        account::TranscriptAccess,
        call_object::CallObject,
        call_query::{Condition, Search},
        id::{AccountId, CallId},
    },
    store::{
        self,
        calls::query::{
            self,
            walk::{self, Found, Mark, Stretch, Wanted},
        },
    },
    webhooks::redacted,
};

/// Most calls of a page.
pub const PAGE_CALLS_MAX: usize = 100;

/// Most bytes of what was said on the calls of a page. A call that has more has a page of its own.
pub const PAGE_TRANSCRIPT_BYTES_MAX: u64 = 1024 * 1024;

/// Calls that one statement passes, at most; fewer where they take long to look at.
const STRETCH_CALLS_MAX: i64 = 2000;

/// Calls younger than this are left for the next export. A call's time is that at which its transaction began, and none
/// takes longer than [`store::WAIT_MAX`]: what is older is there to be seen, so that nobody who goes on after the last call
/// misses one that was first heard of before it and committed after it.
pub const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// What is to be exported.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Whose calls.
    pub account_id: AccountId,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// Words that stand somewhere, whatever the case.
    pub search: Option<Search>,
    /// Only what comes after this call.
    pub after: Option<CallId>,
    /// How what was said is shown.
    pub transcripts: TranscriptAccess,
}

/// An export under way.
#[derive(Debug)]
pub struct Export {
    db: PgPool,
    account_id: AccountId,
    transcripts: TranscriptAccess,
    wanted: Wanted,
    at: Option<Mark>,
    ahead: VecDeque<Found>,
    stretch_calls: i64,
    is_walked: bool,
}

/// Why an export did not begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The call to go on after is not the account's.
    #[error("the account has no call {0} to go on after")]
    UnknownCall(CallId),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Export {
    /// Begins an export; it has the calls that are there now.
    pub async fn begin(db: PgPool, order: Order) -> Result<Self, BeginError> {
        let Order {
            account_id,
            conditions,
            search,
            after,
            transcripts,
        } = order;
        let (now, at) = store::within::<_, BeginError>(async {
            let mut conn = db.acquire().await.map_err(store::Error::from)?;
            let now = store::now(&mut conn).await.map_err(store::Error::from)?;
            let Some(call_id) = after else {
                return Ok((now, None));
            };
            let mark = walk::mark(&mut *conn, account_id, call_id).await;
            let mark = mark.map_err(store::Error::from)?;
            let mark = mark.ok_or(BeginError::UnknownCall(call_id))?;
            Ok((now, Some(mark)))
        })
        .await?;
        let settled = TimeDelta::from_std(SETTLED_AFTER).unwrap_or_default();
        Ok(Self {
            db,
            account_id,
            transcripts,
            wanted: Wanted {
                conditions,
                search,
                before: now - settled,
            },
            at,
            ahead: VecDeque::new(),
            stretch_calls: STRETCH_CALLS_MAX,
            is_walked: false,
        })
    }

    /// The next page; it may be empty where many calls were passed by. Nothing when there is no more.
    pub async fn next(&mut self) -> Result<Option<Vec<CallObject>>, store::Error> {
        if self.ahead.is_empty() {
            if self.is_walked {
                return Ok(None);
            }
            self.walk().await?;
        }
        let ids = self.take_page();
        let (db, account_id) = (&self.db, self.account_id);
        if ids.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let read = store::within(async {
            let mut tx = query::begin(db).await?;
            let calls = store::calls::shown(&mut tx, account_id, &ids).await?;
            tx.commit().await?;
            Ok::<_, store::Error>(calls)
        });
        let calls = read.await?;
        Ok(Some(match self.transcripts {
            TranscriptAccess::Raw => calls,
            TranscriptAccess::Redacted => redacted::calls(calls).await,
        }))
    }

    /// Passes a stretch. One that takes too long is made shorter, down to a single call.
    async fn walk(&mut self) -> Result<(), store::Error> {
        loop {
            match store::within(self.stretch()).await {
                Ok(Some(stretch)) => {
                    self.is_walked = stretch.end.is_none();
                    self.at = stretch.end.or(self.at);
                    self.ahead.extend(stretch.found);
                    self.stretch_calls = (self.stretch_calls * 2).min(STRETCH_CALLS_MAX);
                    return Ok(());
                }
                Ok(None) => self.stretch_calls = (self.stretch_calls / 8).max(1),
                Err(error) => return Err(error),
            }
        }
    }

    /// The next stretch; nothing if it is too long to be looked at in time.
    async fn stretch(&self) -> Result<Option<Stretch>, store::Error> {
        let mut tx = query::begin(&self.db).await?;
        let calls_max = self.stretch_calls;
        let found = walk::stretch(&mut tx, self.account_id, &self.wanted, self.at, calls_max).await;
        match found {
            Ok(stretch) => {
                tx.commit().await?;
                Ok(Some(stretch))
            }
            Err(error) if query::is_too_slow(&error) && calls_max > 1 => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn take_page(&mut self) -> Vec<CallId> {
        let mut page = Vec::new();
        let mut bytes = 0;
        while let Some(found) = self.ahead.front() {
            bytes += u64::try_from(found.transcript_bytes).unwrap_or_default();
            let is_full = page.len() == PAGE_CALLS_MAX || bytes > PAGE_TRANSCRIPT_BYTES_MAX;
            if is_full && !page.is_empty() {
                break;
            }
            page.push(found.call_id);
            self.ahead.pop_front();
        }
        page
    }
}
