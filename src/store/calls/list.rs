//! Lists of calls: which ones, in which order, from where on. Soft-deleted calls are in none.
//!
//! The one place with SQL that is put together at run time, because what is asked for differs: only the pieces below are
//! put together, and every value is bound. A list yields ids; [`super::find_many`] has the calls.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

use crate::domain::{
    id::{AccountId, CallId},
    state::{CallState, Direction, VoiceCallStatus},
};

/// Totals are counted so far; beyond, they are estimated.
pub const COUNTED_MAX: i64 = 10_000;

/// What a call must be like to be listed.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Placed for this campaign.
    Campaign(Uuid),
    /// Handled by this agent.
    Agent(Uuid),
    /// In one of these states.
    States(Vec<CallState>),
    /// These words stand in the callee's number, the notes, the feedback or the newest transcript, whatever the case.
    Search(String),
    /// When it was first heard of.
    Created(Comparison, DateTime<Utc>),
    /// When it last changed.
    Updated(Comparison, DateTime<Utc>),
    /// Shown with this status on the voice-calls surface.
    Shown(VoiceCallStatus),
    /// Who called whom.
    Direction(Direction),
    /// The staff member of the call.
    Staff(String),
    /// The client of the call.
    Client(String),
    /// The provider system's id of the call.
    Source(String),
}

/// How a value is compared with a given one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

/// What a list is sorted by. Calls that have no such value come last, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// When it was first heard of.
    Created,
    /// When it last changed.
    Updated,
    /// When it was answered.
    Started,
    /// When it ended.
    Ended,
    /// Seconds of talk.
    Duration,
    /// The callee.
    To,
    /// The caller.
    From,
    /// The state's word.
    Status,
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// The least.
    Ascending,
    /// The greatest.
    Descending,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// After so many calls.
    Offset(i64),
    /// After this place, in constant time.
    After(Place),
}

/// A call's place in a sorted list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What it is sorted by, as text.
    pub key: String,
    /// Which call.
    pub call_id: CallId,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// All of them must hold.
    pub filters: Vec<Filter>,
    /// Sorted by.
    pub sort: SortKey,
    /// Which end first.
    pub order: Order,
    /// From where on.
    pub start: Start,
    /// At most so many.
    pub limit: i64,
}

/// How many calls a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exactly(i64),
    /// About so many, by the database's statistics.
    About(i64),
}

/// The places on the page.
pub async fn places(
    conn: &mut PgConnection,
    account_id: AccountId,
    list: &List,
) -> sqlx::Result<Vec<Place>> {
    let (key, key_type) = list.sort.expression(list.order);
    let mut sql = QueryBuilder::new("select (");
    sql.push(key).push(")::text as key, call_id from calls ");
    push_where(&mut sql, account_id, &list.filters);
    let (comparison, direction) = match list.order {
        Order::Ascending => (" > ", " asc"),
        Order::Descending => (" < ", " desc"),
    };
    if let Start::After(place) = &list.start {
        sql.push(" and (").push(key).push(", call_id)");
        sql.push(comparison).push("(");
        sql.push_bind(place.key.clone());
        sql.push("::text::").push(key_type).push(", ");
        sql.push_bind(place.call_id.uuid()).push(")");
    }
    sql.push(" order by ").push(key).push(direction);
    sql.push(", call_id").push(direction);
    sql.push(" limit ").push_bind(list.limit);
    if let Start::Offset(offset) = list.start {
        sql.push(" offset ").push_bind(offset);
    }
    let rows = sql.build().fetch_all(conn).await?;
    rows.iter()
        .map(|row| {
            Ok(Place {
                key: row.try_get("key")?,
                call_id: row.try_get("call_id")?,
            })
        })
        .collect()
}

/// How many calls there are on all pages.
pub async fn total(
    conn: &mut PgConnection,
    account_id: AccountId,
    filters: &[Filter],
) -> sqlx::Result<Total> {
    let mut sql = QueryBuilder::new("select count(*) from (select from calls ");
    push_where(&mut sql, account_id, filters);
    sql.push(" limit ")
        .push_bind(COUNTED_MAX + 1)
        .push(") as c");
    let counted: i64 = sql.build_query_scalar().fetch_one(&mut *conn).await?;
    if counted <= COUNTED_MAX {
        return Ok(Total::Exactly(counted));
    }
    let mut sql = QueryBuilder::new("explain (format json) select from calls ");
    push_where(&mut sql, account_id, filters);
    let plan: serde_json::Value = sql.build_query_scalar().fetch_one(conn).await?;
    let estimate = plan
        .pointer("/0/Plan/Plan Rows")
        .and_then(serde_json::Value::as_i64);
    Ok(Total::About(estimate.unwrap_or(counted).max(counted)))
}

fn push_where(sql: &mut QueryBuilder<Postgres>, account_id: AccountId, filters: &[Filter]) {
    sql.push("where account_id = ").push_bind(account_id.uuid());
    sql.push(" and deleted_at is null");
    for filter in filters {
        sql.push(" and ");
        filter.push(sql);
    }
}

impl Filter {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Campaign(id) => {
                sql.push("campaign_id = ").push_bind(*id);
            }
            Self::Agent(id) => {
                sql.push("ai_agent_id = ").push_bind(*id);
            }
            Self::States(states) => {
                sql.push("state = any(").push_bind(states.clone());
                sql.push("::call_state[])");
            }
            Self::Search(words) => push_search(sql, words),
            Self::Created(comparison, at) => {
                sql.push("created_at").push(comparison.sql()).push_bind(*at);
            }
            Self::Updated(comparison, at) => {
                sql.push("updated_at").push(comparison.sql()).push_bind(*at);
            }
            Self::Shown(status) => push_shown(sql, *status),
            Self::Direction(direction) => {
                sql.push("coalesce(direction, 'inbound') = ");
                sql.push_bind(*direction);
            }
            Self::Staff(uid) => {
                sql.push("staff_uid = ").push_bind(uid.clone());
            }
            Self::Client(uid) => {
                sql.push("client_uid = ").push_bind(uid.clone());
            }
            Self::Source(id) => {
                sql.push("coalesce(source_id, provider_call_id) = ");
                sql.push_bind(id.clone());
            }
        }
    }
}

fn push_search(sql: &mut QueryBuilder<Postgres>, words: &str) {
    let pattern = format!("%{}%", escape_like(words));
    for (before, text) in [
        ("(", "to_number"),
        (" or ", "notes"),
        (" or ", "call_feedback"),
        (
            " or ",
            "(select text from transcripts where transcripts.account_id = calls.account_id
               and transcripts.call_id = calls.call_id order by revision desc limit 1)",
        ),
    ] {
        sql.push(before).push(text).push(" ilike ");
        sql.push_bind(pattern.clone());
    }
    sql.push(")");
}

/// What [`VoiceCallStatus::shown`] says, as SQL.
fn push_shown(sql: &mut QueryBuilder<Postgres>, status: VoiceCallStatus) {
    let derived: Vec<CallState> = CallState::ALL
        .into_iter()
        .filter(|state| VoiceCallStatus::shown(None, *state) == status)
        .collect();
    let counts = "(voice_call_status is not null
        and (voice_call_status <> 'INCOMING_CALL' or state in ('queued', 'ringing')))";
    sql.push("case when ").push(counts);
    sql.push(" then voice_call_status = ").push_bind(status);
    sql.push(" else state = any(").push_bind(derived);
    sql.push("::call_state[]) end");
}

/// Makes `LIKE` take a text for itself.
fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

impl Comparison {
    fn sql(self) -> &'static str {
        match self {
            Self::Equal => " = ",
            Self::Greater => " > ",
            Self::GreaterOrEqual => " >= ",
            Self::Less => " < ",
            Self::LessOrEqual => " <= ",
        }
    }
}

impl SortKey {
    /// The expression that is sorted by, never null, and its type.
    fn expression(self, order: Order) -> (&'static str, &'static str) {
        match (self, order) {
            (Self::Created, _) => ("created_at", "timestamptz"),
            (Self::Updated, _) => ("updated_at", "timestamptz"),
            (Self::Started, Order::Ascending) => {
                ("coalesce(answered_at, 'infinity')", "timestamptz")
            }
            (Self::Started, Order::Descending) => {
                ("coalesce(answered_at, '-infinity')", "timestamptz")
            }
            (Self::Ended, Order::Ascending) => ("coalesce(ended_at, 'infinity')", "timestamptz"),
            (Self::Ended, Order::Descending) => ("coalesce(ended_at, '-infinity')", "timestamptz"),
            (Self::Duration, _) => (
                "coalesce(duration_s, greatest(0, floor(extract(epoch from ended_at - answered_at))), 0)",
                "numeric",
            ),
            (Self::To, _) => ("coalesce(to_number, '')", "text"),
            (Self::From, _) => ("coalesce(from_number, '')", "text"),
            (Self::Status, _) => ("replace(state::text, '_', '-')", "text"),
        }
    }
}
