//! The requests of the voice-calls surface as `openapi.yaml` shows them. [`super::parse`] is what reads them.

use chrono::NaiveDate;
use utoipa::{IntoParams, ToSchema};

use crate::domain::{
    state::VoiceCallStatus,
    voice_call::{TranscriptStatus, VoiceCallDirection},
};

pub mod example;

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

/// A merge patch of a voice call (RFC 7396): what is absent stays, `null` empties.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"status": "MISSED_CALL_HANDLED", "call_summary": "Called back", "external_app_url": null}))]
pub struct PatchVoiceCall {
    /// The staff member of the call.
    #[schema(min_length = 1, max_length = 255, nullable = false)]
    pub staff_uid: Option<String>,
    /// The client of the call.
    #[schema(min_length = 1, max_length = 255, nullable = false)]
    pub client_uid: Option<String>,
    /// The caller in E.164 format.
    #[schema(pattern = r"^\+[1-9][0-9]{1,14}$", nullable = false)]
    pub from_number: Option<String>,
    /// The callee in E.164 format.
    #[schema(pattern = r"^\+[1-9][0-9]{1,14}$", nullable = false)]
    pub to_number: Option<String>,
    /// Who called whom; case-sensitive.
    #[schema(nullable = false)]
    pub direction: Option<VoiceCallDirection>,
    /// Where the call stands; case-sensitive.
    #[schema(nullable = false)]
    pub status: Option<VoiceCallStatus>,
    /// Price per unit, as a string.
    #[schema(pattern = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$", nullable = false)]
    pub rate: Option<String>,
    /// Price of the call, as a string.
    #[schema(pattern = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$")]
    pub price: Option<String>,
    /// `VONAGE`, or a provider that the account is connected to; case-sensitive.
    #[schema(nullable = false)]
    pub provider: Option<String>,
    /// The provider system's id of the call, unique per provider.
    #[schema(min_length = 1, max_length = 255, nullable = false)]
    pub source_id: Option<String>,
    /// Seconds of talk; a whole number. `null` lets telephony say.
    #[schema(minimum = 0, maximum = 604_800)]
    pub duration: Option<i32>,
    /// What the call was about.
    #[schema(max_length = 10_000)]
    pub call_summary: Option<String>,
    /// An absolute http or https URL.
    #[schema(format = Uri, max_length = 2048)]
    pub external_app_url: Option<String>,
    /// The application that manages the call.
    #[schema(max_length = 255)]
    pub external_app_name: Option<String>,
    /// The recording that belongs to it.
    #[schema(max_length = 255)]
    pub recording_id: Option<String>,
    /// The external application's id of the call.
    #[schema(min_length = 1, max_length = 255, nullable = false)]
    pub external_uuid: Option<String>,
    /// Who followed up; `null` takes back that somebody has.
    #[schema(min_length = 1, max_length = 255)]
    pub handled_by_staff_uid: Option<String>,
}

/// What is said of a recording: at least one of the fields.
#[derive(Debug, ToSchema)]
#[schema(as = UpdateVoiceCallRecording, example = json!({"recording_played": true}))]
pub struct UpdateRecording {
    /// Whether somebody has listened to it.
    #[schema(nullable = false)]
    pub recording_played: Option<bool>,
    /// The same, by an older name of the field.
    #[schema(nullable = false)]
    pub record_played: Option<bool>,
    /// Bytes (ours).
    #[schema(minimum = 0, maximum = 2_147_483_647, nullable = false)]
    pub size: Option<i32>,
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
    /// `field:asc` or `field:desc`, several parted by commas: any field that can be filtered by. Calls without a value come last.
    #[param(
        default = "updated_at:desc",
        example = "updated_at:desc,created_at:asc",
        pattern = "^[a-z_]+:(asc|desc)(,[a-z_]+:(asc|desc))*$",
        nullable = false
    )]
    pub sort: Option<String>,
    /// With this uid; `[gt]` with `sort=uid:asc` goes on from it.
    #[param(rename = "filter[uid]", nullable = false)]
    pub filter_uid: Option<uuid::Uuid>,
    /// With so many seconds of talk.
    #[param(
        rename = "filter[duration]",
        minimum = 0,
        maximum = 604_800,
        nullable = false
    )]
    pub filter_duration: Option<i32>,
    /// First heard of at this time, or at the first moment of this day (UTC); mostly with `[gte]` and `[lt]`.
    #[param(
        rename = "filter[created_at]",
        example = "2026-03-01",
        nullable = false
    )]
    pub filter_created_at: Option<String>,
    /// Changed at this time, likewise.
    #[param(
        rename = "filter[updated_at]",
        example = "2026-03-01T12:00:00Z",
        nullable = false
    )]
    pub filter_updated_at: Option<String>,
    /// Shown with this status; `eq` and `in` only.
    #[param(rename = "filter[status]", nullable = false)]
    pub filter_status: Option<VoiceCallStatus>,
    /// Of this direction; `eq` and `in` only.
    #[param(rename = "filter[direction]", nullable = false)]
    pub filter_direction: Option<VoiceCallDirection>,
    /// With this staff member.
    #[param(rename = "filter[staff_uid]", max_length = 2048, nullable = false)]
    pub filter_staff_uid: Option<String>,
    /// With this client.
    #[param(rename = "filter[client_uid]", max_length = 2048, nullable = false)]
    pub filter_client_uid: Option<String>,
    /// From this number.
    #[param(
        rename = "filter[from_number]",
        max_length = 2048,
        example = "+14155550148",
        nullable = false
    )]
    pub filter_from_number: Option<String>,
    /// To this number.
    #[param(
        rename = "filter[to_number]",
        max_length = 2048,
        example = "+14155550901",
        nullable = false
    )]
    pub filter_to_number: Option<String>,
    /// With this summary.
    #[param(rename = "filter[call_summary]", max_length = 2048, nullable = false)]
    pub filter_call_summary: Option<String>,
    /// With this link.
    #[param(
        rename = "filter[external_app_url]",
        max_length = 2048,
        nullable = false
    )]
    pub filter_external_app_url: Option<String>,
    /// Of this application.
    #[param(
        rename = "filter[external_app_name]",
        max_length = 2048,
        nullable = false
    )]
    pub filter_external_app_name: Option<String>,
    /// With this `source_id`.
    #[param(rename = "filter[source_id]", max_length = 2048, nullable = false)]
    pub filter_source_id: Option<String>,
    /// With this `external_uuid`.
    #[param(rename = "filter[external_uuid]", max_length = 2048, nullable = false)]
    pub filter_external_uuid: Option<String>,
    /// Followed up by this staff member.
    #[param(
        rename = "filter[handled_by_staff_uid]",
        max_length = 2048,
        nullable = false
    )]
    pub filter_handled_by_staff_uid: Option<String>,
    /// Followed up at this time.
    #[param(
        rename = "filter[handled_at]",
        example = "2026-03-01",
        nullable = false
    )]
    pub filter_handled_at: Option<String>,
    /// Whose transcript stands so; `eq` and `in` only.
    #[param(rename = "filter[transcript_status]", nullable = false)]
    pub filter_transcript_status: Option<TranscriptStatus>,
    /// With this rate.
    #[param(
        rename = "filter[rate]",
        pattern = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$",
        nullable = false
    )]
    pub filter_rate: Option<String>,
    /// With this price.
    #[param(
        rename = "filter[price]",
        pattern = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$",
        nullable = false
    )]
    pub filter_price: Option<String>,
    /// Of this provider, in capitals.
    #[param(rename = "filter[provider]", max_length = 2048, nullable = false)]
    pub filter_provider: Option<String>,
    /// With this recording.
    #[param(rename = "filter[recording_id]", max_length = 2048, nullable = false)]
    pub filter_recording_id: Option<String>,
    /// Changed after this day or time. So with every operator and field.
    #[param(
        rename = "filter[updated_at][gt]",
        example = "2026-03-01T12:00:00Z",
        nullable = false
    )]
    pub filter_updated_at_gt: Option<String>,
    /// With one of these, parted by commas. So with every field.
    #[param(
        rename = "filter[status][in]",
        example = "MISSED,VOICEMAIL_RECEIVED",
        nullable = false
    )]
    pub filter_status_in: Option<String>,
}

/// Which calls are counted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// First heard of on this day (UTC) or later; from the first call on unless given.
    #[param(example = "2026-03-01", nullable = false)]
    pub start_date: Option<NaiveDate>,
    /// First heard of on this day (UTC) or before; to the end unless given.
    #[param(example = "2026-03-31", nullable = false)]
    pub end_date: Option<NaiveDate>,
    /// Only those with this status.
    #[param(nullable = false)]
    pub status: Option<VoiceCallStatus>,
}
