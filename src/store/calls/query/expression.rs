//! What each column is in SQL: the value that the Call object shows.

use crate::domain::call_query::{Column, Kind};

/// The newest transcript's column.
macro_rules! newest_transcript {
    ($column:literal) => {
        concat!(
            "(select transcripts.",
            $column,
            " from transcripts where transcripts.account_id = calls.account_id
               and transcripts.call_id = calls.call_id order by revision desc limit 1)"
        )
    };
}

/// Of what may be long, so much decides the order: it stands in the cursor.
const SORTED_CHARS: usize = 100;

/// A column in SQL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expression {
    /// Its value, without a collation.
    pub(super) sql: &'static str,
    /// The type of [`Self::key`].
    pub(super) sql_type: &'static str,
    /// Whether a call may have none.
    pub(super) nullable: bool,
    /// Whether equal calls are ordered by age before their ids: where there is an index, by what that has.
    pub(super) ties_by_age: bool,
    is_long: bool,
}

impl Expression {
    /// The expression of a column.
    pub(super) fn of(column: Column) -> Self {
        let (sql, nullable) = sql(column);
        let sql_type = match column.kind() {
            Kind::Text | Kind::Status | Kind::Direction | Kind::Json => "text",
            Kind::Whole => "bigint",
            Kind::Decimal => "numeric",
            Kind::Time => "timestamptz",
            Kind::Id => "uuid",
            Kind::Flag => "boolean",
        };
        let is_long = matches!(
            column,
            Column::Feedback
                | Column::Recording
                | Column::Transcript
                | Column::DisconnectReason
                | Column::TaskFeedback
                | Column::Metadata
                | Column::Notes
                | Column::Variables
                | Column::Outcomes
        );
        Self {
            sql,
            sql_type,
            nullable,
            ties_by_age: !matches!(column, Column::Created | Column::Updated | Column::Id),
            is_long,
        }
    }

    /// What is sorted by. Texts by code points, on every server.
    pub(super) fn key(&self) -> String {
        let sql = self.sql;
        match (self.sql_type, self.is_long) {
            ("text", true) => format!("left(({sql})::text, {SORTED_CHARS}) collate \"C\""),
            ("text", false) => self.text(),
            (_, _) => sql.to_owned(),
        }
    }

    /// What texts are compared by: code points.
    pub(super) fn text(&self) -> String {
        format!("({} collate \"C\")", self.sql)
    }
}

/// The value, and whether it may be null. Where the document has no null, there is what the Call object shows instead.
fn sql(column: Column) -> (&'static str, bool) {
    match column {
        Column::Id => ("call_id", false),
        Column::Created => ("created_at", false),
        Column::Updated => ("updated_at", false),
        Column::Started => (
            "case when answered_at is not null then least(answered_at, ended_at) end",
            true,
        ),
        Column::Ended => ("ended_at", true),
        Column::Retry => ("retry_at", true),
        Column::Duration => (
            "coalesce(duration_s, greatest(0, trunc(extract(epoch from ended_at - answered_at))), 0)::bigint",
            false,
        ),
        Column::Sid => ("provider_call_id", false),
        Column::From => ("coalesce(from_number, '')", false),
        Column::To => ("coalesce(to_number, '')", false),
        Column::Provider => ("provider", false),
        Column::Status => ("replace(state::text, '_', '-')", false),
        Column::Direction => ("coalesce(direction::text, 'inbound')", false),
        Column::Rating => ("coalesce(call_rating, 0)::bigint", false),
        Column::Feedback => ("call_feedback", true),
        Column::Recording => ("recording_url", true),
        Column::Transcript => (newest_transcript!("text"), true),
        Column::Language => (newest_transcript!("language"), true),
        Column::IsTest => ("is_test", false),
        Column::Cost => ("coalesce(cost, 0)", false),
        Column::PriceUnit => ("coalesce(price_unit, '')", false),
        Column::Latency => ("coalesce(latency, 0)::bigint", false),
        Column::DisconnectReason => ("coalesce(disconnect_reason, '')", false),
        Column::Sentiment => ("coalesce(analysis_sentiment, '')", false),
        Column::TaskStatus => ("coalesce(agent_task_status, '')", false),
        Column::TaskFeedback => ("coalesce(agent_task_feedback, '')", false),
        Column::Metadata => ("metadata", true),
        Column::Notes => ("notes", true),
        Column::Variables => ("agent_dynamic_variables", true),
        Column::Outcomes => ("agent_post_call_outcomes", true),
        Column::Campaign => ("campaign_id", true),
        Column::Agent => (
            "coalesce(ai_agent_id, '00000000-0000-0000-0000-000000000000')",
            false,
        ),
        Column::Contact => ("contact_id", true),
        Column::Workspace => ("workspace_id", false),
    }
}
