//! What was looked up lately.
//!
//! Callers of the last [`LOOK_UP_AGE_MAX`] are for the voip surface alone: it takes tens of thousands of posts a second, and one
//! query each would cost more than keeping the reports. So a revoked key, or an account that was just closed, may report calls
//! for up to a second longer. No other surface believes what is kept here.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// For how long a look-up holds.
pub(super) const LOOK_UP_AGE_MAX: Duration = Duration::from_secs(1);

/// For how long a key that was believed is looked up even if its client shows many that are not.
pub(super) const TRUST_AGE_MAX: Duration = Duration::from_hours(1);

/// How many answers are kept; strangers can make up names of accounts.
const ENTRIES_MAX: usize = 4096;

/// Answers that are not older than they may be.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    age_max: Duration,
    entries: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    pub(super) fn new(age_max: Duration) -> Self {
        Self {
            age_max,
            entries: Mutex::new(HashMap::new()),
        }
    }

    /// The answer, if it is young enough.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<V> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, value) = entries.get(key)?;
        (now.duration_since(*at) < self.age_max).then(|| value.clone())
    }

    /// Keeps an answer that was true at that time.
    pub(super) fn put(&self, key: K, value: V, at: Instant) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, (kept, _)| at.duration_since(*kept) < self.age_max);
        }
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(key, (at, value));
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRIES_MAX, Instant, LOOK_UP_AGE_MAX as AGE_MAX, Recent};

    #[test]
    fn an_answer_holds_for_a_second() {
        let recent = Recent::new(AGE_MAX);
        let now = Instant::now();
        recent.put("a", 1, now);
        assert_eq!(recent.get(&"a", now), Some(1));
        assert_eq!(recent.get(&"a", now + AGE_MAX), None);
        assert_eq!(recent.get(&"b", now), None);
    }

    #[test]
    fn the_number_of_answers_is_bounded() {
        let recent = Recent::new(AGE_MAX);
        let now = Instant::now();
        for key in 0..=ENTRIES_MAX {
            recent.put(key, (), now);
        }
        assert!(recent.entries.lock().unwrap().len() <= ENTRIES_MAX);
        assert_eq!(recent.get(&ENTRIES_MAX, now), Some(()));
    }
}
