//! Reads what an account brings to a vendor, by the vendor's own names. One table for all: [`Profile::credentials`].

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    domain::connection::{Credentials, KEY_CHARS_MAX, SECRET_BYTES_MAX},
    providers::profile::{CredentialField, Profile, Slot},
};

/// What is wrong with one of the values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The vendor needs it.
    #[error("is required: {help}")]
    Missing {
        /// What it is.
        help: &'static str,
    },
    /// The vendor does not know it.
    #[error("is not known here; {title} has {known}")]
    Unknown {
        /// The vendor.
        title: &'static str,
        /// What it knows.
        known: String,
    },
    /// It is longer than any.
    #[error("must have at most {max} {unit}")]
    TooLong {
        /// The bound.
        max: usize,
        /// Of what.
        unit: &'static str,
    },
    /// It has a character that no such value has.
    #[error("must have printable ASCII characters only")]
    Unprintable,
}

/// Reads the values by name; white space around them is dropped, and an empty one is none. Every fault is told, with the name.
pub fn read(
    profile: &'static Profile,
    given: &BTreeMap<String, SecretString>,
) -> Result<Credentials, Vec<(String, Fault)>> {
    let mut faults: Vec<(String, Fault)> = given
        .keys()
        .filter(|name| profile.credentials.iter().all(|field| field.name != **name))
        .map(|name| (name.clone(), unknown(profile)))
        .collect();
    let mut slots: BTreeMap<&'static str, Option<String>> = BTreeMap::new();
    for field in profile.credentials {
        match value(field, given.get(field.name)) {
            Ok(value) => {
                slots.insert(field.name, value);
            }
            Err(fault) => faults.push((field.name.to_owned(), fault)),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut take = |slot: Slot| {
        let field = profile
            .credentials
            .iter()
            .find(|field| field.slot == slot)?;
        slots.remove(field.name).flatten()
    };
    Ok(Credentials {
        account: take(Slot::Account).unwrap_or_default(),
        key_id: take(Slot::KeyId),
        secret: take(Slot::Secret).unwrap_or_default().into(),
        signing_secret: take(Slot::SigningSecret).map(SecretString::from),
    })
}

/// The values by name: what [`read`] reads.
pub fn written(
    profile: &'static Profile,
    credentials: &Credentials,
) -> BTreeMap<String, SecretString> {
    let value = |slot| match slot {
        Slot::Account => Some(credentials.account.clone().into()),
        Slot::KeyId => credentials.key_id.clone().map(SecretString::from),
        Slot::Secret => Some(credentials.secret.clone()),
        Slot::SigningSecret => credentials.signing_secret.clone(),
    };
    let fields = profile.credentials.iter();
    fields
        .filter_map(|field| Some((field.name.to_owned(), value(field.slot)?)))
        .collect()
}

fn unknown(profile: &'static Profile) -> Fault {
    let known: Vec<&str> = profile.credentials.iter().map(|field| field.name).collect();
    Fault::Unknown {
        title: profile.title,
        known: known.join(", "),
    }
}

fn value(field: &CredentialField, given: Option<&SecretString>) -> Result<Option<String>, Fault> {
    let text = given.map_or("", |given| given.expose_secret().trim());
    match (text.is_empty(), field.required) {
        (true, true) => return Err(Fault::Missing { help: field.help }),
        (true, false) => return Ok(None),
        (false, _) => {}
    }
    match field.slot {
        Slot::Account | Slot::KeyId => {
            if text.chars().nth(KEY_CHARS_MAX).is_some() {
                let (max, unit) = (KEY_CHARS_MAX, "characters");
                return Err(Fault::TooLong { max, unit });
            }
            if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
                return Err(Fault::Unprintable);
            }
        }
        Slot::Secret | Slot::SigningSecret => {
            if text.len() > SECRET_BYTES_MAX {
                let (max, unit) = (SECRET_BYTES_MAX, "bytes");
                return Err(Fault::TooLong { max, unit });
            }
            // Private keys in PEM have lines.
            if text.contains('\0') {
                return Err(Fault::Unprintable);
            }
        }
    }
    Ok(Some(text.to_owned()))
}
