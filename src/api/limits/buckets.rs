//! Token buckets by client: each holds a minute's quota and fills evenly.
//!
//! A bucket is the time at which it will be full again (the generic cell rate algorithm), so that one that is full need not be
//! kept. There are at most [`ENTRIES_MAX`]; clients beyond share one, so that making up addresses neither fills the memory nor
//! empties what is known.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// In which an empty bucket fills.
const WINDOW: Duration = Duration::from_mins(1);

/// How many buckets are kept.
const ENTRIES_MAX: usize = 65_536;

/// How often full buckets are looked for when there are too many: looking takes a while.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Buckets of one size, by client.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    name: &'static str,
    quota: NonZeroU32,
    kept: Mutex<Kept<K>>,
}

/// When each bucket is full again.
#[derive(Debug)]
struct Kept<K> {
    own: HashMap<K, Instant>,
    /// The one of those who have none of their own.
    shared: Option<Instant>,
    swept: Option<Instant>,
}

/// How a client stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// What is counted.
    pub(super) name: &'static str,
    /// How many a minute.
    pub(super) quota: NonZeroU32,
    /// How many are left now.
    pub(super) left: u32,
    /// In how many seconds all are.
    pub(super) full_s: u32,
    /// In how many seconds to try again, if this was one too many.
    pub(super) wait_s: Option<u32>,
}

impl Standing {
    /// The value of `RateLimit-Policy`.
    pub(super) fn policy(&self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.quota, WINDOW.as_secs())
    }

    /// The value of `RateLimit`.
    pub(super) fn left(&self) -> String {
        format!("\"{}\";r={};t={}", self.name, self.left, self.full_s)
    }
}

impl<K: Hash + Eq> Buckets<K> {
    /// Full buckets of this size.
    pub(super) fn new(name: &'static str, quota: NonZeroU32) -> Self {
        Self {
            name,
            quota,
            kept: Mutex::new(Kept {
                own: HashMap::new(),
                shared: None,
                swept: None,
            }),
        }
    }

    /// Takes one out of a client's bucket, if there is one.
    pub(super) fn take(&self, key: K, now: Instant) -> Standing {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.make_room(&key, now);
        let full_at = kept.own.get(&key).copied();
        let own = full_at.is_some() || kept.own.len() < ENTRIES_MAX;
        let full_at = if own { full_at } else { kept.shared };
        let before = full_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        let after = before + self.each();
        if let Some(excess) = after.checked_sub(WINDOW).filter(|excess| !excess.is_zero()) {
            return self.standing(before, Some(seconds(excess)));
        }
        if own {
            kept.own.insert(key, now + after);
        } else {
            kept.shared = Some(now + after);
        }
        self.standing(after, None)
    }

    /// Whether nothing is left in a client's bucket.
    pub(super) fn is_empty(&self, key: &K, now: Instant) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.own
            .get(key)
            .is_some_and(|at| at.saturating_duration_since(now) + self.each() > WINDOW)
    }

    /// The time in which one is added.
    fn each(&self) -> Duration {
        WINDOW / self.quota.get()
    }

    fn standing(&self, missing: Duration, wait_s: Option<u32>) -> Standing {
        let left = WINDOW.saturating_sub(missing).as_nanos() / self.each().as_nanos();
        Standing {
            name: self.name,
            quota: self.quota,
            left: u32::try_from(left).unwrap_or(u32::MAX),
            full_s: seconds(missing),
            wait_s,
        }
    }
}

impl<K: Hash + Eq> Kept<K> {
    /// Forgets full buckets if there is no room for a new one.
    fn make_room(&mut self, key: &K, now: Instant) {
        if self.own.len() < ENTRIES_MAX || self.own.contains_key(key) {
            return;
        }
        let lately = |at: Instant| now.saturating_duration_since(at) < SWEEP_EVERY;
        if self.swept.is_some_and(lately) {
            return;
        }
        self.swept = Some(now);
        self.own.retain(|_, at| *at > now);
    }
}

/// Whole seconds, so many that waiting them is enough.
fn seconds(duration: Duration) -> u32 {
    let up = duration + Duration::from_nanos(999_999_999);
    u32::try_from(up.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(quota: u32) -> Buckets<u32> {
        Buckets::new("requests", NonZeroU32::new(quota).unwrap())
    }

    #[test]
    fn a_bucket_gives_its_quota_at_once_and_then_as_it_fills() {
        let (buckets, now) = (buckets(3), Instant::now());
        for left in [2, 1, 0] {
            let standing = buckets.take(1, now);
            assert_eq!((standing.left, standing.wait_s), (left, None));
        }
        let refused = buckets.take(1, now);
        assert_eq!((refused.left, refused.wait_s), (0, Some(20)));
        assert_eq!(refused.policy(), "\"requests\";q=3;w=60");
        assert_eq!(refused.left(), "\"requests\";r=0;t=60");
        assert!(buckets.is_empty(&1, now) && !buckets.is_empty(&2, now));
        assert_eq!(buckets.take(2, now).left, 2, "another's is another");
        let later = now + Duration::from_secs(20);
        assert_eq!(buckets.take(1, later).wait_s, None);
        assert_eq!(buckets.take(1, later).wait_s, Some(20));
        assert_eq!(buckets.take(1, later + WINDOW).left, 2);
    }

    #[test]
    fn buckets_beyond_the_bound_are_one_until_others_are_full_again() {
        let (buckets, now) = (buckets(2), Instant::now());
        let entries = u32::try_from(ENTRIES_MAX).unwrap();
        for key in 0..entries {
            buckets.take(key, now);
        }
        assert_eq!(buckets.take(entries, now).left, 1);
        assert_eq!(buckets.take(entries + 1, now).left, 0);
        assert!(buckets.take(entries + 2, now).wait_s.is_some());
        assert_eq!(buckets.take(0, now).left, 0, "who was known still is");
        assert_eq!(buckets.kept.lock().unwrap().own.len(), ENTRIES_MAX);
        let later = now + WINDOW;
        assert_eq!(buckets.take(entries + 2, later).left, 1);
        assert!(buckets.kept.lock().unwrap().own.len() < 3);
    }
}
