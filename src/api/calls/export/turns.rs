//! Whose turn it is: how many exports run at once, and how many of their pages are read at once.
//!
//! Exports may last for hours and must leave the database to those who report calls. The counts are one process's, as those
//! of requests are; with several replicas an account may have as many times more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::domain::id::AccountId;

/// Exports of one account at once.
pub const EXPORTS_MAX: usize = 2;

/// Pages that are read at once, of all exports of the process: the others wait. Each takes a connection of the pool.
const PAGES_MAX: usize = 2;

/// The exports that are running in this process.
#[derive(Debug, Clone)]
pub struct Exports(Arc<Running>);

#[derive(Debug)]
struct Running {
    accounts: Mutex<HashMap<AccountId, usize>>,
    pages: Semaphore,
}

/// A running export's place; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    exports: Exports,
    account_id: AccountId,
}

impl Exports {
    /// None is running.
    pub fn new() -> Self {
        Self(Arc::new(Running {
            accounts: Mutex::default(),
            pages: Semaphore::new(PAGES_MAX),
        }))
    }

    /// A place for one more export of the account, if there is one.
    pub(super) fn enter(&self, account_id: AccountId) -> Option<Turn> {
        let mut accounts = self.accounts();
        let running = accounts.entry(account_id).or_default();
        if *running >= EXPORTS_MAX {
            return None;
        }
        *running += 1;
        drop(accounts);
        Some(Turn {
            exports: self.clone(),
            account_id,
        })
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<AccountId, usize>> {
        self.0
            .accounts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Exports {
    fn default() -> Self {
        Self::new()
    }
}

impl Turn {
    /// Waits until a page may be read.
    pub(super) async fn page(&self) -> SemaphorePermit<'_> {
        let permit = self.exports.0.pages.acquire().await;
        permit.expect("the semaphore is never closed")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut accounts = self.exports.accounts();
        if let Some(running) = accounts.get_mut(&self.account_id) {
            *running -= 1;
            if *running == 0 {
                accounts.remove(&self.account_id);
            }
        }
    }
}
