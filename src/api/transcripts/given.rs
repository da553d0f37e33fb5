//! Reads a transcript in whichever form it was given: ours, lines of text, or what another platform writes.

use crate::{
    api::{
        error::{Code, Error, FieldError, Place},
        extract::{Field, Fields, Reader, Written, Wrong},
    },
    domain::{
        fault::Fault,
        transcript::{
            Transcript,
            draft::Draft,
            format::{Format, Hints, Refused},
            plain,
        },
    },
};

/// What text may call itself, and need not.
const PLAIN: &str = "plain";

/// Reads a body by what the query string says of it.
pub(super) fn read(query: &Fields<'_>, body: Written) -> Result<Transcript, Error> {
    match body {
        Written::Text(text) => {
            let hints = text_hints(query)?;
            plain::read(&text, hints).map_err(unprocessable)
        }
        Written::Json(bytes) => match format(query)? {
            None => {
                let draft: Draft = serde_json::from_slice(&bytes).map_err(malformed)?;
                draft.parse().map_err(unprocessable)
            }
            Some((format, hints)) => format.read(&bytes, hints).map_err(|refused| match refused {
                Refused::Malformed(error) => malformed(error),
                Refused::Faults(faults) => unprocessable(faults),
            }),
        },
    }
}

/// What is said of a text.
fn text_hints(query: &Fields<'_>) -> Result<Hints, Error> {
    let mut reader = Reader::new(query);
    reader.only(&["format", "language", "agent", "customer"]);
    reader.optional("format", |field| match field.text()? {
        PLAIN => Ok(()),
        _ => Err(Wrong::invalid("must be `plain`, or absent, for text/plain")),
    });
    let hints = hints(&mut reader);
    finished(reader, Some(hints))
}

/// Whose JSON it is; `None` if ours, of which nothing more can be said.
fn format(query: &Fields<'_>) -> Result<Option<(Format, Hints)>, Error> {
    let mut reader = Reader::new(query);
    if !reader.has("format") {
        reader.only(&["format"]);
        return finished(reader, Some(None));
    }
    let format = reader.optional("format", |field| {
        let names: Vec<&str> = Format::ALL.into_iter().map(Format::as_str).collect();
        Format::parse(field.text()?).ok_or_else(|| {
            let names = names.join(", ");
            Wrong::invalid(format!(
                "must be one of {names}; `plain` goes with text/plain"
            ))
        })
    });
    let hints = match format {
        Some(format) if format.knows_roles() => {
            reader.only(&["format", "language"]);
            hints(&mut reader)
        }
        Some(_) | None => {
            reader.only(&["format", "language", "agent", "customer"]);
            hints(&mut reader)
        }
    };
    finished(reader, format.map(|format| Some((format, hints))))
}

fn hints(reader: &mut Reader<'_, '_>) -> Hints {
    let agent = reader.optional("agent", Field::words);
    let customer = reader.optional("customer", |field| match field.words()? {
        same if agent.as_ref() == Some(&same) => {
            Err(Wrong::invalid("must not be the same as `agent`"))
        }
        customer => Ok(customer),
    });
    Hints {
        language: reader.optional("language", Field::parse),
        agent,
        customer,
    }
}

/// What was read, or what is wrong with the query string.
fn finished<T>(reader: Reader<'_, '_>, read: Option<T>) -> Result<T, Error> {
    reader.finish(read).map_err(|error| error.at(Place::Query))
}

fn malformed(error: serde_json::Error) -> Error {
    let code = if error.is_data() {
        Code::InvalidInput
    } else {
        Code::MalformedBody
    };
    Error::new(code, format!("the body cannot be read: {error}"))
}

fn unprocessable(faults: Vec<Fault>) -> Error {
    let fields = faults.into_iter().map(FieldError::from).collect();
    Error::fields(Code::Unprocessable, fields)
}
