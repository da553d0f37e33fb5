//! What a voip post says: four endpoints, one table of fields (`docs/differences.md` has what the two published versions
//! of this API disagree on). Pure.

use crate::{
    api::{
        error::{Error, FieldError},
        extract::{Field, Fields, Reader, Wrong},
    },
    domain::{
        account::Handling,
        party::{Email, PartyNumber},
        report::{DURATION_S_MAX, Facts, ProviderCallId, ReportKind},
        state::{Direction, EndState},
    },
};

/// Which of the four was posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `call-in-queue`
    InQueue,
    /// `call-ringing`
    Ringing,
    /// `call-answered`; with a `CallStatus` in it, it is a call end.
    Answered,
    /// `call-end`
    End,
}

/// What a post says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// What happened.
    pub kind: ReportKind,
    /// The `CallId`.
    pub name: ProviderCallId,
    /// What else it says.
    pub facts: Facts,
}

const DIRECTIONS: [(&str, Direction); 2] = [
    ("incoming", Direction::Inbound),
    ("outgoing", Direction::Outbound),
];

/// The documented words of `CallStatus`. `cancelled` is an alias, in strict handling, too.
const ENDS: [(&str, EndState); 5] = [
    ("busy", EndState::Busy),
    ("no-answer", EndState::NoAnswer),
    ("canceled", EndState::Canceled),
    ("failed", EndState::Failed),
    ("completed", EndState::Completed),
];

/// Reads a post. Every bad field is named at once. `null` and the empty text say nothing; unknown fields are passed over.
pub fn parse(endpoint: Endpoint, fields: Fields<'_>, handling: Handling) -> Result<Post, Error> {
    let fields = fields.without_empty();
    let mut reader = Reader::new(&fields);
    let name = reader.required("CallId", |field| {
        let text = field.text_max::<255>()?;
        Ok(ProviderCallId::parse(text.into_string())?)
    });
    let from = reader.required("From", party);
    let to = reader.required("To", party);
    let mut facts = Facts {
        from,
        to,
        ..Facts::default()
    };
    let kind = match endpoint {
        Endpoint::InQueue => Some(ReportKind::Queued),
        Endpoint::Ringing => {
            direction_and_email(&mut reader, &mut facts, handling);
            Some(ReportKind::Ringing)
        }
        Endpoint::Answered if !reader.has("CallStatus") => {
            direction_and_email(&mut reader, &mut facts, handling);
            Some(ReportKind::Answered)
        }
        Endpoint::Answered | Endpoint::End => {
            direction_and_email(&mut reader, &mut facts, handling);
            end(&mut reader, &mut facts, handling).map(ReportKind::Ended)
        }
    };
    let post = match (kind, name) {
        (Some(kind), Some(name)) => Some(Post { kind, name, facts }),
        (Some(_) | None, Some(_) | None) => None,
    };
    reader.finish(post)
}

fn party(field: &Field<'_>) -> Result<PartyNumber, Wrong> {
    let text = field.text_max::<255>()?;
    Ok(PartyNumber::parse(text.into_string())?)
}

fn direction_and_email(reader: &mut Reader<'_, '_>, facts: &mut Facts, handling: Handling) {
    facts.direction = reader.required("Direction", |field| word(field, &DIRECTIONS, handling));
    // The published tables say `Email`, every published example `email`.
    let upper = reader.optional("Email", Field::parse::<Email>);
    let lower = reader.optional("email", Field::parse::<Email>);
    if let (Some(upper), Some(lower)) = (&upper, &lower)
        && upper != lower
    {
        reader.refuse(FieldError::invalid(
            "email",
            "must be the same as Email if both are given",
        ));
    }
    facts.email = upper.or(lower);
    let given = reader.has("Email") || reader.has("email");
    if facts.direction == Some(Direction::Outbound) && !given {
        reader.refuse(FieldError {
            message: "is required when Direction is outgoing".to_owned(),
            ..FieldError::missing("Email")
        });
    }
}

fn end(reader: &mut Reader<'_, '_>, facts: &mut Facts, handling: Handling) -> Option<EndState> {
    let end = reader.required("CallStatus", |field| match field.text()? {
        "cancelled" => Ok(EndState::Canceled),
        _documented => word(field, &ENDS, handling),
    });
    let recording = |field: &Field<'_>| field.text_max::<2048>();
    match handling {
        Handling::Strict => {
            facts.recording_url = reader.required("RecordingUrl", recording);
            facts.duration_s = reader.required("Duration", seconds);
        }
        Handling::Lenient => {
            facts.recording_url = reader.optional("RecordingUrl", recording);
            facts.duration_s = reader.optional("Duration", seconds);
        }
    }
    end
}

fn seconds(field: &Field<'_>) -> Result<i32, Wrong> {
    if field.is_number() {
        field.whole(0, DURATION_S_MAX)
    } else {
        field.digits(0, DURATION_S_MAX)
    }
}

/// One of the words; unless strict, whatever its case, and with `_` for `-`, as PBXs write them.
fn word<T: Copy>(field: &Field<'_>, allowed: &[(&str, T)], handling: Handling) -> Result<T, Wrong> {
    field
        .one_of(allowed)
        .or_else(|wrong| match (handling, field) {
            (Handling::Lenient, Field::Text(text)) => {
                let plain = text.to_ascii_lowercase().replace('_', "-");
                let american = plain.replace("cancelled", "canceled");
                Field::Text(american.into()).one_of(allowed)
            }
            _ => Err(wrong),
        })
}
