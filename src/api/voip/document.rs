//! The bodies of the four posts as `openapi.yaml` shows them. [`super::parse`] is what reads them.

use serde::Deserialize;
use utoipa::ToSchema;

/// A call waits in a queue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(example = json!({
    "From": "+1234567890", "To": "+1789451230", "CallId": "CA12345678904567890"
}))]
pub struct CallInQueue {
    /// The call's id at the provider.
    #[schema(min_length = 1, max_length = 255)]
    pub call_id: String,
    /// The caller's number, kept as sent.
    #[schema(min_length = 1, max_length = 255)]
    pub from: String,
    /// The callee's number, kept as sent.
    #[schema(min_length = 1, max_length = 255)]
    pub to: String,
}

/// A call rings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(example = json!({
    "From": "+1234567890", "To": "+1789451230", "CallId": "CA12345678904567890", "Direction": "incoming",
    "email": "user@example.com"
}))]
pub struct CallRinging {
    /// What every post has.
    #[serde(flatten)]
    pub queued: CallInQueue,
    /// Who called whom.
    pub direction: VoipDirection,
    /// The callee's e-mail address; required for outgoing calls.
    #[schema(format = "email", max_length = 254)]
    pub email: Option<String>,
    /// The same as `Email`, as the published examples spell it.
    #[serde(rename = "email")]
    #[schema(format = "email", max_length = 254)]
    pub lower_case_email: Option<String>,
}

/// A call was answered; with a `CallStatus`, it has ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(example = json!({
    "From": "+1234567890", "To": "+1789451230", "CallId": "CA12345678904567890", "email": "user@example.com",
    "Direction": "incoming"
}))]
pub struct CallAnswered {
    /// What every post about a ringing call has.
    #[serde(flatten)]
    pub ringing: CallRinging,
    /// Makes the post a call end.
    pub call_status: Option<CallStatus>,
    /// Where the recording is, if the call has ended.
    #[schema(max_length = 2048)]
    pub recording_url: Option<String>,
    /// Seconds of talk, if the call has ended.
    pub duration: Option<Seconds>,
}

/// A call has ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
#[schema(example = json!({
    "From": "+1234567890", "To": "+1789451230", "CallId": "CA12345678904567890", "email": "user@example.com",
    "CallStatus": "completed", "RecordingUrl": "string", "Duration": "10", "Direction": "incoming"
}))]
pub struct CallEnd {
    /// What every post about a ringing call has.
    #[serde(flatten)]
    pub ringing: CallRinging,
    /// How it ended.
    pub call_status: CallStatus,
    /// Where the recording is; any text is kept. Required in strict handling.
    #[schema(max_length = 2048)]
    pub recording_url: Option<String>,
    /// Seconds of talk. Required in strict handling.
    pub duration: Option<Seconds>,
}

/// Who called whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VoipDirection {
    /// Somebody called the account.
    Incoming,
    /// The account called somebody.
    Outgoing,
}

/// How a call ended. `cancelled` is taken for `canceled`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = VoipCallStatus)]
pub enum CallStatus {
    /// The callee was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// Hung up before an answer.
    Canceled,
    /// Could not be connected or kept.
    Failed,
    /// Was answered.
    Completed,
}

/// A whole number of seconds from 0 to 604800, as a text or a number.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = VoipSeconds)]
pub enum Seconds {
    /// `"10"`
    Text(String),
    /// `10`
    Number(u32),
}
