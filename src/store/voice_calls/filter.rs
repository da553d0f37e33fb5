//! What a list of voice calls may be filtered and sorted by, each as the surface shows it. Every value is bound.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{Encode, Postgres, QueryBuilder, Type, postgres::PgHasArrayType};
use uuid::Uuid;

use crate::domain::{
    id::AccountId,
    state::{CallState, Direction, VoiceCallStatus},
};

/// A field of a voice call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// Our id: rises with the time at which we first heard of the call.
    Uid,
    /// One of the texts.
    Text(TextColumn),
    /// One of the times.
    Time(TimeColumn),
    /// One of the amounts.
    Amount(AmountColumn),
    /// Seconds of talk.
    Duration,
    /// Where it stands; sorted in the order of the document.
    Status,
    /// Who called whom.
    Direction,
    /// Where the transcript stands.
    Transcript,
}

/// A text of a voice call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "they are the surface's own names of the fields"
)]
pub enum TextColumn {
    StaffUid,
    ClientUid,
    FromNumber,
    ToNumber,
    CallSummary,
    ExternalAppUrl,
    ExternalAppName,
    SourceId,
    ExternalUuid,
    HandledByStaffUid,
    RecordingId,
    Provider,
}

/// A time of a voice call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "they are the surface's own names of the fields"
)]
pub enum TimeColumn {
    CreatedAt,
    UpdatedAt,
    HandledAt,
}

/// An amount of a voice call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "they are the surface's own names of the fields"
)]
pub enum AmountColumn {
    Rate,
    Price,
}

/// What a field must be like. A call that has no value in the field is never like it.
#[derive(Debug, Clone, PartialEq)]
pub enum Test<T> {
    /// One of these; never empty.
    OneOf(Vec<T>),
    /// Beyond this, or up to it. Texts are compared by their code points.
    Ordered(Ordering, T),
}

/// Which side of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordering {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

/// A field and what it must be like.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// The id.
    Uid(Test<Uuid>),
    /// A text.
    Text(TextColumn, Test<String>),
    /// A time.
    Time(TimeColumn, Test<DateTime<Utc>>),
    /// An amount.
    Amount(AmountColumn, Test<Decimal>),
    /// The seconds of talk.
    Duration(Test<i64>),
    /// The status that is shown, one of these.
    Status(Vec<VoiceCallStatus>),
    /// The direction that is shown, one of these.
    Direction(Vec<Direction>),
    /// The word for where the transcript stands, one of these.
    Transcript(Vec<String>),
}

impl Filter {
    /// Writes the condition.
    pub(super) fn push(&self, sql: &mut QueryBuilder<Postgres>, account_id: AccountId) {
        match self {
            Self::Uid(test) => test.push(sql, Column::Uid),
            Self::Text(TextColumn::SourceId, Test::OneOf(names)) => {
                push_sources(sql, account_id, names);
            }
            Self::Text(column, test) => test.push(sql, Column::Text(*column)),
            Self::Time(column, test) => test.push(sql, Column::Time(*column)),
            Self::Amount(column, test) => test.push(sql, Column::Amount(*column)),
            Self::Duration(test) => test.push(sql, Column::Duration),
            Self::Status(words) => push_one_of(sql, Column::Status, words),
            Self::Direction(words) => push_one_of(sql, Column::Direction, words),
            Self::Transcript(words) => push_one_of(sql, Column::Transcript, words),
        }
    }
}

impl<T> Test<T>
where
    T: Clone + Send + 'static + for<'q> Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType,
{
    fn push(&self, sql: &mut QueryBuilder<Postgres>, column: Column) {
        match self {
            Self::OneOf(values) => push_one_of(sql, column, values),
            Self::Ordered(ordering, value) => {
                column.push(sql);
                column.push_collation(sql);
                sql.push(ordering.sql()).push_bind(value.clone());
            }
        }
    }
}

fn push_one_of<T>(sql: &mut QueryBuilder<Postgres>, column: Column, values: &[T])
where
    T: Clone + Send + 'static + for<'q> Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType,
{
    column.push(sql);
    match values {
        // What stands still in an index lets the rest of it be the order.
        [one] => sql.push(" = ").push_bind(one.clone()),
        several => {
            let several = several.to_vec();
            sql.push(" = any(").push_bind(several).push(")")
        }
    };
}

/// The shown `source_id` is staff's, else telephony's name of the call: each is looked up where it has an index.
fn push_sources(sql: &mut QueryBuilder<Postgres>, account_id: AccountId, names: &[String]) {
    let mut lookup = |head, tail| {
        sql.push(head).push_bind(account_id.uuid());
        sql.push(tail).push_bind(names.to_vec()).push(")");
    };
    lookup(
        "call_id = any(array(select call_id from calls as named where account_id = ",
        " and source_id = any(",
    );
    lookup(
        " union all select call_id from call_names where account_id = ",
        " and namespace = 'call' and name = any(",
    );
    // Until the provider has named it, a call that was placed here goes by its id, which is nowhere among the names.
    lookup(
        " union all select call_id from calls as placed where account_id = ",
        " and placement is not null and provider_call_id = any(",
    );
    sql.push(")) and ");
    push_one_of(sql, Column::Text(TextColumn::SourceId), names);
}

impl Column {
    /// Writes the expression.
    pub(super) fn push(self, sql: &mut QueryBuilder<Postgres>) {
        if self == Self::Status {
            push_status(sql);
        } else {
            sql.push(self.expression());
        }
    }

    /// Writes what makes texts compare by their code points, whatever the database's locale.
    pub(super) fn push_collation(self, sql: &mut QueryBuilder<Postgres>) {
        if matches!(self, Self::Text(_) | Self::Transcript) {
            sql.push(" collate \"C\"");
        }
    }

    /// Whether a call may have no value in it.
    pub(super) fn may_be_absent(self) -> bool {
        match self {
            Self::Text(column) => !matches!(
                column,
                TextColumn::FromNumber
                    | TextColumn::ToNumber
                    | TextColumn::SourceId
                    | TextColumn::Provider
            ),
            Self::Time(column) => column == TimeColumn::HandledAt,
            Self::Amount(_) | Self::Transcript => true,
            Self::Uid | Self::Duration | Self::Status | Self::Direction => false,
        }
    }

    fn expression(self) -> &'static str {
        match self {
            Self::Uid => "call_id",
            Self::Text(column) => column.expression(),
            Self::Time(TimeColumn::CreatedAt) => "created_at",
            Self::Time(TimeColumn::UpdatedAt) => "updated_at",
            Self::Time(TimeColumn::HandledAt) => "handled_at",
            Self::Amount(AmountColumn::Rate) => "rate",
            Self::Amount(AmountColumn::Price) => "price",
            Self::Duration => {
                "coalesce(duration_s, greatest(0, floor(extract(epoch from ended_at - answered_at))))::bigint"
            }
            Self::Status => "voice_call_status",
            Self::Direction => "coalesce(direction, 'inbound')",
            Self::Transcript => {
                // As `recordings::writing` has it for those without one.
                "(case when exists (select from transcripts where transcripts.account_id = calls.account_id
                     and transcripts.call_id = calls.call_id) then 'DONE'
                   when exists (select from jobs where unique_key = 'read-recording/' || calls.call_id and state <> 'dead'
                     and jobs.account_id = calls.account_id and args -> 'transcribes' = 'true') then 'IN_PROGRESS'
                   when (select reading #>> '{transcription,status}' from recording_readings as reading
                     where reading.account_id = calls.account_id and reading.call_id = calls.call_id
                     order by created_at desc limit 1) = 'failed' then 'FAILED' end)"
            }
        }
    }
}

impl TextColumn {
    fn expression(self) -> &'static str {
        match self {
            Self::StaffUid => "staff_uid",
            Self::ClientUid => "client_uid",
            Self::FromNumber => "coalesce(from_e164, from_number, '')",
            Self::ToNumber => "coalesce(to_e164, to_number, '')",
            Self::CallSummary => "call_summary",
            Self::ExternalAppUrl => "external_app_url",
            Self::ExternalAppName => "external_app_name",
            Self::SourceId => "coalesce(source_id, provider_call_id)",
            Self::ExternalUuid => "external_uuid",
            Self::HandledByStaffUid => "handled_by_staff_uid",
            Self::RecordingId => "recording_id",
            Self::Provider => "upper(provider)",
        }
    }
}

/// What [`VoiceCallStatus::shown`] says, as SQL.
fn push_status(sql: &mut QueryBuilder<Postgres>) {
    sql.push(
        "(case when voice_call_status is not null
           and (voice_call_status <> 'INCOMING_CALL' or state in ('queued', 'ringing')) then voice_call_status",
    );
    for status in VoiceCallStatus::ALL {
        let derived: Vec<CallState> = CallState::ALL
            .into_iter()
            .filter(|state| VoiceCallStatus::shown(None, *state) == status)
            .collect();
        if !derived.is_empty() {
            sql.push(" when state = any(").push_bind(derived);
            sql.push(") then ").push_bind(status);
        }
    }
    sql.push(" end)");
}

impl Ordering {
    fn sql(self) -> &'static str {
        match self {
            Self::Greater => " > ",
            Self::GreaterOrEqual => " >= ",
            Self::Less => " < ",
            Self::LessOrEqual => " <= ",
        }
    }
}
