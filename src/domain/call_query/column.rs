//! The columns that a list of calls can be sorted and filtered by.

/// A column: a field of the Call object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// `id`
    Id,
    /// `created_at`
    Created,
    /// `updated_at`
    Updated,
    /// `started_at`
    Started,
    /// `ended_at`
    Ended,
    /// `retry_at`
    Retry,
    /// `call_duration`
    Duration,
    /// `call_sid`
    Sid,
    /// `call_from`
    From,
    /// `call_to`, also by the name `name`
    To,
    /// `call_provider`
    Provider,
    /// `call_status`
    Status,
    /// `call_direction`
    Direction,
    /// `call_rating`
    Rating,
    /// `call_feedback`
    Feedback,
    /// `record_url`
    Recording,
    /// `transcript`
    Transcript,
    /// `transcript_language`
    Language,
    /// `is_test`
    IsTest,
    /// `cost`
    Cost,
    /// `price_unit`
    PriceUnit,
    /// `latency`
    Latency,
    /// `disconnect_reason`
    DisconnectReason,
    /// `analysis_sentiment`
    Sentiment,
    /// `agent_task_status`
    TaskStatus,
    /// `agent_task_feedback`
    TaskFeedback,
    /// `metadata`
    Metadata,
    /// `notes`
    Notes,
    /// `agent_dynamic_variables`
    Variables,
    /// `agent_post_call_outcomes`
    Outcomes,
    /// `campaign_id`
    Campaign,
    /// `ai_agent_id`
    Agent,
    /// `contact_id`
    Contact,
    /// `workspace_id`
    Workspace,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, by code points.
    Text,
    /// A whole number.
    Whole,
    /// A decimal number.
    Decimal,
    /// A moment.
    Time,
    /// A UUID.
    Id,
    /// `true` or `false`.
    Flag,
    /// A word of the call's state.
    Status,
    /// `inbound` or `outbound`.
    Direction,
    /// An object.
    Json,
}

impl Column {
    /// Every name of a column. The callee's has two.
    pub const NAMES: [(&'static str, Self); 35] = [
        ("name", Self::To),
        ("created_at", Self::Created),
        ("updated_at", Self::Updated),
        ("started_at", Self::Started),
        ("ended_at", Self::Ended),
        ("call_duration", Self::Duration),
        ("call_sid", Self::Sid),
        ("call_from", Self::From),
        ("call_to", Self::To),
        ("call_provider", Self::Provider),
        ("call_status", Self::Status),
        ("call_direction", Self::Direction),
        ("call_rating", Self::Rating),
        ("call_feedback", Self::Feedback),
        ("record_url", Self::Recording),
        ("transcript", Self::Transcript),
        ("transcript_language", Self::Language),
        ("is_test", Self::IsTest),
        ("cost", Self::Cost),
        ("price_unit", Self::PriceUnit),
        ("latency", Self::Latency),
        ("disconnect_reason", Self::DisconnectReason),
        ("analysis_sentiment", Self::Sentiment),
        ("agent_task_status", Self::TaskStatus),
        ("agent_task_feedback", Self::TaskFeedback),
        ("metadata", Self::Metadata),
        ("notes", Self::Notes),
        ("agent_dynamic_variables", Self::Variables),
        ("agent_post_call_outcomes", Self::Outcomes),
        ("retry_at", Self::Retry),
        ("id", Self::Id),
        ("campaign_id", Self::Campaign),
        ("ai_agent_id", Self::Agent),
        ("contact_id", Self::Contact),
        ("workspace_id", Self::Workspace),
    ];

    /// The column of a name.
    pub fn of(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find_map(|(known, column)| (known == name).then_some(column))
    }

    /// What its values are.
    pub fn kind(self) -> Kind {
        match self {
            Self::Created | Self::Updated | Self::Started | Self::Ended | Self::Retry => Kind::Time,
            Self::Duration | Self::Rating | Self::Latency => Kind::Whole,
            Self::Cost => Kind::Decimal,
            Self::Id | Self::Campaign | Self::Agent | Self::Contact => Kind::Id,
            Self::IsTest => Kind::Flag,
            Self::Status => Kind::Status,
            Self::Direction => Kind::Direction,
            Self::Metadata | Self::Variables | Self::Outcomes => Kind::Json,
            Self::Sid
            | Self::From
            | Self::To
            | Self::Provider
            | Self::Feedback
            | Self::Recording
            | Self::Transcript
            | Self::Language
            | Self::PriceUnit
            | Self::DisconnectReason
            | Self::Sentiment
            | Self::TaskStatus
            | Self::TaskFeedback
            | Self::Notes
            | Self::Workspace => Kind::Text,
        }
    }
}
