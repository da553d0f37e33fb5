//! What the bodies of the calls surface say. Every bad field is named at once. Pure.

use chrono::{DateTime, Datelike as _, Utc};
use serde_json::{Map, Value};

use crate::{
    api::{
        error::{Code, Error, FieldError},
        extract::{Field, Fields, Reader, Wrong},
    },
    calls::record::NewRecord,
    domain::{
        account::Handling,
        campaign::{CampaignUpdate, OBJECT_BYTES_MAX, ObjectEdit, TooLarge},
        dialled::DialledNumber,
        id::{AccountId, CallId},
        limits::{CallLimits, MaxDuration},
        money::Money,
        party::PartyNumber,
        report::{DURATION_S_MAX, Facts, ProviderCallId, ProviderName},
        state::{CallState, Direction},
        text::Text,
        voice_call::update::Edit,
    },
};

pub mod make;

/// This surface's words for who called whom.
const DIRECTIONS: [(&str, Direction); 2] = [
    ("inbound", Direction::Inbound),
    ("outbound", Direction::Outbound),
];

/// The largest `latency`, in milliseconds: an hour.
const LATENCY_MS_MAX: i32 = 3_600_000;

/// What of the Call object no body sets, and why.
const SET_ELSEWHERE: [(&str, &str); 8] = [
    ("id", "is ours to set"),
    ("created_at", "is ours to set"),
    ("updated_at", "is ours to set"),
    ("deleted_at", "is set by DELETE /calls/{id}"),
    ("transcript", "is set by PUT /v1/calls/{id}/transcript"),
    (
        "transcript_object",
        "is set by PUT /v1/calls/{id}/transcript",
    ),
    (
        "transcript_language",
        "is set by PUT /v1/calls/{id}/transcript",
    ),
    ("analysis_sentiment", "is set by the analysis"),
];

/// What telephony tells, and a PATCH does not change.
const TOLD_BY_TELEPHONY: [&str; 11] = [
    "call_sid",
    "company_id",
    "call_provider",
    "call_from",
    "call_to",
    "call_duration",
    "call_status",
    "call_direction",
    "disconnect_reason",
    "started_at",
    "ended_at",
];

/// What a POST keeps of its body: what makes a repetition recognisable.
const RECORD_FIELDS: [&str; 32] = [
    "agent_dynamic_variables",
    "agent_post_call_outcomes",
    "agent_task_feedback",
    "agent_task_status",
    "ai_agent_id",
    "call_direction",
    "call_duration",
    "call_feedback",
    "call_from",
    "call_provider",
    "call_rating",
    "call_sid",
    "call_status",
    "call_to",
    "campaign_id",
    "company_id",
    "contact_id",
    "cost",
    "disconnect_reason",
    "end_at",
    "ended_at",
    "is_test",
    "latency",
    "max_duration",
    "metadata",
    "notes",
    "price_unit",
    "record_url",
    "retry_at",
    "started_at",
    "workspace",
    "workspace_id",
];

/// The fields that the newer of the two published versions of `POST /calls` requires.
const REQUIRED_BY_THE_NEWER: [&str; 5] = [
    "campaign_id",
    "ai_agent_id",
    "call_sid",
    "call_direction",
    "workspace",
];

/// What `null` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Null {
    /// Nothing, as if the field were absent.
    Nothing,
    /// That the field is to be emptied.
    Empty,
}

/// Reads the body of a PATCH: a JSON merge patch (RFC 7396).
pub fn patch(fields: &Fields<'_>) -> Result<CampaignUpdate, Error> {
    let mut reader = Reader::new(fields);
    let update = notes(&mut reader, Null::Empty);
    refuse_present(&mut reader, SET_ELSEWHERE);
    let fixed =
        TOLD_BY_TELEPHONY.map(|name| (name, "is what telephony tells: it is not changed here"));
    refuse_present(&mut reader, fixed);
    reader.finish(Some(update))
}

/// Reads the body of a POST in the account. Strict: what the newer of the two published versions requires is required.
pub fn record(
    fields: &Fields<'_>,
    account_id: AccountId,
    handling: Handling,
) -> Result<NewRecord, Error> {
    let mut reader = Reader::new(fields);
    if handling == Handling::Strict {
        for name in REQUIRED_BY_THE_NEWER {
            let alias = name == "workspace" && reader.has("workspace_id");
            if !alias {
                reader.required(name, |_field| Ok(()));
            }
        }
    }
    let from = reader.required("call_from", party);
    let to = reader.required("call_to", party);
    let facts = Facts {
        direction: reader
            .optional("call_direction", |field| field.one_of(&DIRECTIONS))
            .or(Some(Direction::Outbound)),
        duration_s: reader.optional("call_duration", |field| field.whole(0, DURATION_S_MAX)),
        recording_url: None,
        disconnect_reason: reader.optional("disconnect_reason", Field::words),
        from,
        to,
        email: None,
    };
    reader.optional("company_id", |field| own(field, account_id));
    let state = if reader.has("call_status") {
        reader.optional("call_status", status)
    } else {
        Some(CallState::Queued)
    };
    let mut record = NewRecord {
        account_id,
        call_id: CallId::generate(),
        name: reader.optional("call_sid", name),
        provider: reader.optional("call_provider", provider),
        state: state.unwrap_or(CallState::Queued),
        started_at: reader.optional("started_at", time),
        ended_at: reader.optional("ended_at", time),
        facts,
        limits: limits(&mut reader),
        notes: notes(&mut reader, Null::Nothing),
        content: content(fields),
    };
    // Reported, not stated: telephony may know better later.
    if let Edit::Set(url) = std::mem::take(&mut record.notes.record_url) {
        record.facts.recording_url = Some(url);
    }
    refuse_present(&mut reader, SET_ELSEWHERE);
    // A state that was refused says nothing of the times that go with it.
    if state.is_some() {
        refuse_times(&mut reader, &record);
    }
    reader.finish(Some(record))
}

/// How long a call may last.
pub fn limits(reader: &mut Reader<'_, '_>) -> CallLimits {
    CallLimits {
        max_duration: reader.optional("max_duration", max_duration),
        end_at: reader.optional("end_at", time),
    }
}

/// Seconds within the bounds of [`MaxDuration`].
pub fn max_duration(field: &Field<'_>) -> Result<MaxDuration, Wrong> {
    Ok(MaxDuration::from_seconds(
        field.whole(1, MaxDuration::S_MAX)?,
    )?)
}

/// Times that do not go with the state, and limits of a call that is over.
fn refuse_times(reader: &mut Reader<'_, '_>, record: &NewRecord) {
    let limits = [
        ("max_duration", record.limits.max_duration.is_some()),
        ("end_at", record.limits.end_at.is_some()),
    ];
    for (name, given) in limits {
        if given && record.state.is_terminal() {
            let wrong = "goes with a call_status of a call that is not over";
            reader.refuse(FieldError::invalid(name, wrong));
        }
    }
    let answered = record.state.is_terminal() || record.state == CallState::InProgress;
    if record.started_at.is_some() && !answered {
        let wrong = "goes with a call_status of a call that was answered or is over";
        reader.refuse(FieldError::invalid("started_at", wrong));
    }
    if record.ended_at.is_some() && !record.state.is_terminal() {
        let wrong = "goes with a call_status of a call that is over";
        reader.refuse(FieldError::invalid("ended_at", wrong));
    }
    if let (Some(started), Some(ended)) = (record.started_at, record.ended_at)
        && ended < started
    {
        let wrong = "must not be before started_at";
        reader.refuse(FieldError::invalid("ended_at", wrong));
    }
}

fn content(fields: &Fields<'_>) -> Value {
    let kept = RECORD_FIELDS.into_iter().filter_map(|name| {
        let value = fields.get(name)?.clone().into_value();
        Some((name.to_owned(), value)).filter(|(_, value)| !value.is_null())
    });
    Value::Object(kept.collect::<Map<_, _>>())
}

/// What back ends keep.
fn notes(reader: &mut Reader<'_, '_>, null: Null) -> CampaignUpdate {
    let mut body = Notes { reader, null };
    CampaignUpdate {
        campaign_id: body.edit("campaign_id", Field::uuid),
        ai_agent_id: body.edit("ai_agent_id", Field::uuid),
        contact_id: body.edit("contact_id", Field::uuid),
        workspace_id: body.workspace(),
        is_test: body.set("is_test", Field::bool),
        call_rating: body.edit("call_rating", |field| {
            Ok(i16::try_from(field.whole(1, 5)?)?)
        }),
        call_feedback: body.edit("call_feedback", Field::text_max),
        notes: body.edit("notes", Field::text_max),
        metadata: body.object("metadata"),
        agent_dynamic_variables: body.object("agent_dynamic_variables"),
        agent_post_call_outcomes: body.object("agent_post_call_outcomes"),
        cost: body.edit("cost", cost),
        price_unit: body.edit("price_unit", currency),
        latency_ms: body.edit("latency", |field| field.whole(0, LATENCY_MS_MAX)),
        agent_task_status: body.edit("agent_task_status", Field::text_max),
        agent_task_feedback: body.edit("agent_task_feedback", Field::text_max),
        retry_at: body.edit("retry_at", time),
        record_url: body.edit("record_url", Field::words),
    }
}

struct Notes<'r, 'f, 'a> {
    reader: &'r mut Reader<'f, 'a>,
    null: Null,
}

impl<'a> Notes<'_, '_, 'a> {
    /// A field that may be emptied.
    fn edit<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, Wrong>,
    ) -> Edit<T> {
        match (self.reader.get(name), self.null) {
            (None, _) | (Some(Field::Null), Null::Nothing) => Edit::Keep,
            (Some(Field::Null), Null::Empty) => Edit::Clear,
            (Some(_), _) => self
                .reader
                .optional(name, read)
                .map_or(Edit::Keep, Edit::Set),
        }
    }

    /// A field that always has a value.
    fn set<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Field<'a>) -> Result<T, Wrong>,
    ) -> Option<T> {
        if self.null == Null::Empty && self.reader.get(name) == Some(&Field::Null) {
            let refused = FieldError::invalid(name, "must not be null");
            self.reader.refuse(refused);
        }
        self.reader.optional(name, read)
    }

    fn object(&mut self, name: &str) -> ObjectEdit {
        match (
            self.edit(name, |field| field.object(OBJECT_BYTES_MAX)),
            self.null,
        ) {
            (Edit::Keep, _) => ObjectEdit::Keep,
            (Edit::Clear, _) => ObjectEdit::Clear,
            (Edit::Set(object), Null::Nothing) => ObjectEdit::Put(object),
            (Edit::Set(object), Null::Empty) => ObjectEdit::Merge(object),
        }
    }

    /// One version of the document calls it `workspace`, the other, and the Call object, `workspace_id`.
    fn workspace(&mut self) -> Option<Text<100>> {
        let named = self.set("workspace", Field::words);
        let by_id = self.set("workspace_id", Field::words);
        if let (Some(named), Some(by_id)) = (&named, &by_id)
            && named != by_id
        {
            let refused = FieldError::invalid("workspace_id", "must be the same as workspace");
            self.reader.refuse(refused);
        }
        named.or(by_id)
    }
}

fn refuse_present(
    reader: &mut Reader<'_, '_>,
    names: impl IntoIterator<Item = (&'static str, &'static str)>,
) {
    for (name, why) in names {
        if reader.has(name) {
            reader.refuse(FieldError::invalid(name, why));
        }
    }
}

/// A party: in a documented form, or however telephony names it.
fn party(field: &Field<'_>) -> Result<PartyNumber, Wrong> {
    let text = field.text_max::<255>()?.into_string();
    match text.parse::<DialledNumber>() {
        Ok(dialled) => Ok(dialled.party()),
        Err(_not) => Ok(PartyNumber::parse(text)?),
    }
}

fn own(field: &Field<'_>, account_id: AccountId) -> Result<(), Wrong> {
    if field.uuid::<AccountId>()? == account_id {
        Ok(())
    } else {
        Err(Wrong::invalid("must be the company of the credential"))
    }
}

fn name(field: &Field<'_>) -> Result<ProviderCallId, Wrong> {
    let text: Text<255> = field.words()?;
    Ok(ProviderCallId::parse(text.into_string())?)
}

fn provider(field: &Field<'_>) -> Result<ProviderName, Wrong> {
    Ok(ProviderName::parse(field.text()?)?)
}

fn status(field: &Field<'_>) -> Result<CallState, Wrong> {
    field.one_of(&CallState::ALL.map(|state| (state.call_status(), state)))
}

/// A JSON number, as documented, or the decimal in a string; kept exactly.
fn cost(field: &Field<'_>) -> Result<Money, Wrong> {
    let wrong = || {
        Wrong::invalid(
            "must be a number from 0 with at most 12 digits before the point and 6 behind it",
        )
    };
    match field {
        Field::Number(number) => number.to_string().parse().map_err(|_not| wrong()),
        Field::Text(text) => text.parse().map_err(|_not| wrong()),
        Field::Null | Field::Bool(_) | Field::Nested(_) => Err(Wrong::wrong_type("a number")),
    }
}

fn currency(field: &Field<'_>) -> Result<Text<3>, Wrong> {
    let text = field.text()?;
    let valid = text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
    if valid {
        Ok(Text::parse(text)?)
    } else {
        Err(Wrong::invalid(
            "must be a currency of three capitals, such as USD",
        ))
    }
}

/// A time with its offset, in the microseconds that the database keeps.
pub fn time(field: &Field<'_>) -> Result<DateTime<Utc>, Wrong> {
    DateTime::parse_from_rfc3339(field.text()?)
        .ok()
        .map(|time| time.to_utc())
        .filter(|time| (1970..=9999).contains(&time.year()))
        .ok_or_else(|| Wrong::invalid("must be a time (RFC 3339), such as 2026-03-01T09:30:00Z"))
}

impl From<TooLarge> for Error {
    fn from(error: TooLarge) -> Self {
        let refused = FieldError {
            field: error.field.to_owned(),
            code: "too_long",
            message: format!("would have more than {OBJECT_BYTES_MAX} bytes"),
        };
        Self::fields(Code::InvalidInput, vec![refused])
    }
}
