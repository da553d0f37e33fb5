//! Erasures: whatever is kept of a call, or of the calls of a number or an e-mail address, is removed on request.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    id::{AccountId, CallId, ErasureId},
    party::{Email, PartyNumber},
};

/// What an erasure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "erasure_subject", rename_all = "snake_case")]
pub enum SubjectKind {
    /// One call.
    Call,
    /// Every call from or to a number.
    PhoneNumber,
    /// Every call with an e-mail address.
    Email,
    /// Every call that was over at a moment: the account keeps calls for so long. Nobody can ask for it.
    Age,
}

/// What is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One call.
    Call(CallId),
    /// Every call from or to a number, however it was written.
    PhoneNumber(PartyNumber),
    /// Every call with an e-mail address, in small letters or capitals.
    Email(Email),
    /// Every call that was over before a moment.
    Age(DateTime<Utc>),
}

/// A text that was kept for a subject is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a subject of that kind")]
pub struct NotSubject;

impl Subject {
    /// What kind it is.
    pub fn kind(&self) -> SubjectKind {
        match self {
            Self::Call(_) => SubjectKind::Call,
            Self::PhoneNumber(_) => SubjectKind::PhoneNumber,
            Self::Email(_) => SubjectKind::Email,
            Self::Age(_) => SubjectKind::Age,
        }
    }

    /// The one spelling of it, which is sealed and hashed: E.164 where the number has it, small letters for an address.
    pub fn canonical(&self) -> String {
        match self {
            Self::Call(call_id) => call_id.to_string(),
            Self::PhoneNumber(number) => number
                .e164()
                .map_or_else(|| number.raw().to_owned(), |e164| e164.as_str().to_owned()),
            Self::Email(email) => email.as_str().to_lowercase(),
            Self::Age(before) => before.to_rfc3339_opts(SecondsFormat::Micros, true),
        }
    }

    /// Reads [`Self::canonical`] back.
    pub fn read(kind: SubjectKind, canonical: &str) -> Result<Self, NotSubject> {
        Ok(match kind {
            SubjectKind::Call => Self::Call(canonical.parse().map_err(|_wrong| NotSubject)?),
            SubjectKind::PhoneNumber => {
                Self::PhoneNumber(PartyNumber::parse(canonical).map_err(|_wrong| NotSubject)?)
            }
            SubjectKind::Email => Self::Email(canonical.parse().map_err(|_wrong| NotSubject)?),
            SubjectKind::Age => Self::Age(canonical.parse().map_err(|_wrong| NotSubject)?),
        })
    }
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "erasure_stage", rename_all = "snake_case")]
pub enum Stage {
    /// Calls are looked for, and taken out of every list and look-up as they are found.
    Finding,
    /// What is kept beside each of them is removed.
    Purging,
    /// What they shared with other calls is looked at: numbers, kept answers.
    Finishing,
    /// Nothing is left but this receipt.
    Completed,
}

/// An erasure as it stands, or its receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct Erasure {
    /// Whose it is.
    pub account_id: AccountId,
    /// Its id.
    pub erasure_id: ErasureId,
    /// What kind of subject it has.
    pub subject: SubjectKind,
    /// A keyed hash of the subject.
    pub subject_digest: Vec<u8>,
    /// The subject, sealed; none once it is completed.
    pub sealed_subject: Option<Vec<u8>>,
    /// How far it is.
    pub stage: Stage,
    /// The last call that was looked at.
    pub place: Option<CallId>,
    /// How many calls were looked at.
    pub looked_at: i64,
    /// How many calls are gone from every list and look-up.
    pub found: i64,
    /// Of how many nothing is left.
    pub erased: i64,
    /// Rows that were removed, by kind.
    pub removed: BTreeMap<String, i64>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was completed.
    pub completed_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::{NotSubject, Subject, SubjectKind};

    #[test]
    fn spellings_of_one_subject_are_one() {
        let number = |raw: &str| Subject::PhoneNumber(super::PartyNumber::parse(raw).unwrap());
        assert_eq!(
            number("+1 (415) 555-0100").canonical(),
            number("+14155550100").canonical()
        );
        assert_eq!(number("anonymous").canonical(), "anonymous");
        let email = Subject::Email("Ann@Example.com".parse().unwrap());
        assert_eq!(email.canonical(), "ann@example.com");
        let read = Subject::read(SubjectKind::Email, "ann@example.com").unwrap();
        assert_eq!(read.canonical(), email.canonical());
        assert_eq!(Subject::read(SubjectKind::Call, "x"), Err(NotSubject));
    }
}
