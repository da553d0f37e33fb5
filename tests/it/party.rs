//! What providers and PBXs really send for a party: kept as sent, and read as a number where it is one.

use onhook::domain::party::{E164, PartyNumber};
use proptest::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::TestApp;

/// As it was sent, and the number in it.
const SENT: &[(&str, Option<&str>)] = &[
    // Numbers. The published ones are in no numbering plan.
    ("+1234567890", Some("+1234567890")),
    ("+1789451230", Some("+1789451230")),
    ("+1 (415) 555-0148", Some("+14155550148")),
    ("+1.415.555.0148", Some("+14155550148")),
    ("+49/89/123456", Some("+4989123456")),
    ("  +14155550148 ", Some("+14155550148")),
    ("(+44) 20 7946 0000", Some("+442079460000")),
    ("+44 (0)20 7946 0000", Some("+442079460000")),
    ("0044 20 7946 0000", Some("+442079460000")),
    ("+12", Some("+12")),
    ("+123456789012345", Some("+123456789012345")),
    ("+1234567890123456", None),
    ("+0123456789", None),
    ("+1", None),
    ("++14155550148", None),
    ("+1+4155550148", None),
    ("+", None),
    // National numbers, short codes, extensions: which country's would be a guess.
    ("4155550148", None),
    ("020 7946 0000", None),
    ("112", None),
    ("0012", None),
    ("*67", None),
    ("1001", None),
    // Typed or typeset differently.
    ("＋１４１５５５５０１４８", Some("+14155550148")),
    ("＋１（４１５）５５５－０１４８", Some("+14155550148")),
    ("+1\u{a0}415\u{202f}555\u{2011}0148", Some("+14155550148")),
    ("+1 415\u{2013}555\u{2014}0148", Some("+14155550148")),
    ("+1\u{2212}415\u{3000}5550148", Some("+14155550148")),
    ("\u{202a}+14155550148\u{202c}", Some("+14155550148")),
    ("+1\u{ad}415\u{200b}5550148\u{feff}", Some("+14155550148")),
    ("+٩٧١٥٠١٢٣٤٥٦٧", Some("+971501234567")),
    ("+۹۸۲۱۱۲۳۴۵۶۷۸", Some("+982112345678")),
    // Extensions are beside the number.
    ("+1 555 0100 x12", Some("+15550100")),
    ("+1 415 555 0148 ext. 12", Some("+14155550148")),
    ("+1 415 555 0148 EXT 12", Some("+14155550148")),
    ("+1 415 555 0148 extension 12", Some("+14155550148")),
    ("+14155550148#12", Some("+14155550148")),
    ("+14155550148,,12", Some("+14155550148")),
    ("+14155550148;ext=12", Some("+14155550148")),
    ("+14155550148 x", None),
    ("+1 800 FLOWERS", None),
    ("+14155550148 or so", None),
    // URIs.
    ("tel:+14155550148", Some("+14155550148")),
    ("tel:+1-415-555-0148;ext=12", Some("+14155550148")),
    ("TEL:+14155550148", Some("+14155550148")),
    ("tel:7042;phone-context=example.com", None),
    ("sip:alice@example.com", None),
    ("sip:1001@pbx.example", None),
    ("sip:+14155550148@pbx.example", Some("+14155550148")),
    (
        "SIPS:+14155550148@pbx.example:5061;transport=tls",
        Some("+14155550148"),
    ),
    (
        "sip:+14155550148;phone-context=x@pbx.example;user=phone",
        Some("+14155550148"),
    ),
    ("sip:%2B14155550148@pbx.example", Some("+14155550148")),
    ("sip:+14155550148:secret@pbx.example", Some("+14155550148")),
    ("sip:0044207946000@pbx.example", Some("+44207946000")),
    ("sip:14155550148@pbx.example;user=phone", None),
    ("sip:+14155550148", Some("+14155550148")),
    ("+14155550148@pbx.example", Some("+14155550148")),
    ("whatsapp:+14155550148", Some("+14155550148")),
    ("client:alice", None),
    ("sip:", None),
    ("sip:%ff@pbx.example", None),
    // Names with addresses.
    (
        "<sip:+14155550148@host;user=phone>;tag=9fxced76sl",
        Some("+14155550148"),
    ),
    ("\"Ann 😀\" <sip:+14155550148@host>", Some("+14155550148")),
    ("\"Ann 😀\" <sip:ann@host>", None),
    (
        "\"a \\\" <sip:+1222@x>\" <sip:+14155550148@host>",
        Some("+14155550148"),
    ),
    ("Ann 24 <tel:+14155550148>", Some("+14155550148")),
    ("\"+14155550148\" <sip:anonymous@anonymous.invalid>", None),
    ("\"Ann\" +14155550148", Some("+14155550148")),
    ("\"Ann", None),
    ("<sip:+14155550148@host", None),
    ("<>", None),
    ("Zoë 📞", None),
    // Withheld, in words or as the keys that spell them.
    ("anonymous", None),
    ("Anonymous", None),
    ("Restricted", None),
    ("Unavailable", None),
    ("Private Number", None),
    ("unknown", None),
    ("sip:anonymous@anonymous.invalid", None),
    ("+266696687", None),
    ("+7378742833", None),
    ("+2562533", None),
    ("+8656696", None),
    ("+86282452253", None),
    ("sip:+266696687@pbx.example", None),
    // Near those, and numbers.
    ("+266696688", Some("+266696688")),
    ("+2666966870", Some("+2666966870")),
];

#[test]
fn every_party_is_kept_as_sent_and_its_number_read_where_there_is_one() {
    for (raw, e164) in SENT {
        let party = PartyNumber::parse(*raw).unwrap();
        assert_eq!(party.raw(), *raw);
        assert_eq!(party.e164().map(E164::as_str), *e164, "{raw}");
    }
}

#[test]
fn nothing_and_too_much_are_no_party() {
    for raw in ["", " ", "\u{a0}\t", "a\0b", &"1".repeat(256)] {
        assert!(PartyNumber::parse(raw).is_err(), "{raw:?}");
    }
    PartyNumber::parse("é".repeat(255)).unwrap();
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_as_e164(raw in "\\PC{0,12}[\"<>@:;+0 \\-x#%\\\\]{0,8}[0-9０-９ ]{0,16}\\PC{0,8}") {
        if let Ok(party) = PartyNumber::parse(raw.as_str()) {
            prop_assert_eq!(party.raw(), raw.as_str());
            if let Some(number) = party.e164() {
                prop_assert!(number.as_str().parse::<E164>().is_ok());
            }
        }
    }

    #[test]
    fn a_number_is_read_however_it_is_grouped(digits in "[1-9][0-9]{6,14}", at in 1usize..6, by in "[ \\-./\u{a0}\u{2011}\u{2013}]") {
        let (head, tail) = digits.split_at(at);
        for raw in [format!("+{head}{by}{tail}"), format!("00{head}{by}{tail}"), format!("\"x\" <sip:+{head}{tail}@h>")] {
            let party = PartyNumber::parse(raw.as_str()).unwrap();
            let number = format!("+{digits}");
            prop_assert_eq!(party.e164().map(E164::as_str), Some(number.as_str()));
        }
    }
}

#[tokio::test]
async fn what_was_sent_is_shown_exactly_beside_the_number_in_it() {
    let app = TestApp::boot().await;
    let account = app.default_account().await;
    for (at, (raw, e164)) in SENT.iter().enumerate() {
        let call_id = format!("CA{at}");
        let fields = json!({"CallId": call_id, "From": raw, "To": raw});
        let path = "/api/v1/voip/call-in-queue";
        let request = app.request(Method::POST, path);
        let request = if at % 2 == 0 {
            request.json(&fields)
        } else {
            request.form(&fields)
        };
        assert_eq!(request.send().await.unwrap().status(), 200, "{raw}");
        let id: String = sqlx::query_scalar("select call_id::text from call_names where name = $1")
            .bind(&call_id)
            .fetch_one(&app.db)
            .await
            .unwrap();
        let shown = app.get(&format!("/calls/{id}"), &account.key);
        let shown: Value = shown.send().await.unwrap().json().await.unwrap();
        let call = &shown["data"];
        assert_eq!(call["call_from"], *raw);
        assert_eq!(call["call_to"], *raw);
        assert_eq!(call["from_e164"], json!(e164), "{raw}");
        assert_eq!(call["to_e164"], json!(e164), "{raw}");
    }
}
