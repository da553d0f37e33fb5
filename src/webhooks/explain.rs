//! Why a receiver does not verify what we sent: each part of its check by itself, and the usual mistakes tried out.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    signature::{SigningKey, hmac_sha256},
    trial,
};

/// How far a receiver's clock may be from ours, in seconds: what the public libraries take.
pub const TOLERANCE_S: i64 = 300;

/// How much of the signed content is shown.
const SHOWN_CHARS: usize = 200;

/// What a receiver got, and what it made of it.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// Its `webhook-id`.
    pub id: &'a str,
    /// Its `webhook-timestamp`.
    pub timestamp: &'a str,
    /// Its `webhook-signature`.
    pub signature: &'a str,
    /// The body as the receiver's check had it.
    pub body: &'a str,
    /// The secret or public key that it verifies with, if it says so.
    pub secret: Option<&'a str>,
    /// The signature that it made itself, if it says so.
    pub computed: Option<&'a str>,
}

/// A key of the endpoint.
#[derive(Debug)]
pub struct KnownKey {
    /// The key.
    pub key: SigningKey,
    /// When it stops signing; none: it is the present one.
    pub expires_at: Option<DateTime<Utc>>,
}

/// What we know of it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The endpoint's keys, also those that are over.
    pub keys: &'a [KnownKey],
    /// The body of the event of that id; none: there is no such event.
    pub sent: Option<&'a str>,
    /// What time it is.
    pub now: DateTime<Utc>,
}

/// A part of the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// `webhook-id` is an event of this account.
    Id,
    /// `webhook-timestamp` is a time, and near enough.
    Timestamp,
    /// The body is, byte for byte, what was sent.
    Body,
    /// The receiver's secret is one that signs now.
    Secret,
    /// `webhook-signature` has an entry of a key of this endpoint.
    Signature,
    /// What the receiver made itself is what it should be.
    Computed,
}

/// What came of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Finding {
    /// Which part.
    pub part: Part,
    /// Whether it holds.
    pub holds: bool,
    /// What was found and, where it does not hold, what to do.
    pub detail: String,
}

/// The whole check, part by part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// Whether every part holds: a correct receiver takes it.
    pub verifies: bool,
    /// The parts, those that were asked about.
    pub findings: Vec<Finding>,
    /// The head of what is signed: `id.timestamp.body`, 200 characters of it.
    pub signed_content: String,
    /// How many bytes of it there are.
    pub signed_content_bytes: usize,
}

/// Goes through a receiver's check.
pub fn explain(received: &Received<'_>, known: &Known<'_>) -> Explanation {
    let content = content(received, received.body);
    let mut findings = vec![
        id(known, is_test(received.body)),
        timestamp(received.timestamp, known.now),
        signature(received, known),
    ];
    findings.extend(known.sent.map(|sent| body(received.body, sent)));
    findings.extend(received.secret.map(|given| secret(given, known)));
    findings.extend(
        received
            .computed
            .map(|made| computed(made, received, known)),
    );
    Explanation {
        verifies: findings.iter().all(|finding| finding.holds),
        findings,
        signed_content: content.chars().take(SHOWN_CHARS).collect(),
        signed_content_bytes: content.len(),
    }
}

fn content(received: &Received<'_>, body: &str) -> String {
    format!("{}.{}.{body}", received.id, received.timestamp)
}

fn found(part: Part, detail: impl Into<String>) -> Finding {
    Finding {
        part,
        holds: true,
        detail: detail.into(),
    }
}

fn wrong(part: Part, detail: impl Into<String>) -> Finding {
    Finding {
        part,
        holds: false,
        detail: detail.into(),
    }
}

fn is_test(body: &str) -> bool {
    serde_json::from_str(body)
        .is_ok_and(|read: Value| read.get("type") == Some(&trial::TYPE.into()))
}

fn id(known: &Known<'_>, test: bool) -> Finding {
    match known.sent {
        Some(_) => found(Part::Id, "it is an event of this account"),
        None if test => found(Part::Id, "it is a test's, of which nothing is kept"),
        None => wrong(
            Part::Id,
            "no event of this account has this id: give webhook-id as it came, without quotes or spaces. Events are deleted after their \
             retention",
        ),
    }
}

fn timestamp(text: &str, now: DateTime<Utc>) -> Finding {
    let Ok(seconds) = text.parse::<i64>() else {
        return wrong(
            Part::Timestamp,
            "it must be a whole number of seconds since 1970, as it came",
        );
    };
    let off = now.timestamp().saturating_sub(seconds);
    if off.saturating_abs() <= TOLERANCE_S {
        return found(Part::Timestamp, format!("{off} s before now"));
    }
    if (now.timestamp_millis().saturating_sub(seconds)).saturating_abs() <= 1000 * TOLERANCE_S {
        return wrong(
            Part::Timestamp,
            "these are milliseconds; webhook-timestamp has seconds",
        );
    }
    let age = if off > 0 {
        format!("{off} s old")
    } else {
        format!("{} s in the future", off.saturating_neg())
    };
    wrong(
        Part::Timestamp,
        format!(
            "it is {age}; receivers take {TOLERANCE_S} s. Look after the receiver's clock; of an attempt in the past this is as it must be"
        ),
    )
}

fn body(had: &str, sent: &str) -> Finding {
    if had == sent {
        return found(Part::Body, format!("{} bytes, as sent", sent.len()));
    }
    let same = |a: &str, b: &str| {
        let read = |text: &str| serde_json::from_str::<Value>(text).ok();
        read(a).zip(read(b)).is_some_and(|(a, b)| a == b)
    };
    let detail = if had.trim() == sent {
        "there is white space around it that was not sent: verify the raw body"
    } else if had.is_empty() {
        "it is empty: something has read the body before the check did"
    } else if sent.starts_with(had) {
        "it is cut off: read the whole body, whose length is content-length"
    } else if same(had, sent) {
        "it is the same JSON in other bytes: it was parsed and written again. Verify the raw body, before any parsing"
    } else {
        "it is another body than that event's: verify the raw body, with the headers of the same request"
    };
    let at = had
        .bytes()
        .zip(sent.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    wrong(
        Part::Body,
        format!(
            "{detail}. {} bytes, {} were sent; the first {at} are the same",
            had.len(),
            sent.len()
        ),
    )
}

fn secret(given: &str, known: &Known<'_>) -> Finding {
    let is = |known: &&KnownKey| known.key.verifying().expose_secret() == given;
    if let Some(key) = known.keys.iter().find(is) {
        return match key.expires_at {
            None => found(Part::Secret, "it is the endpoint's present one"),
            Some(until) if until > known.now => found(
                Part::Secret,
                format!("it was rotated and signs until {until}; take the new one before that"),
            ),
            Some(until) => wrong(
                Part::Secret,
                format!("it was rotated and signs no more since {until}: take the new one"),
            ),
        };
    }
    let bare = |known: &&KnownKey| {
        let shown = known.key.verifying();
        let shown = shown.expose_secret();
        shown.split_once('_').is_some_and(|(_, bare)| {
            bare == given.trim() || bare.trim_end_matches('=') == given.trim()
        }) || shown == given.trim()
    };
    if known.keys.iter().any(|key| bare(&key)) {
        return found(
            Part::Secret,
            "it is one of the endpoint's, written otherwise: whole it begins with whsec_ or whpk_",
        );
    }
    wrong(
        Part::Secret,
        "it is none of this endpoint's: every endpoint has its own. If it is lost, rotate it",
    )
}

fn entries(header: &str) -> impl Iterator<Item = &str> {
    header.split(' ').filter(|entry| !entry.is_empty())
}

fn signature(received: &Received<'_>, known: &Known<'_>) -> Finding {
    let header = received.signature;
    if !entries(header).any(|entry| entry.starts_with("v1,") || entry.starts_with("v1a,")) {
        return wrong(
            Part::Signature,
            "it has no entry that begins with v1, or v1a,: give webhook-signature as it came; its entries are separated by spaces",
        );
    }
    let made_of = |body: &str| {
        let made = |known: &&KnownKey| {
            entries(header).any(|entry| {
                known
                    .key
                    .verifies(entry, received.id, received.timestamp, body)
            })
        };
        known.keys.iter().any(|key| made(&key))
    };
    if made_of(received.body) {
        return found(
            Part::Signature,
            "a key of this endpoint made it of this id, timestamp and body",
        );
    }
    if known.sent.is_some_and(made_of) {
        return wrong(
            Part::Signature,
            "a key of this endpoint made it of the body that was sent, which is not the body given here",
        );
    }
    wrong(
        Part::Signature,
        "no key of this endpoint makes it of this id and timestamp: they belong to one request, and to this endpoint",
    )
}

/// What receivers do instead.
const MISTAKES: [(&str, Mistake); 8] = [
    (
        "the secret was taken as text: remove whsec_ and decode the rest from base64",
        |it| hmac_sha256(it.shown.as_bytes(), &it.content()),
    ),
    (
        "the secret was not decoded: what follows whsec_ is base64",
        |it| hmac_sha256(it.bare().as_bytes(), &it.content()),
    ),
    ("only the body was signed: sign id.timestamp.body", |it| {
        hmac_sha256(it.secret, it.body)
    }),
    ("the id was left out: sign id.timestamp.body", |it| {
        hmac_sha256(it.secret, &format!("{}.{}", it.timestamp, it.body))
    }),
    ("the timestamp was left out: sign id.timestamp.body", |it| {
        hmac_sha256(it.secret, &format!("{}.{}", it.id, it.body))
    }),
    (
        "id and timestamp are in the wrong order: sign id.timestamp.body",
        |it| {
            hmac_sha256(
                it.secret,
                &format!("{}.{}.{}", it.timestamp, it.id, it.body),
            )
        },
    ),
    ("the dots are missing: sign id.timestamp.body", |it| {
        hmac_sha256(it.secret, &format!("{}{}{}", it.id, it.timestamp, it.body))
    }),
    (
        "there is a line break at the end that was not sent: sign the raw body",
        |it| hmac_sha256(it.secret, &format!("{}\n", it.content())),
    ),
];

type Mistake = fn(&Signed<'_>) -> String;

/// What a signature is made of.
struct Signed<'a> {
    shown: &'a str,
    secret: &'a [u8],
    id: &'a str,
    timestamp: &'a str,
    body: &'a str,
}

impl Signed<'_> {
    fn content(&self) -> String {
        format!("{}.{}.{}", self.id, self.timestamp, self.body)
    }

    fn bare(&self) -> &str {
        self.shown.trim_start_matches("whsec_")
    }
}

/// The signature that the receiver has made, in base64 whatever it was written in.
fn as_base64(made: &str) -> (String, bool) {
    let bare = made.trim().trim_start_matches("v1,");
    match hex::decode(bare) {
        Ok(bytes) if bytes.len() == 32 => (BASE64_STANDARD.encode(bytes), true),
        Ok(_) | Err(_) => (bare.to_owned(), false),
    }
}

fn computed(made: &str, received: &Received<'_>, known: &Known<'_>) -> Finding {
    let (made, was_hex) = as_base64(made);
    let bodies = [Some(received.body), known.sent];
    for known in known.keys {
        let SigningKey::Hmac(secret) = &known.key else {
            continue;
        };
        let shown = known.key.verifying();
        for body in bodies.into_iter().flatten() {
            let signed = Signed {
                shown: shown.expose_secret(),
                secret,
                id: received.id,
                timestamp: received.timestamp,
                body,
            };
            if hmac_sha256(secret, &signed.content()) == made {
                return if was_hex {
                    wrong(
                        Part::Computed,
                        "it is right but for its writing: hexadecimal, where base64 is compared",
                    )
                } else {
                    found(Part::Computed, "it is what the endpoint's key makes")
                };
            }
            let mistake = MISTAKES.iter().find(|(_, make)| make(&signed) == made);
            if let Some((what, _)) = mistake {
                return wrong(Part::Computed, *what);
            }
        }
    }
    wrong(
        Part::Computed,
        "no key of this endpoint makes it, nor do the usual mistakes: compare `signed_content` with what the receiver signs",
    )
}
