//! Where a connection's secrets come from: the environment, or standard input. Never an argument.

use std::{
    collections::BTreeMap,
    io::{IsTerminal as _, Read as _},
};

use anyhow::Context as _;
use secrecy::SecretString;

use crate::{
    calls::connect::credentials::Fault,
    config::ConnectionSecrets,
    domain::connection::SECRET_BYTES_MAX,
    providers::profile::{CredentialField, Profile, Slot},
};

/// The secrets that are given for a vendor, by its own names. One that it does not have is left out.
pub(super) fn all(
    profile: &Profile,
    given: &ConnectionSecrets,
) -> anyhow::Result<BTreeMap<String, SecretString>> {
    let mut found = BTreeMap::new();
    if let Some(field) = in_slot(profile, Slot::Secret) {
        let secret = match &given.secret {
            Some(secret) => secret.clone(),
            None => from_stdin()?,
        };
        found.insert(field.name.to_owned(), secret);
    }
    if let (Some(field), Some(secret)) =
        (in_slot(profile, Slot::SigningSecret), &given.signing_secret)
    {
        found.insert(field.name.to_owned(), secret.clone());
    }
    Ok(found)
}

/// A credential that may be an argument.
pub(super) fn expect_plain(profile: &Profile, name: &str) -> anyhow::Result<()> {
    let mut fields = profile.credentials.iter();
    let secret = fields.any(|field| {
        field.name == name && matches!(field.slot, Slot::Secret | Slot::SigningSecret)
    });
    anyhow::ensure!(
        !secret,
        "{name} is a secret, which no argument may be: give it in ONHOOK_CONNECTION_SECRET or \
         ONHOOK_CONNECTION_SIGNING_SECRET, or on standard input"
    );
    Ok(())
}

/// Everything that is wrong with the credentials, as one error.
pub(super) fn explain(faults: Vec<(String, Fault)>) -> anyhow::Error {
    let lines = faults
        .into_iter()
        .map(|(name, fault)| format!("{name} {fault}"));
    anyhow::anyhow!("{}", lines.collect::<Vec<_>>().join("; "))
}

fn in_slot(profile: &Profile, slot: Slot) -> Option<&'static CredentialField> {
    profile.credentials.iter().find(|field| field.slot == slot)
}

fn from_stdin() -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    anyhow::ensure!(
        !stdin.is_terminal(),
        "give the secret in ONHOOK_CONNECTION_SECRET or on standard input"
    );
    let mut text = String::new();
    let bytes_max = u64::try_from(SECRET_BYTES_MAX)?;
    stdin
        .lock()
        .take(bytes_max + 1)
        .read_to_string(&mut text)
        .context("standard input has no secret")?;
    let secret = text.trim();
    let fits = text.len() <= SECRET_BYTES_MAX && !secret.is_empty();
    anyhow::ensure!(
        fits,
        "standard input has no secret: it must have 1 to {SECRET_BYTES_MAX} bytes"
    );
    Ok(secret.into())
}
