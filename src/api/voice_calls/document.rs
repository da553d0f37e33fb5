//! The requests of the voice-calls surface as `openapi.yaml` shows them. [`super::parse`] is what reads them.

use utoipa::{IntoParams, ToSchema};

use crate::domain::{state::VoiceCallStatus, voice_call::VoiceCallDirection};

/// A change to a voice call.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "staff_uid": "d290f1ee-6c54-4b01-90e6-d701748f0851", "client_uid": "d290f1ee-6c54-4b01-90e6-d701748f0851",
    "from_number": "+14155550148", "to_number": "+14155550901", "direction": "INBOUND", "status": "MISSED",
    "rate": "0.05", "price": "1.50", "provider": "VONAGE", "source_id": "call-src-001", "duration": 120,
    "call_summary": "Client called to ask about their account balance",
    "external_app_url": "https://example.com/call-details", "external_app_name": "Example",
    "recording_id": "rec-001", "external_uuid": "ext-call-001"
}))]
pub struct UpdateVoiceCall {
    /// The staff member of the call.
    #[schema(min_length = 1, max_length = 255)]
    pub staff_uid: String,
    /// The client of the call.
    #[schema(min_length = 1, max_length = 255)]
    pub client_uid: String,
    /// The caller in E.164 format.
    #[schema(pattern = r"^\+[1-9][0-9]{1,14}$")]
    pub from_number: String,
    /// The callee in E.164 format.
    #[schema(pattern = r"^\+[1-9][0-9]{1,14}$")]
    pub to_number: String,
    /// Who called whom; case-sensitive.
    pub direction: VoiceCallDirection,
    /// Where the call stands; case-sensitive. `VOICEMAIL` is taken for `VOICEMAIL_RECEIVED`.
    pub status: VoiceCallStatus,
    /// Price per unit, as a string.
    #[schema(pattern = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$")]
    pub rate: String,
    /// Price of the call, as a string.
    #[schema(pattern = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$")]
    pub price: String,
    /// `VONAGE`, or a provider that the account is connected to; case-sensitive.
    pub provider: String,
    /// The provider system's id of the call, unique per provider.
    #[schema(min_length = 1, max_length = 255)]
    pub source_id: String,
    /// Seconds of talk; a whole number.
    #[schema(minimum = 0, maximum = 604_800)]
    pub duration: i32,
    /// What the call was about.
    #[schema(max_length = 10_000)]
    pub call_summary: String,
    /// An absolute http or https URL.
    #[schema(format = Uri, max_length = 2048)]
    pub external_app_url: String,
    /// The application that manages the call.
    #[schema(max_length = 255)]
    pub external_app_name: String,
    /// The recording that belongs to it.
    #[schema(max_length = 255)]
    pub recording_id: String,
    /// The external application's id of the call.
    #[schema(min_length = 1, max_length = 255)]
    pub external_uuid: String,
    /// Who followed up; the staff member of the token unless given.
    #[schema(min_length = 1, max_length = 255)]
    pub handled_by_staff_uid: Option<String>,
}

/// A new voice call.
#[derive(Debug, ToSchema)]
#[schema(example = json!({
    "staff_uid": "d290f1ee-6c54-4b01-90e6-d701748f0851", "client_uid": "d290f1ee-6c54-4b01-90e6-d701748f0851",
    "from_number": "+14155550148", "to_number": "+14155550901", "direction": "INBOUND", "status": "INCOMING_CALL",
    "rate": "0.05", "provider": "VONAGE", "source_id": "call-src-001", "external_uuid": "ext-call-001",
    "business_uid": "b-001"
}))]
pub struct CreateVoiceCall {
    /// The staff member of the call.
    #[schema(min_length = 1, max_length = 255)]
    pub staff_uid: String,
    /// The client of the call.
    #[schema(min_length = 1, max_length = 255)]
    pub client_uid: String,
    /// The caller in E.164 format.
    #[schema(pattern = r"^\+[1-9][0-9]{1,14}$")]
    pub from_number: String,
    /// The callee in E.164 format.
    #[schema(pattern = r"^\+[1-9][0-9]{1,14}$")]
    pub to_number: String,
    /// Who called whom; case-sensitive.
    pub direction: VoiceCallDirection,
    /// Where the call stands; case-sensitive.
    pub status: VoiceCallStatus,
    /// Price per unit, as a string.
    #[schema(pattern = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$")]
    pub rate: String,
    /// `VONAGE`, or a provider that the account is connected to; case-sensitive.
    pub provider: String,
    /// The provider system's id of the call, unique per provider.
    #[schema(min_length = 1, max_length = 255)]
    pub source_id: String,
    /// The external application's id of the call.
    #[schema(min_length = 1, max_length = 255)]
    pub external_uuid: String,
    /// The business of the token.
    #[schema(min_length = 1, max_length = 255)]
    pub business_uid: String,
}

/// Which voice calls, in which order.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VoiceCallQuery {
    /// The page, from 1.
    #[param(minimum = 1, maximum = 10_000, default = 1, nullable = false)]
    pub page: Option<i32>,
    /// Voice calls a page.
    #[param(minimum = 1, maximum = 100, default = 25, nullable = false)]
    pub per_page: Option<i32>,
    /// `updated_at` or `created_at`, with `:asc` or `:desc`.
    #[param(
        default = "updated_at:desc",
        pattern = "^(updated_at|created_at):(asc|desc)$",
        nullable = false
    )]
    pub sort: Option<String>,
    /// Shown with this status.
    #[param(rename = "filter[status]", nullable = false)]
    pub filter_status: Option<VoiceCallStatus>,
    /// Of this direction.
    #[param(rename = "filter[direction]", nullable = false)]
    pub filter_direction: Option<VoiceCallDirection>,
    /// With this staff member.
    #[param(rename = "filter[staff_uid]", max_length = 255, nullable = false)]
    pub filter_staff_uid: Option<String>,
    /// With this client.
    #[param(rename = "filter[client_uid]", max_length = 255, nullable = false)]
    pub filter_client_uid: Option<String>,
    /// With this `source_id`.
    #[param(rename = "filter[source_id]", max_length = 255, nullable = false)]
    pub filter_source_id: Option<String>,
    /// First heard of after this day or time. Also `gte`, `lt`, `lte`.
    #[param(
        rename = "filter[created_at][gt]",
        example = "2026-03-01",
        nullable = false
    )]
    pub filter_created_at: Option<String>,
    /// Changed after this day or time. Also `gte`, `lt`, `lte`.
    #[param(
        rename = "filter[updated_at][gt]",
        example = "2026-03-01T12:00:00Z",
        nullable = false
    )]
    pub filter_updated_at: Option<String>,
}
