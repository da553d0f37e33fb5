//! Reads what is sent of a connection. Everything that is wrong is named at once, with what would be right.

use std::{collections::BTreeMap, time::Duration};

use secrecy::SecretString;
use serde_json::Value;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    api::{
        error::{Error, FieldError, Place},
        extract::{Field, Fields, Reader, Wrong},
    },
    calls::connect::{
        Trial, Vendor,
        change::{Change, Rotation},
        credentials::{self, Fault},
    },
    domain::{
        connection::{
            AnsweredBy, Credentials, MAX_DURATION_S_MAX, NUMBERS_MAX, OVERLAP_S_DEFAULT,
            OVERLAP_S_MAX, Settings,
        },
        party::E164,
        text::Text,
        voice_call::update::Edit,
    },
};

/// A connection to be added. [`wanted`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({
    "provider": "twilio", "label": "Support, Berlin", "credentials": {
        "account_sid": "AC00000000000000000000000000000001", "secret": "00000000000000000000000000000001",
    },
    "numbers": ["+14155550100"], "answer_url": "https://agent.example.com/voice", "max_duration": 3600,
}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
pub(super) struct ConnectionBody {
    /// The vendor, such as `twilio` or `livekit`.
    provider: String,
    /// What to call it.
    #[schema(required = false, nullable, min_length = 1, max_length = 100)]
    label: Option<String>,
    /// Where the vendor's API is, if not where everybody's is: http or https, without a query, a public address.
    #[schema(required = false, nullable, max_length = 2048)]
    base_url: Option<String>,
    /// What the account brings, by the vendor's own names: docs/connections.md lists them.
    #[schema(value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, String>,
    /// The numbers whose calls it hangs up, and from which it places calls, in E.164.
    #[schema(required = false, nullable, max_items = 1000)]
    numbers: Option<Vec<String>>,
    /// What the provider fetches when somebody takes a call that was placed by it.
    #[schema(required = false, nullable, max_length = 2048)]
    answer_url: Option<String>,
    /// The provider's application that answers instead.
    #[schema(required = false, nullable, min_length = 1, max_length = 255)]
    answer_application: Option<String>,
    /// How long a call by it may last, in seconds.
    #[schema(required = false, nullable, minimum = 1, maximum = 604_800)]
    max_duration: Option<i32>,
}

/// What is to be changed of a connection. [`change`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"label": null, "numbers": ["+14155550100", "+14155550101"], "max_duration": 1800}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
pub(super) struct ConnectionPatch {
    /// What to call it.
    #[schema(required = false, nullable, min_length = 1, max_length = 100)]
    label: Option<String>,
    /// Where the vendor's API is; together with `credentials`.
    #[schema(required = false, max_length = 2048)]
    base_url: String,
    /// All of its credentials; together with `base_url`.
    #[schema(required = false, value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, String>,
    /// Its numbers, all of them.
    #[schema(required = false, nullable, max_items = 1000)]
    numbers: Option<Vec<String>>,
    /// What the provider fetches when somebody takes a call that was placed by it.
    #[schema(required = false, nullable, max_length = 2048)]
    answer_url: Option<String>,
    /// The provider's application that answers instead.
    #[schema(required = false, nullable, min_length = 1, max_length = 255)]
    answer_application: Option<String>,
    /// How long a call by it may last, in seconds.
    #[schema(required = false, nullable, minimum = 1, maximum = 604_800)]
    max_duration: Option<i32>,
}

/// New credentials for a connection. [`rotation`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({
    "credentials": {
        "account_sid": "AC00000000000000000000000000000001", "secret": "00000000000000000000000000000002",
    },
    "overlap_s": 3600,
}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
pub(super) struct CredentialsBody {
    /// All that the account brings, by the vendor's own names: docs/connections.md lists them.
    #[schema(value_type = BTreeMap<String, String>)]
    credentials: BTreeMap<String, String>,
    /// For how many seconds callbacks that are signed with the former credentials are still taken; a day unless given.
    #[schema(
        required = false,
        nullable,
        minimum = 0,
        maximum = 604_800,
        default = 86_400
    )]
    overlap_s: Option<i32>,
}

/// A connection as it is asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// To whom.
    pub(super) vendor: Vendor,
    /// Where its API is.
    pub(super) base_url: Option<String>,
    /// Who the account is there.
    pub(super) credentials: Credentials,
    /// Its numbers.
    pub(super) numbers: Vec<E164>,
    /// What else is set of it.
    pub(super) settings: Settings,
}

/// The connection that is asked for.
pub(super) fn wanted(body: &[u8]) -> Result<Wanted, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&[
        "provider",
        "label",
        "base_url",
        "credentials",
        "numbers",
        "answer_url",
        "answer_application",
        "max_duration",
    ]);
    let vendor = reader.required("provider", vendor);
    let base_url = reader.optional("base_url", url_text);
    let credentials = read_credentials(&mut reader, vendor);
    let numbers = read_numbers(&mut reader, vendor).unwrap_or_default();
    let settings = Settings {
        label: reader.optional("label", Field::words::<100>),
        answered_by: answered_by(&mut reader, vendor),
        max_duration_s: reader.optional("max_duration", max_duration),
    };
    if base_url.is_none() && vendor.is_some_and(|vendor| vendor.profile().base_url.is_none()) {
        reader.refuse(FieldError {
            message: "is required: everybody's is their own".to_owned(),
            ..FieldError::missing("base_url")
        });
    }
    let read = vendor.zip(credentials).map(|(vendor, credentials)| Wanted {
        vendor,
        base_url,
        credentials,
        numbers,
        settings,
    });
    reader.finish(read)
}

/// The change that is asked for of a connection to this vendor.
pub(super) fn change(body: &[u8], vendor: Vendor, trial: Trial) -> Result<Change, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&[
        "label",
        "base_url",
        "credentials",
        "numbers",
        "answer_url",
        "answer_application",
        "max_duration",
    ]);
    let said = |name| fields.get(name).is_some();
    let base_url = said("base_url").then(|| reader.required("base_url", url_text));
    let rotation = match (base_url, said("credentials")) {
        (None, false) => None,
        (None, true) => {
            let told =
                "goes with base_url; to change it alone, PUT /v1/connections/{id}/credentials";
            reader.refuse(FieldError::invalid("credentials", told));
            None
        }
        (Some(base_url), _) => {
            let credentials = read_credentials(&mut reader, Some(vendor));
            credentials.map(|credentials| Rotation {
                credentials,
                base_url,
                overlap: overlap(OVERLAP_S_DEFAULT),
                trial,
            })
        }
    };
    let label = reader.optional("label", Field::words::<100>);
    let max_duration_s = reader.optional("max_duration", max_duration);
    let answered = said("answer_url") || said("answer_application");
    let answered_by = answered_by(&mut reader, Some(vendor));
    let numbers = read_numbers(&mut reader, Some(vendor)).unwrap_or_default();
    let change = Change {
        label: set(said("label"), label),
        answered_by: set(answered, answered_by),
        max_duration_s: set(said("max_duration"), max_duration_s),
        numbers: said("numbers").then_some(numbers),
        rotation,
    };
    reader.finish(Some(change))
}

/// The new credentials of a connection to this vendor.
pub(super) fn rotation(body: &[u8], vendor: Vendor, trial: Trial) -> Result<Rotation, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&["credentials", "overlap_s"]);
    let credentials = read_credentials(&mut reader, Some(vendor));
    let overlap_s = reader.optional("overlap_s", |field| field.whole(0, OVERLAP_S_MAX));
    reader.finish(credentials.map(|credentials| Rotation {
        credentials,
        base_url: None,
        overlap: overlap(overlap_s.unwrap_or(OVERLAP_S_DEFAULT)),
        trial,
    }))
}

/// The connection that is named alone.
pub(super) fn connection_id(body: &[u8]) -> Result<Uuid, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&["connection_id"]);
    let id = reader.required("connection_id", Field::uuid);
    reader.finish(id)
}

/// Whether credentials are to be tried first.
pub(super) fn trial(query: &Fields<'_>) -> Result<Trial, Error> {
    Ok(if flag(query, "test")? {
        Trial::First
    } else {
        Trial::Skipped
    })
}

/// A parameter that is `true` or `false`, and the only one; false if absent.
pub(super) fn flag(query: &Fields<'_>, name: &str) -> Result<bool, Error> {
    let mut reader = Reader::new(query);
    reader.only(&[name]);
    let set = reader.optional(name, |field| {
        field.one_of(&[("true", true), ("false", false)])
    });
    let flag = reader.finish(Some(set.unwrap_or_default()));
    flag.map_err(|error| error.at(Place::Query))
}

fn overlap(seconds: i32) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

fn vendor(field: &Field<'_>) -> Result<Vendor, Wrong> {
    Vendor::named(field.text()?).ok_or_else(|| {
        let names: Vec<&str> = Vendor::all().map(Vendor::name).collect();
        Wrong::invalid(format!("must be one of {}", names.join(", ")))
    })
}

/// What becomes of a thing by what a merge patch says: absent stays, null takes away.
fn set<T>(said: bool, value: Option<T>) -> Edit<T> {
    if said { Edit::to(value) } else { Edit::Keep }
}

/// A URL's form is looked at when it is vetted, with where it leads.
fn url_text(field: &Field<'_>) -> Result<String, Wrong> {
    Ok(field.words::<2048>()?.into_string())
}

fn max_duration(field: &Field<'_>) -> Result<i32, Wrong> {
    field.whole(1, MAX_DURATION_S_MAX)
}

/// What the account brings; nothing if it was refused, or cannot be judged because the vendor is not known.
fn read_credentials(reader: &mut Reader<'_, '_>, vendor: Option<Vendor>) -> Option<Credentials> {
    let given = reader.required("credentials", |field| match field {
        Field::Nested(Value::Object(given)) => Ok(given.clone()),
        _ => Err(Wrong::wrong_type("an object")),
    })?;
    let profile = vendor?.profile();
    let mut texts: BTreeMap<String, SecretString> = BTreeMap::new();
    let mut wrong_types = Vec::new();
    for (name, value) in given {
        match value {
            Value::String(text) => {
                texts.insert(name, text.into());
            }
            Value::Null => {}
            _ => wrong_types.push(name),
        }
    }
    for name in &wrong_types {
        let Wrong { code, message } = Wrong::wrong_type("a string");
        let field = format!("credentials.{name}");
        reader.refuse(FieldError {
            field,
            code,
            message,
        });
    }
    match credentials::read(profile, &texts) {
        Ok(credentials) => wrong_types.is_empty().then_some(credentials),
        Err(faults) => {
            for (name, fault) in faults {
                if !wrong_types.contains(&name) {
                    reader.refuse(refused(&name, &fault));
                }
            }
            None
        }
    }
}

fn refused(name: &str, fault: &Fault) -> FieldError {
    FieldError {
        field: format!("credentials.{name}"),
        code: match fault {
            Fault::Missing { .. } => "missing",
            Fault::Unknown { .. } => "unknown",
            Fault::TooLong { .. } => "too_long",
            Fault::Unprintable => "invalid",
        },
        message: fault.to_string(),
    }
}

fn read_numbers(reader: &mut Reader<'_, '_>, vendor: Option<Vendor>) -> Option<Vec<E164>> {
    let given = reader.optional("numbers", Field::items)?;
    if !given.is_empty() && vendor.is_some_and(|vendor| !vendor.has_numbers()) {
        let told = "must be empty: this vendor has rooms and no numbers";
        reader.refuse(FieldError::invalid("numbers", told));
    }
    if i64::try_from(given.len()).is_ok_and(|count| count > NUMBERS_MAX) {
        let told = format!("must have at most {NUMBERS_MAX} numbers");
        reader.refuse(FieldError::invalid("numbers", told));
        return None;
    }
    let mut numbers = Vec::with_capacity(given.len());
    for (at, number) in given.iter().enumerate() {
        match number.as_str().unwrap_or_default().parse() {
            Ok(number) => numbers.push(number),
            Err(wrong) => {
                let wrong: crate::domain::party::NotE164 = wrong;
                reader.refuse(FieldError::invalid(format!("numbers[{at}]"), wrong));
            }
        }
    }
    Some(numbers)
}

/// What answers placed calls, if anything does.
fn answered_by(reader: &mut Reader<'_, '_>, vendor: Option<Vendor>) -> Option<AnsweredBy> {
    let names = ["answer_url", "answer_application"];
    let places = vendor.is_none_or(|vendor| vendor.profile().places);
    let set = names.map(|name| reader.has(name).then_some(name));
    for name in set.into_iter().flatten().filter(|_| !places) {
        reader.refuse(FieldError::invalid(
            name,
            "must be absent: this vendor places no calls",
        ));
    }
    if names.iter().all(|name| reader.has(name)) {
        let told = "must be absent beside answer_url: only one of them answers";
        reader.refuse(FieldError::invalid("answer_application", told));
    }
    let url = reader.optional("answer_url", |field| Ok(Url::parse(&url_text(field)?)?));
    let application: Option<Text<255>> = reader.optional("answer_application", Field::words);
    let url = url.map(AnsweredBy::Url);
    url.or(application.map(AnsweredBy::Application))
}
