//! When to try again.

use std::time::Duration;

/// The queue's own backoff: 1 s doubled per attempt up to 5 minutes, ±20 % by `unit` in 0..1.
pub fn queue_retry(attempt: i32, unit: f64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1))
        .unwrap_or(0)
        .min(16);
    let base = Duration::from_secs(1)
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(Duration::from_mins(5));
    base.mul_f64(0.8 + 0.4 * unit.clamp(0.0, 1.0))
}
