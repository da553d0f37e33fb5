//! Waiting for something to become true, with an end.

use std::time::Duration;

/// Asks until there is an answer; panics when there is none in time. The pause between questions is no part of what is
/// tested.
pub(crate) async fn eventually<T>(
    within: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(within, asking).await {
        Ok(answer) => answer,
        Err(elapsed) => panic!("{elapsed} ({} s): {what}", within.as_secs()),
    }
}
