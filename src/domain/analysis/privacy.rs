//! What was found that is nobody else's business. Where it stands and what it is are kept, never what it says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A kind of personal data, by the name that Contact Lens and Transcribe have for it, where they have one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EntityType {
    /// A street with a house number.
    Address,
    /// The number of a bank account.
    BankAccountNumber,
    /// The number of a bank.
    BankRouting,
    /// The security code of a card.
    CreditDebitCvv,
    /// Until when a card is valid.
    CreditDebitExpiry,
    /// The number of a card.
    CreditDebitNumber,
    /// When somebody was born. Not one of theirs.
    DateOfBirth,
    /// An e-mail address.
    Email,
    /// An IBAN.
    InternationalBankAccountNumber,
    /// Somebody's name, where it is introduced as one.
    Name,
    /// A telephone number.
    Phone,
    /// A personal identification number.
    Pin,
    /// A social security number (United States).
    Ssn,
}

impl EntityType {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::Address,
        Self::BankAccountNumber,
        Self::BankRouting,
        Self::CreditDebitCvv,
        Self::CreditDebitExpiry,
        Self::CreditDebitNumber,
        Self::DateOfBirth,
        Self::Email,
        Self::InternationalBankAccountNumber,
        Self::Name,
        Self::Phone,
        Self::Pin,
        Self::Ssn,
    ];

    /// What stands in its place.
    pub fn mask(self) -> &'static str {
        match self {
            Self::Address => "[ADDRESS]",
            Self::BankAccountNumber => "[BANK_ACCOUNT_NUMBER]",
            Self::BankRouting => "[BANK_ROUTING]",
            Self::CreditDebitCvv => "[CREDIT_DEBIT_CVV]",
            Self::CreditDebitExpiry => "[CREDIT_DEBIT_EXPIRY]",
            Self::CreditDebitNumber => "[CREDIT_DEBIT_NUMBER]",
            Self::DateOfBirth => "[DATE_OF_BIRTH]",
            Self::Email => "[EMAIL]",
            Self::InternationalBankAccountNumber => "[INTERNATIONAL_BANK_ACCOUNT_NUMBER]",
            Self::Name => "[NAME]",
            Self::Phone => "[PHONE]",
            Self::Pin => "[PIN]",
            Self::Ssn => "[SSN]",
        }
    }
}

/// How the section was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrivacyMethod {
    /// By the rules of `docs/analysis.md`.
    Rules,
}

/// How redacted text shows what was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaskMode {
    /// By its type: `[PHONE]`.
    EntityType,
}

/// The personal data in a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pii {
    /// How the section was made.
    pub method: PrivacyMethod,
    /// How redacted text shows it.
    pub mask_mode: MaskMode,
    /// How many there are of each type. One that is said over several turns counts once in each.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    pub counts: BTreeMap<EntityType, u64>,
    /// Where they stand, the first thousand of them.
    #[schema(max_items = 1_000)]
    pub spans: Vec<TurnSpan>,
}

/// Where something stands in the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct TurnSpan {
    /// The turn, from 0.
    pub turn: usize,
    /// What it is.
    #[serde(flatten)]
    pub span: TextSpan,
}

/// Where something stands in a text, in characters (Unicode code points).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct TextSpan {
    /// What it is.
    #[serde(rename = "type")]
    pub entity: EntityType,
    /// Its first character.
    pub begin_offset_char: usize,
    /// The character after its last.
    pub end_offset_char: usize,
}
