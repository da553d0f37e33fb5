//! When to try again. Pure: randomness comes in as a unit, a number from 0 up to but not including 1.
//!
//! Webhook deliveries follow the schedule that Standard Webhooks gives as its example: ten attempts in 75 h 35 min.
//! Everything else in the queue follows [`queue_retry`], which ends where the job's own bound of attempts does.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// How often a delivery is tried before it is a dead letter.
pub const DELIVERY_ATTEMPTS_MAX: i32 = 10;

/// How long after each failed attempt the next one comes; the first attempt is made at once.
const DELIVERY_DELAYS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// A `Retry-After` up to this is honoured whatever the schedule says; beyond it, up to twice the scheduled delay.
pub const RETRY_AFTER_ALWAYS: Duration = Duration::from_hours(1);

/// The first delay of the queue's own backoff; it doubles.
const QUEUE_FIRST: Duration = Duration::from_secs(1);

/// The longest delay of the queue's own backoff, before jitter.
pub const QUEUE_DELAY_MAX: Duration = Duration::from_mins(5);

/// How far jitter moves a delay, as a share of it, either way.
pub const JITTER: f64 = 0.2;

/// How long to wait after the `failed`-th attempt of a delivery's schedule, counted from 1; `None`: the schedule is spent.
///
/// The endpoint's `Retry-After` postpones the attempt within bounds and never brings it forward.
pub fn delivery_retry(failed: i32, retry_after: Option<Duration>, unit: f64) -> Option<Duration> {
    let index = usize::try_from(failed).ok()?.checked_sub(1)?;
    let delay = *DELIVERY_DELAYS.get(index)?;
    let scheduled = jittered(delay, unit);
    let longest = RETRY_AFTER_ALWAYS.max(delay * 2);
    Some(retry_after.map_or(scheduled, |asked| scheduled.max(asked.min(longest))))
}

/// How long a `Retry-After` header asks to wait: it has seconds or a date.
pub fn retry_after(header: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(header.trim()).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

/// How long to wait after the `failed`-th attempt of a job, counted from 1: 1 s, doubling, at most five minutes.
pub fn queue_retry(failed: i32, unit: f64) -> Duration {
    // 2^20 s is far above the longest delay.
    let doublings = u32::try_from(failed.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
    jittered(
        (QUEUE_FIRST * 2_u32.pow(doublings)).min(QUEUE_DELAY_MAX),
        unit,
    )
}

/// Spreads a delay over ±20 %, so that what failed together is not tried together.
fn jittered(delay: Duration, unit: f64) -> Duration {
    delay.mul_f64(1.0 - JITTER + 2.0 * JITTER * unit.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{
        DELIVERY_ATTEMPTS_MAX, DELIVERY_DELAYS, JITTER, QUEUE_DELAY_MAX, RETRY_AFTER_ALWAYS,
        delivery_retry, queue_retry, retry_after,
    };

    const MIDDLE: f64 = 0.5;

    #[test]
    fn the_schedule_is_the_one_of_standard_webhooks() {
        let delays: Vec<u64> = (1..DELIVERY_ATTEMPTS_MAX)
            .map(|failed| delivery_retry(failed, None, MIDDLE).unwrap().as_secs())
            .collect();
        assert_eq!(
            delays,
            [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
        );
        assert_eq!(delays.iter().sum::<u64>(), 75 * 3600 + 35 * 60 + 5);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let asked = |header| retry_after(header, now).map(|wait| wait.as_secs());
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Sun, 01 Mar 2026 12:02:00 GMT"), Some(120));
        assert_eq!(asked("Sun, 01 Mar 2026 11:00:00 GMT"), Some(0));
        for nonsense in ["", "-1", "soon", "1.5", "99999999999999999999"] {
            assert_eq!(asked(nonsense), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn the_schedule_ends_after_the_tenth_attempt(failed: i32, asked: Option<u32>, unit in 0.0..1.0) {
            let asked = asked.map(|s| Duration::from_secs(s.into()));
            let goes_on = delivery_retry(failed, asked, unit).is_some();
            prop_assert_eq!(goes_on, (1..DELIVERY_ATTEMPTS_MAX).contains(&failed));
        }

        #[test]
        fn jitter_stays_in_its_bounds(failed in 1..DELIVERY_ATTEMPTS_MAX, unit in 0.0..1.0) {
            let base = delivery_retry(failed, None, MIDDLE).unwrap().as_secs_f64();
            let delay = delivery_retry(failed, None, unit).unwrap().as_secs_f64();
            prop_assert!(delay >= base * (1.0 - JITTER) - 1e-6 && delay <= base * (1.0 + JITTER) + 1e-6);
        }

        #[test]
        fn delays_rise(failed in 2..DELIVERY_ATTEMPTS_MAX, job in 2..i32::MAX) {
            let after = |failed| delivery_retry(failed, None, MIDDLE).unwrap();
            prop_assert!(after(failed) > after(failed - 1));
            prop_assert!(queue_retry(job, MIDDLE) >= queue_retry(job - 1, MIDDLE));
        }

        #[test]
        fn retry_after_postpones_within_bounds(
            failed in 1..DELIVERY_ATTEMPTS_MAX, asked in 0_u64..10_000_000, unit in 0.0..1.0
        ) {
            let asked = Duration::from_secs(asked);
            let scheduled = delivery_retry(failed, None, unit).unwrap();
            let delay = delivery_retry(failed, Some(asked), unit).unwrap();
            let base = DELIVERY_DELAYS[usize::try_from(failed).unwrap() - 1];
            prop_assert!(delay >= scheduled && delay <= RETRY_AFTER_ALWAYS.max(base * 2));
            prop_assert!(asked > RETRY_AFTER_ALWAYS || delay >= asked);
        }

        #[test]
        fn the_queue_never_waits_longer_than_its_bound(failed: i32, unit: f64) {
            let delay = queue_retry(failed, if unit.is_nan() { MIDDLE } else { unit });
            prop_assert!(delay <= QUEUE_DELAY_MAX.mul_f64(1.0 + JITTER));
            prop_assert!(delay >= Duration::from_millis(800));
        }
    }
}
