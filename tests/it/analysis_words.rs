//! What is made of the words: language, key phrases, highlights, categories, voicemail, outcome, summary; and that no personal data
//! gets into any of it.

use onhook::analysis::run::analyse;
use onhook::domain::{analysis::settings::Settings, report::ReportKind, state::EndState};
use serde_json::{Value, json};

use crate::{
    analysis_pure::json_fixture,
    analysis_run::{answered, call, findings, material},
};

/// What is found in utterances of speaker, second and text.
fn of(said: &[(&str, u32, &str)], settings: Value) -> Value {
    let said: Vec<Value> = said
        .iter()
        .map(|(speaker, second, text)| {
            json!({"speaker": speaker, "text": text, "begin_ms": second * 1000, "end_ms": second * 1000 + 900})
        })
        .collect();
    let mut material = material(&answered(60_000), Some(json!({ "utterances": said })));
    material.settings = Settings::read(&settings).unwrap();
    findings(&material)
}

fn fixture_call() -> Value {
    let truth = json_fixture("call_truth.json");
    let ms = |seconds: &Value| {
        format!("{:.0}", seconds.as_f64().unwrap() * 1000.0)
            .parse::<u32>()
            .unwrap()
    };
    let said: Vec<Value> = truth.as_array().unwrap().iter()
        .map(|u| json!({"speaker": u["speaker"], "text": u["text"], "begin_ms": ms(&u["start"]), "end_ms": ms(&u["end"])}))
        .collect();
    let material = material(&answered(58_882), Some(json!({ "utterances": said })));
    findings(&material)
}

#[test]
fn the_fixture_call_is_told_in_a_few_facts() {
    let found = fixture_call();
    assert_eq!(found["language_code"], "en");
    assert_eq!(found["language_source"], "detected");
    assert_eq!(
        found["summary"]["text"],
        "Inbound call, answered after 6 s, 58 s of talk. The agent had 56 % of the talk, 1 interruption, the longest silence was \
         3 s. Customer sentiment rose from -2.9 to 3.7. Most said: charged twice, terrible service, frustrated."
    );
    let highlights: Vec<(&Value, &Value)> = found["highlights"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["kind"], &one["turn"]))
        .collect();
    assert_eq!(
        highlights,
        [
            (&json!("issue"), &json!(1)),
            (&json!("most_negative"), &json!(5)),
            (&json!("commitment"), &json!(6)),
        ]
    );
    assert_eq!(found["pii"]["counts"], json!({"NAME": 1}));
    assert_eq!(found["voicemail"]["detected"], false);
    assert_eq!(found["categories"]["items"], json!([]));
}

#[test]
fn no_personal_data_gets_into_what_is_made_of_the_words() {
    let secrets = ["4111", "jane", "555", "patricia", "brown"];
    let found = of(
        &[
            ("agent", 1, "How can I help?"),
            (
                "customer",
                3,
                "My card 4111 1111 1111 1111 was charged twice, I hate it, my name is Patricia Brown.",
            ),
            (
                "customer",
                8,
                "Write to jane@example.com about the terrible terrible charge or call 415-555-0132.",
            ),
            (
                "agent",
                15,
                "I will send the refund to 4111 1111 1111 1111 and write to jane at example dot com.",
            ),
        ],
        json!({"categories": [{"name": "card", "phrases": ["my card"]}]}),
    );
    let text = serde_json::to_string(&found).unwrap().to_lowercase();
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert_eq!(
        found["highlights"]["items"][2]["text"],
        "I will send the refund to [CREDIT_DEBIT_NUMBER] and write to [EMAIL]."
    );
    assert_eq!(
        found["pii"]["counts"],
        json!({"CREDIT_DEBIT_NUMBER": 2, "EMAIL": 2, "NAME": 1, "PHONE": 1})
    );
    assert_eq!(found["categories"]["items"][0]["name"], "card");
}

#[test]
fn languages_are_told_from_enough_words_and_only_english_is_scored() {
    let german = "Guten Tag, ich habe gestern eine Rechnung bekommen und verstehe nicht, warum der Betrag doppelt abgebucht wurde.";
    let found = of(&[("customer", 1, german)], json!({}));
    assert_eq!(found["language_code"], "de");
    assert_eq!(found["language_source"], "detected");
    let skipped = json!({"status": "skipped", "reason": "LANGUAGE_NOT_SUPPORTED"});
    for section in ["sentiment", "key_phrases", "highlights"] {
        assert_eq!(found[section], skipped, "{section}");
    }
    assert_eq!(found["pii"]["status"], "completed");
    assert_eq!(found["status"], "completed");
    // A few words tell nothing, and are taken for English.
    let short = of(&[("customer", 1, "Ja, genau, danke.")], json!({}));
    assert_eq!(short["language_code"], Value::Null);
    assert_eq!(short["sentiment"]["status"], "completed");
}

#[test]
fn a_hundred_characters_are_enough_to_tell_a_language() {
    let german = "Ich verstehe nicht, warum der Betrag doppelt abgebucht wurde und warum niemand mich zurückgerufen hat.";
    let of_length = |length: usize| -> Value {
        let text: String = german.chars().take(length).collect();
        of(&[("customer", 1, &text)], json!({}))["language_code"].clone()
    };
    assert_eq!(german.chars().count(), 102);
    assert_eq!(of_length(99), Value::Null);
    assert_eq!(of_length(100), "de");
}

#[test]
fn key_phrases_are_what_is_said_most_by_the_customer_and_early() {
    let found = of(
        &[
            (
                "agent",
                1,
                "Thank you for calling Acme Widgets, how can I help you?",
            ),
            (
                "customer",
                4,
                "My coffee machine leaks. The coffee machine is two weeks old.",
            ),
            ("agent", 9, "Is the warranty card with the coffee machine?"),
            (
                "customer",
                12,
                "The warranty card is here, but the water tank is cracked, um, really cracked.",
            ),
            ("agent", 20, "I will send a new water tank."),
            ("customer", 25, "Great, thanks, bye."),
            ("agent", 28, "Have a nice day."),
        ],
        json!({}),
    );
    let phrases: Vec<&str> = found["key_phrases"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phrase| phrase["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        phrases[..3],
        ["coffee machine", "warranty card", "water tank"]
    );
    assert!(phrases.len() <= 10);
    for never in ["acme widgets", "um", "nice day", "thanks"] {
        assert!(!phrases.contains(&never), "{never}");
    }
}

#[test]
fn categories_follow_speaker_window_and_negation() {
    let said = [
        ("agent", 0, "This call is recorded."),
        ("customer", 10, "I want to cancel my subscription!"),
        ("agent", 30, "Okay, cancel-able it is."),
        ("customer", 58, "Thank you."),
    ];
    let rule = |rule: Value| -> Value {
        let mut rule = rule;
        rule["name"] = json!("it");
        of(&said, json!({"categories": [rule]}))["categories"]["items"].clone()
    };
    let is_in = |asked: Value| rule(asked) != json!([]);
    assert_eq!(
        rule(json!({"phrases": ["nothing", "cancel my *"]})),
        json!([{"name": "it", "points_of_interest": [{
            "turn": 1, "phrase": "cancel my *", "begin_offset_ms": 10_000, "end_offset_ms": 10_900, "duration_ms": 900,
        }]}])
    );
    assert!(is_in(json!({"phrases": ["CANCEL, my subscription"]})));
    assert!(!is_in(
        json!({"phrases": ["cancel my"], "speaker": "agent"})
    ));
    assert!(!is_in(json!({"phrases": ["cancels"]})));
    assert!(is_in(
        json!({"phrases": ["call is recorded"], "first_seconds": 1})
    ));
    assert!(!is_in(
        json!({"phrases": ["cancel my"], "first_seconds": 10})
    ));
    assert!(is_in(
        json!({"phrases": ["cancel my"], "first_seconds": 11})
    ));
    assert!(is_in(json!({"phrases": ["thank you"], "last_seconds": 2})));
    assert!(!is_in(json!({"phrases": ["thank you"], "last_seconds": 1})));
    assert!(!is_in(json!({"phrases": ["thank you"], "negate": true})));
    assert_eq!(
        rule(json!({"phrases": ["thank you"], "speaker": "agent", "negate": true})),
        json!([{"name": "it", "points_of_interest": []}])
    );
}

#[test]
fn a_hundred_utterances_of_a_category_are_listed() {
    let said: Vec<(&str, u32, &str)> = (0..101)
        .map(|second| ("customer", second, "refund"))
        .collect();
    let found = of(
        &said,
        json!({"categories": [{"name": "refund", "phrases": ["refund"]}]}),
    );
    let points = &found["categories"]["items"][0]["points_of_interest"];
    assert_eq!(points.as_array().unwrap().len(), 100);
}

#[test]
fn a_machine_is_heard_by_what_it_says_first() {
    let greeting =
        "You have reached the voicemail of someone. Please leave a message after the tone.";
    for (said, detected) in [
        (vec![("customer", 2, greeting)], true),
        (vec![("agent", 1, "Hello?"), ("unknown", 2, greeting)], true),
        (
            vec![
                ("customer", 2, greeting),
                ("agent", 12, "Hi, please call me back."),
            ],
            true,
        ),
        // Said too late, said by us, or in a conversation.
        (vec![("customer", 30, greeting)], false),
        (vec![("agent", 2, greeting)], false),
        (
            vec![
                ("agent", 1, "Hi."),
                ("customer", 2, "Shall I leave a message?"),
                ("agent", 5, "Yes."),
            ],
            false,
        ),
        (vec![("customer", 2, "Hello, who is this?")], false),
    ] {
        let found = of(&said, json!({}));
        assert_eq!(found["voicemail"]["detected"], detected, "{said:?}");
        let outcome = if detected { "voicemail" } else { "unknown" };
        assert_eq!(found["outcome"]["value"], outcome);
    }
}

#[test]
fn unanswered_calls_have_a_summary_too() {
    let summary = |end, ms| {
        let call = call(&[(ReportKind::Ringing, 0), (ReportKind::Ended(end), ms)]);
        findings(&material(&call, None))["summary"]["text"].clone()
    };
    assert_eq!(
        summary(EndState::Busy, 2_000),
        "Inbound call, not answered: busy, after 2 s of ringing."
    );
    assert_eq!(
        summary(EndState::Canceled, 65_000),
        "Inbound call, not answered: the caller gave up, after 1 min 5 s of ringing."
    );
    assert_eq!(
        summary(EndState::Voicemail, 2_000),
        "Inbound call, taken by voicemail."
    );
}

#[test]
fn words_of_no_meaning_are_counted() {
    let found = of(
        &[("customer", 1, "Um, no, I don't, uh, know. Not now.")],
        json!({}),
    );
    let counted = &found["conversation_characteristics"];
    assert_eq!(counted["filler_count"], json!({"customer": 2}));
    assert_eq!(counted["negation_count"], json!({"customer": 3}));
}

#[test]
fn who_may_read_what_changes_no_analysis() {
    let mut one = material(&answered(60_000), None);
    let other = one.clone();
    one.settings =
        Settings::read(&json!({"privacy": {"transcripts": "redacted", "webhooks": "redacted"}}))
            .unwrap();
    assert_eq!(one.hash(), other.hash());
    assert_eq!(analyse(&one), analyse(&other));
}
