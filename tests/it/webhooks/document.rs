//! `docs/webhooks.md` says what is so.

use std::time::Duration;

use onhook::domain::{
    backoff::{DELIVERY_ATTEMPTS_MAX, delivery_retry},
    delivery::AttemptOutcome,
    event::EventType,
};

const DOCUMENT: &str = include_str!("../../../docs/webhooks.md");

#[test]
fn the_document_names_every_type_outcome_and_delay() {
    for event in EventType::ALL {
        assert!(DOCUMENT.contains(&format!("| `{event}` |")), "{event}");
    }
    for outcome in AttemptOutcome::ALL {
        let name = outcome.as_str();
        assert!(DOCUMENT.contains(&format!("`{name}`")), "{name}");
    }
    let delays = (1..DELIVERY_ATTEMPTS_MAX).map(|failed| {
        let delay = delivery_retry(failed, None, 0.5).unwrap();
        spell(delay)
    });
    let row = format!("| at once | {} |", delays.collect::<Vec<_>>().join(" | "));
    assert!(DOCUMENT.contains(&row), "{row}");
}

fn spell(delay: Duration) -> String {
    match delay.as_secs() {
        seconds if seconds >= 3600 => format!("{} h", seconds / 3600),
        seconds if seconds >= 60 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
