//! Calls as those are told and shown them who may not read what was said: off the threads that serve requests where there is much of it.

use serde_json::Value;

use crate::{analysis::privacy, domain::call_object::CallObject};

/// Work on more text than this is done on a thread for such work: finding personal data in so much takes about two milliseconds.
pub const INLINE_BYTES_MAX: usize = 128 * 1024;

/// Works on so many bytes of text: at once if they are few, else off the threads that serve requests, which would stand still meanwhile.
pub async fn work_on<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes <= INLINE_BYTES_MAX {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // It had not begun when the runtime was stopped: so is whoever waits.
            Err(_stopped) => std::future::pending().await,
        },
    }
}

/// A call with personal data masked.
pub async fn call(call: CallObject) -> CallObject {
    work_on(bytes(&call), move || masked(call)).await
}

/// Calls with personal data masked.
pub async fn calls(calls: Vec<CallObject>) -> Vec<CallObject> {
    let bytes = calls.iter().map(bytes).sum();
    work_on(bytes, move || calls.into_iter().map(masked).collect()).await
}

/// What was said, twice: as lines, and as utterances, of which words may be many times the text.
fn bytes(call: &CallObject) -> usize {
    let utterances = call
        .transcript_object
        .as_ref()
        .and_then(|object| object.get("utterances")?.as_array());
    let words = utterances.into_iter().flatten();
    let words = words.filter_map(|said| said.get("words").and_then(Value::as_array));
    // A word with its times takes as long as some ten bytes of text.
    let words: usize = words.map(Vec::len).sum();
    call.transcript.as_ref().map_or(0, String::len) + 10 * words
}

fn masked(mut call: CallObject) -> CallObject {
    privacy::redact_shown(&mut call.transcript, &mut call.transcript_object);
    call
}
