//! The Call object of the calls surface: what `GET /calls/{id}` answers and what every webhook carries as `data`.
//!
//! The documented fields come first, each always present with its type; what we add stands at the end.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    call::Call,
    id::CallId,
    money::Money,
    party::{E164, PartyNumber},
    placement::PlacementState,
    state::{Direction, EndSource},
    termination::Termination,
};

/// A call as back ends see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CallObject {
    /// Our id of the call.
    pub id: CallId,
    /// What telephony calls it.
    pub call_sid: String,
    /// The account.
    pub company_id: Uuid,
    /// The campaign it was placed for.
    pub campaign_id: Option<Uuid>,
    /// The agent that handled it; the nil UUID if there was none.
    pub ai_agent_id: Uuid,
    /// The contact that was called.
    pub contact_id: Option<Uuid>,
    /// The provider, `voip` if not known.
    pub call_provider: String,
    /// The caller as sent; empty until somebody said.
    pub call_from: String,
    /// The callee as sent; empty until somebody said.
    pub call_to: String,
    /// Seconds of talk.
    pub call_duration: i64,
    /// `queued ringing in-progress completed busy no-answer canceled failed voicemail`.
    pub call_status: &'static str,
    /// `inbound` or `outbound`; `inbound` until somebody said.
    pub call_direction: Direction,
    /// A call to try things out.
    pub is_test: bool,
    /// 1 to 5; 0 until rated.
    pub call_rating: i16,
    /// Feedback in words.
    pub call_feedback: Option<String>,
    /// The recording as reported.
    pub record_url: Option<String>,
    /// The transcript as lines of text.
    pub transcript: Option<String>,
    /// The transcript's `utterances`.
    pub transcript_object: Option<serde_json::Value>,
    /// Its language (BCP 47).
    pub transcript_language: Option<String>,
    /// What the call cost; 0 until somebody said.
    pub cost: f64,
    /// Currency of `cost`; empty until somebody said.
    pub price_unit: String,
    /// Network latency in milliseconds; 0 until somebody said.
    pub latency: i64,
    /// Why it ended; empty until somebody said.
    pub disconnect_reason: String,
    /// Sentiment of the customer: `positive neutral negative`, empty until analysed.
    pub analysis_sentiment: String,
    /// Whether the agent's task was done, in the agent system's words; empty until somebody said.
    pub agent_task_status: String,
    /// How the agent did; empty until somebody said.
    pub agent_task_feedback: String,
    /// The back end's own data.
    pub metadata: Option<serde_json::Value>,
    /// What the agent was told.
    pub agent_dynamic_variables: Option<serde_json::Value>,
    /// What was drawn from the call.
    pub agent_post_call_outcomes: Option<serde_json::Value>,
    /// Free notes.
    pub notes: Option<String>,
    /// When we first heard of it.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted.
    pub deleted_at: Option<DateTime<Utc>>,
    /// When it was answered.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it is tried again.
    pub retry_at: Option<DateTime<Utc>>,
    /// The workspace.
    pub workspace_id: String,

    /// When it first rang (ours).
    pub ringing_at: Option<DateTime<Utc>>,
    /// The caller as E.164, where it could be read (ours).
    pub from_e164: Option<String>,
    /// The callee as E.164, where it could be read (ours).
    pub to_e164: Option<String>,
    /// Seconds of ringing (ours).
    pub ring_duration: Option<i64>,
    /// Seconds from the first we heard to the end (ours).
    pub total_duration: Option<i64>,
    /// How placing it here stands; null unless it was placed here (ours).
    pub placement: Option<PlacementState>,
    /// What ending it here asked of others, and how that stands (ours).
    pub terminations: Vec<Termination>,
    /// The newest analysis, once there is one (ours). Without its transcript, which has a route of its own.
    pub analysis: Option<serde_json::Value>,
    /// How we know that it is over, if nobody reported it: `reconciled`, its provider said so when asked; `lost`, nobody knows the
    /// call any more (ours).
    pub end_source: Option<EndSource>,
}

/// What is known besides the record when a call is shown.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// The parts of its ending.
    pub terminations: Vec<Termination>,
    /// The newest analysis, without its transcript.
    pub analysis: Option<serde_json::Value>,
    /// The newest transcript.
    pub transcript: Option<ShownTranscript>,
}

/// A transcript as the Call object shows it.
#[derive(Debug, Clone)]
pub struct ShownTranscript {
    /// As lines of text.
    pub text: String,
    /// As utterances.
    pub utterances: serde_json::Value,
    /// BCP 47.
    pub language: Option<String>,
}

impl CallObject {
    /// The names of the fields, in the order in which they are written.
    pub const FIELDS: [&'static str; 46] = [
        "id",
        "call_sid",
        "company_id",
        "campaign_id",
        "ai_agent_id",
        "contact_id",
        "call_provider",
        "call_from",
        "call_to",
        "call_duration",
        "call_status",
        "call_direction",
        "is_test",
        "call_rating",
        "call_feedback",
        "record_url",
        "transcript",
        "transcript_object",
        "transcript_language",
        "cost",
        "price_unit",
        "latency",
        "disconnect_reason",
        "analysis_sentiment",
        "agent_task_status",
        "agent_task_feedback",
        "metadata",
        "agent_dynamic_variables",
        "agent_post_call_outcomes",
        "notes",
        "created_at",
        "updated_at",
        "deleted_at",
        "started_at",
        "ended_at",
        "retry_at",
        "workspace_id",
        "ringing_at",
        "from_e164",
        "to_e164",
        "ring_duration",
        "total_duration",
        "placement",
        "terminations",
        "analysis",
        "end_source",
    ];

    /// Shows a call.
    pub fn new(call: &Call, beside: Beside) -> Self {
        let life = &call.life;
        let campaign = call.campaign.clone();
        let end = life.end.map(|end| end.at);
        let (text, utterances, language) = match beside.transcript {
            Some(shown) => (Some(shown.text), Some(shown.utterances), shown.language),
            None => (None, None, None),
        };
        Self {
            id: call.call_id,
            call_sid: call.provider_call_id.as_str().to_owned(),
            company_id: call.account_id.uuid(),
            campaign_id: campaign.campaign_id,
            ai_agent_id: campaign.ai_agent_id.unwrap_or_default(),
            contact_id: campaign.contact_id,
            call_provider: call.provider.as_str().to_owned(),
            call_from: raw(life.from.as_ref()),
            call_to: raw(life.to.as_ref()),
            call_duration: life.talk_s().unwrap_or(0),
            call_status: life.state().call_status(),
            call_direction: life.direction.unwrap_or(Direction::Inbound),
            is_test: campaign.is_test,
            call_rating: campaign.call_rating.unwrap_or(0),
            call_feedback: campaign.call_feedback,
            record_url: life
                .recording_url
                .as_ref()
                .map(|url| url.as_str().to_owned()),
            transcript: text,
            transcript_object: utterances
                .map(|utterances| serde_json::json!({ "utterances": utterances })),
            transcript_language: language,
            cost: campaign.cost.map_or(0.0, Money::approximate),
            price_unit: campaign.price_unit.unwrap_or_default(),
            latency: campaign.latency_ms.unwrap_or(0).into(),
            disconnect_reason: life
                .disconnect_reason
                .as_ref()
                .map_or_else(String::new, |r| r.as_str().to_owned()),
            analysis_sentiment: beside
                .analysis
                .as_ref()
                .and_then(customer_sentiment)
                .unwrap_or_default()
                .to_owned(),
            agent_task_status: campaign.agent_task_status.unwrap_or_default(),
            agent_task_feedback: campaign.agent_task_feedback.unwrap_or_default(),
            metadata: campaign.metadata,
            agent_dynamic_variables: campaign.agent_dynamic_variables,
            agent_post_call_outcomes: campaign.agent_post_call_outcomes,
            notes: campaign.notes,
            created_at: call.created_at,
            updated_at: call.updated_at,
            deleted_at: call.deleted_at,
            started_at: life.answered_at.map(|at| end.map_or(at, |end| at.min(end))),
            ended_at: end,
            retry_at: campaign.retry_at,
            workspace_id: campaign.workspace_id,
            ringing_at: life.ringing_at,
            from_e164: e164(life.from.as_ref()),
            to_e164: e164(life.to.as_ref()),
            ring_duration: life.ring_s(),
            total_duration: life.total_s(),
            placement: campaign.placement,
            terminations: beside.terminations,
            analysis: beside.analysis,
            end_source: life.end_source(),
        }
    }
}

fn raw(number: Option<&PartyNumber>) -> String {
    number.map_or_else(String::new, |number| number.raw().to_owned())
}

fn e164(number: Option<&PartyNumber>) -> Option<String> {
    number
        .and_then(PartyNumber::e164)
        .map(E164::as_str)
        .map(str::to_owned)
}

/// The customer's sentiment label of an analysis, if it has one.
pub fn customer_sentiment(analysis: &serde_json::Value) -> Option<&str> {
    analysis.pointer("/sentiment/label/customer")?.as_str()
}
