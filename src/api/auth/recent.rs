//! What was looked up within the last second, for the voip surface alone: it takes tens of thousands of posts a second, and one
//! query each would cost more than keeping the reports. So a revoked key, or an account that was just closed, may report calls for
//! up to a second longer. No other surface reads this.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// For how long an answer holds.
const AGE_MAX: Duration = Duration::from_secs(1);

/// How many answers are kept; strangers can make up names of accounts.
const ENTRIES_MAX: usize = 4096;

/// Answers of the last second.
#[derive(Debug)]
pub(super) struct Recent<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// The answer, if it is young enough.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<V> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, value) = entries.get(key)?;
        (now.duration_since(*at) < AGE_MAX).then(|| value.clone())
    }

    /// Keeps an answer that was true at that time.
    pub(super) fn put(&self, key: K, value: V, at: Instant) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= ENTRIES_MAX {
            entries.retain(|_, (kept, _)| at.duration_since(*kept) < AGE_MAX);
        }
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
        entries.insert(key, (at, value));
    }
}

#[cfg(test)]
mod tests {
    use super::{AGE_MAX, ENTRIES_MAX, Instant, Recent};

    #[test]
    fn an_answer_holds_for_a_second() {
        let recent = Recent::new();
        let now = Instant::now();
        recent.put("a", 1, now);
        assert_eq!(recent.get(&"a", now), Some(1));
        assert_eq!(recent.get(&"a", now + AGE_MAX), None);
        assert_eq!(recent.get(&"b", now), None);
    }

    #[test]
    fn the_number_of_answers_is_bounded() {
        let recent = Recent::new();
        let now = Instant::now();
        for key in 0..=ENTRIES_MAX {
            recent.put(key, (), now);
        }
        assert!(recent.0.lock().unwrap().len() <= ENTRIES_MAX);
        assert_eq!(recent.get(&ENTRIES_MAX, now), Some(()));
    }
}
