//! What a voice-calls body says. Every failing field is named at once: 400 if a value is of the wrong type, else 422. Pure.

use crate::{
    api::{
        error::{Code, Error, FieldError},
        extract::{Field, Fields, Reader, Wrong},
    },
    domain::{
        account::Handling,
        party::E164,
        report::{DURATION_S_MAX, ProviderCallId, ProviderName},
        state::{Direction, VoiceCallStatus},
        text::Text,
        voice_call::{
            recording::RecordingChange,
            update::{Edit, VoiceCallUpdate},
        },
    },
};

/// This surface's words for who called whom.
pub(super) const DIRECTIONS: [(&str, Direction); 2] = [
    ("INBOUND", Direction::Inbound),
    ("OUTBOUND", Direction::Outbound),
];

/// This surface's words for where a call stands.
const STATUSES: [(&str, VoiceCallStatus); 6] = [
    ("INCOMING_CALL", VoiceCallStatus::IncomingCall),
    ("ANSWERED_BY_STAFF", VoiceCallStatus::AnsweredByStaff),
    ("MISSED", VoiceCallStatus::Missed),
    (
        "ANSWERED_BY_CALLS_PROVIDER",
        VoiceCallStatus::AnsweredByCallsProvider,
    ),
    ("MISSED_CALL_HANDLED", VoiceCallStatus::MissedCallHandled),
    ("VOICEMAIL_RECEIVED", VoiceCallStatus::VoicemailReceived),
];

/// A new voice call.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVoiceCall {
    /// What it says of the call; every field that a new call must have is there.
    pub update: VoiceCallUpdate,
    /// The provider system's id of the call.
    pub source_id: ProviderCallId,
    /// The provider.
    pub provider: ProviderName,
    /// The documented fields as they were sent: what makes a repetition recognisable.
    pub content: serde_json::Value,
}

/// What the published entity calls it.
const RECORDING_PLAYED: &str = "recording_played";

/// What a POST says, all of it required and text.
const CREATE_FIELDS: [&str; 11] = [
    "business_uid",
    "client_uid",
    "direction",
    "external_uuid",
    "from_number",
    "provider",
    "rate",
    "source_id",
    "staff_uid",
    "status",
    "to_number",
];

/// Reads the body of a PUT. Unless lenient, all fields but `handled_by_staff_uid` are required.
pub fn update(
    fields: &Fields<'_>,
    handling: Handling,
    providers: &[ProviderName],
) -> Result<VoiceCallUpdate, Error> {
    let absent = match handling {
        Handling::Strict => Absent::Refused,
        Handling::Lenient => Absent::Kept,
    };
    let update = change(fields, absent, providers)?;
    if update.is_empty() {
        return Err(nothing());
    }
    Ok(update)
}

/// Reads a merge patch. One that has no member changes nothing; one whose members are none of ours is a mistake.
pub fn patch(fields: &Fields<'_>, providers: &[ProviderName]) -> Result<VoiceCallUpdate, Error> {
    let update = change(fields, Absent::Kept, providers)?;
    if update.is_empty() && fields.names().next().is_some() {
        return Err(nothing());
    }
    Ok(update)
}

fn nothing() -> Error {
    Error::new(
        Code::Unprocessable,
        "the body has no field that can be updated",
    )
}

fn change(
    fields: &Fields<'_>,
    absent: Absent,
    providers: &[ProviderName],
) -> Result<VoiceCallUpdate, Error> {
    let mut body = Body {
        reader: Reader::new(fields),
        absent,
    };
    let common = body.common(providers);
    let update = VoiceCallUpdate {
        price: body.edit("price", Field::parse),
        duration_s: body.edit("duration", |field| field.whole(0, DURATION_S_MAX)),
        call_summary: body.edit("call_summary", Field::text_max),
        external_app_url: body.edit("external_app_url", web_url),
        external_app_name: body.edit("external_app_name", Field::text_max),
        recording_id: body.edit("recording_id", Field::text_max),
        handled_by_staff_uid: body.edit_optional("handled_by_staff_uid", Field::words),
        ..common
    };
    body.finish()?;
    Ok(update)
}

/// Reads what is said of a recording. The published tests call the one field `record_played`, the published entity
/// `recording_played`.
pub fn recording(fields: &Fields<'_>) -> Result<RecordingChange, Error> {
    let mut body = Body {
        reader: Reader::new(fields),
        absent: Absent::Kept,
    };
    let played = [RECORDING_PLAYED, "record_played"].map(|name| {
        let sent = body.reader.get(name).is_some();
        sent.then(|| body.set(name, Field::bool)).flatten()
    });
    if let [Some(one), Some(other)] = played
        && one != other
    {
        let message = "must be what recording_played is";
        body.reader
            .refuse(FieldError::invalid("record_played", message));
    }
    let size_bytes = body.set("size", |field| field.whole(0, i32::MAX));
    let played = played.into_iter().flatten().next();
    let says = fields
        .names()
        .any(|name| matches!(name, RECORDING_PLAYED | "record_played" | "size"));
    if !says {
        body.reader.refuse(FieldError::missing(RECORDING_PLAYED));
    }
    body.finish()?;
    Ok(RecordingChange::Describe { played, size_bytes })
}

/// Reads the body of a POST for the business.
pub fn create(
    fields: &Fields<'_>,
    business_uid: &str,
    providers: &[ProviderName],
) -> Result<NewVoiceCall, Error> {
    let mut body = Body {
        reader: Reader::new(fields),
        absent: Absent::Refused,
    };
    let update = body.common(providers);
    body.reader.required("business_uid", |field| {
        if field.text()? == business_uid {
            Ok(())
        } else {
            Err(Wrong::invalid("must be the business of the token"))
        }
    });
    let new = match (update.source_id.clone(), update.provider.clone()) {
        (Some(source_id), Some(provider)) => Some(NewVoiceCall {
            update,
            source_id,
            provider,
            content: content(fields),
        }),
        (_, _) => None,
    };
    body.finish()?;
    new.ok_or_else(|| Error::new(Code::Unprocessable, "the body is not complete"))
}

fn content(fields: &Fields<'_>) -> serde_json::Value {
    CREATE_FIELDS
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), fields.get(name)?.text().ok()?.into())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What an absent field means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    Refused,
    Kept,
}

struct Body<'f, 'a> {
    reader: Reader<'f, 'a>,
    absent: Absent,
}

impl<'a> Body<'_, 'a> {
    /// The fields that PUT and POST share.
    fn common(&mut self, providers: &[ProviderName]) -> VoiceCallUpdate {
        VoiceCallUpdate {
            staff_uid: self.set("staff_uid", Field::words),
            client_uid: self.set("client_uid", Field::words),
            from: self.set("from_number", Field::parse::<E164>),
            to: self.set("to_number", Field::parse::<E164>),
            direction: self.set("direction", |field| field.one_of(&DIRECTIONS)),
            status: self.set("status", status),
            rate: self.set("rate", Field::parse),
            provider: self.set("provider", |field| provider(field, providers)),
            source_id: self.set("source_id", |field| {
                let text: Text<255> = field.words()?;
                Ok(ProviderCallId::parse(text.into_string())?)
            }),
            external_uuid: self.set("external_uuid", Field::words),
            ..VoiceCallUpdate::default()
        }
    }

    /// A field that always has a value.
    fn set<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, Wrong>,
    ) -> Option<T> {
        match (self.absent, self.reader.get(name)) {
            (Absent::Kept, None) => None,
            (Absent::Kept, Some(Field::Null)) => {
                self.reader
                    .refuse(FieldError::invalid(name, "must not be null"));
                None
            }
            (Absent::Refused, _) | (Absent::Kept, Some(_)) => self.reader.required(name, read),
        }
    }

    /// A field that may be emptied.
    fn edit<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, Wrong>,
    ) -> Edit<T> {
        match self.absent {
            Absent::Refused => self
                .reader
                .required(name, read)
                .map_or(Edit::Keep, Edit::Set),
            Absent::Kept => self.edit_optional(name, read),
        }
    }

    fn edit_optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, Wrong>,
    ) -> Edit<T> {
        match self.reader.get(name) {
            None => Edit::Keep,
            Some(Field::Null) => Edit::Clear,
            Some(_) => self
                .reader
                .optional(name, read)
                .map_or(Edit::Keep, Edit::Set),
        }
    }

    fn finish(self) -> Result<(), Error> {
        finish(self.reader)
    }
}

/// Whether everything could be read: 400 if a value is of the wrong type, else 422.
pub(in crate::api) fn finish(reader: Reader<'_, '_>) -> Result<(), Error> {
    let errors = reader.errors();
    let code = if errors.iter().any(|error| error.code == Wrong::TYPE) {
        Code::InvalidInput
    } else {
        Code::Unprocessable
    };
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Error::fields(code, errors))
    }
}

/// A status, case-sensitive.
pub(super) fn status(field: &Field<'_>) -> Result<VoiceCallStatus, Wrong> {
    // What the published document called it later.
    if field.text()? == "VOICEMAIL" {
        return Ok(VoiceCallStatus::VoicemailReceived);
    }
    field.one_of(&STATUSES)
}

fn provider(field: &Field<'_>, providers: &[ProviderName]) -> Result<ProviderName, Wrong> {
    let words: Vec<String> = providers
        .iter()
        .map(|provider| provider.as_str().to_uppercase())
        .collect();
    let allowed: Vec<(&str, &ProviderName)> =
        words.iter().map(String::as_str).zip(providers).collect();
    field.one_of(&allowed).cloned()
}

/// An absolute http(s) URL, kept as it was sent. The parser itself would forgive blanks and missing slashes.
fn web_url(field: &Field<'_>) -> Result<Text<2048>, Wrong> {
    let text = field.text_max::<2048>()?;
    let plain = !text
        .as_str()
        .contains(|c: char| c.is_whitespace() || c.is_control());
    let scheme = text.as_str().split_once("://").map(|(scheme, _)| scheme);
    let http = scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    });
    if plain && http && url::Url::parse(text.as_str()).is_ok_and(|url| url.has_host()) {
        Ok(text)
    } else {
        Err(Wrong::invalid("must be an absolute http or https URL"))
    }
}
