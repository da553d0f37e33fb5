//! Placing a call: the record first, in one transaction with the job that asks; then the provider is asked, once.
//!
//! **Why never twice.** The job is born claimed by this process, and only that first attempt asks. If its answer is lost, or
//! the process dies, every later attempt only looks ([`ask`]): whether the provider's list of calls has one that nobody
//! else's record names.
//!
//! **Why no phantom.** The status callback that the provider is given names our call, so its first event binds its own id to
//! the record ([`bind()`]), whatever became of the answer. If neither an event nor the list knows the call, the record ends as
//! `failed`; and if it shows up all the same afterwards, it is hung up.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Tools, limits, update};
use crate::{
    domain::{
        call::{Call, CampaignNotes},
        call_object::Beside,
        connection::{AnsweredBy, Connection},
        dialled::DialledNumber,
        id::{AccountId, CallId},
        lifecycle::Lifecycle,
        limits::CallLimits,
        placement::PlacementState,
        report::{Facts, ProviderCallId, Report, ReportKind},
        state::Direction,
        text::Text,
    },
    jobs::PlaceCall,
    queue::{self, Claim, Lane, NewJob},
    store::{self, connections::OpenError},
    supervisor::Supervisor,
};

mod ask;
mod bind;

pub use ask::look;
pub use bind::bind;

/// How long the caller waits for the provider; the asking goes on.
pub const ANSWER_MAX: Duration = Duration::from_secs(5);

/// A call that is to be placed.
#[derive(Debug)]
pub struct Order {
    /// In whose account.
    pub account_id: AccountId,
    /// Our id of the call: the same when a request is made again.
    pub call_id: CallId,
    /// The agent that will handle it.
    pub ai_agent_id: Uuid,
    /// The account's number.
    pub from: DialledNumber,
    /// Who is called.
    pub to: DialledNumber,
    /// What the agent is told.
    pub variables: Option<serde_json::Value>,
    /// The workspace, if one is named.
    pub workspace: Option<Text<100>>,
    /// How long it may last.
    pub limits: CallLimits,
    /// The URL by which the world reaches us, without a trailing slash.
    pub public_url: String,
    /// How many calls of the account that were placed here may be live at once, this one included.
    pub live_max: i64,
}

/// What placing a call came to.
#[derive(Debug)]
pub enum Placed {
    /// The provider has it.
    Placed(Call, Beside),
    /// The provider has not confirmed it in time: it is not known yet whether there is a call.
    Placing(Call, Beside),
}

/// Why a call was not placed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// No connection of the account has the number.
    #[error("no connection of the account has the number")]
    NotOurs,
    /// The number's connection is not to somebody who places calls.
    #[error("the number's connection does not place calls")]
    NotPlacing,
    /// Nobody would speak to whoever takes the call.
    #[error(
        "the number's connection does not say what answers its calls; see `onhook connection answer`"
    )]
    NoAnswer,
    /// The connection's credentials cannot be read.
    #[error("the connection's credentials cannot be opened with the configured key")]
    Sealed(#[source] OpenError),
    /// Too many are live.
    #[error("{max} calls of the account are live already, and no more may be placed at once")]
    TooMany {
        /// The bound.
        max: i64,
    },
    /// It would have to end before it begins.
    #[error("end_at is not in the future")]
    InPast,
    /// The provider did not place it. The record says so, too.
    #[error("the call was not placed: {why}")]
    Refused {
        /// The record.
        call_id: CallId,
        /// In words.
        why: String,
    },
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<sqlx::Error> for PlaceError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Places a call.
pub async fn place(
    tools: &Tools,
    supervisor: &Supervisor,
    order: Order,
) -> Result<Placed, PlaceError> {
    let (call_id, account_id) = (order.call_id, order.account_id);
    let Some(begun) = store::within(begin(tools, &order)).await? else {
        // The same request, whose process died of it: whoever asked has asked, and others look.
        return known(tools, account_id, call_id).await;
    };
    tools.wake.wake();
    let (answer, mut answered) = tokio::sync::oneshot::channel();
    let task = {
        let (tools, asked) = (tools.clone(), begun);
        async move {
            let refused = ask::ask(&tools, &asked, &order).await;
            // The client may have hung up, or the bound may have passed; the record has it.
            drop(answer.send(refused));
        }
    };
    supervisor.spawn_once("place", task);
    if let Ok(Ok(Some(why))) = tokio::time::timeout(ANSWER_MAX, &mut answered).await {
        return Err(PlaceError::Refused { call_id, why });
    }
    known(tools, account_id, call_id).await
}

/// What placing the call has come to by now.
async fn known(
    tools: &Tools,
    account_id: AccountId,
    call_id: CallId,
) -> Result<Placed, PlaceError> {
    let (call, beside) = store::within(shown(tools, account_id, call_id)).await?;
    match call.campaign.placement {
        Some(PlacementState::Placed) => Ok(Placed::Placed(call, beside)),
        Some(PlacementState::Failed) => Err(PlaceError::Refused {
            call_id,
            why: call
                .life
                .disconnect_reason
                .map_or_else(String::new, Text::into_string),
        }),
        Some(PlacementState::Asking) | None => Ok(Placed::Placing(call, beside)),
    }
}

/// What was begun: the connection, what answers, and the job.
struct Begun {
    call_id: CallId,
    connection: Connection,
    answered_by: AnsweredBy,
    claim: Claim,
    /// How long the provider may let it last.
    max_duration: Option<Duration>,
}

/// The record, and the job that asks; nothing if the call is there already.
async fn begin(tools: &Tools, order: &Order) -> Result<Option<Begun>, PlaceError> {
    let (account_id, call_id) = (order.account_id, order.call_id);
    let mut tx = tools.db.begin().await?;
    // Requests of one account wait for each other here, so that the bound holds.
    store::accounts::lock(&mut tx, account_id).await?;
    if store::calls::find(&mut *tx, account_id, call_id)
        .await?
        .is_some()
    {
        return Ok(None);
    }
    let (connection, answered_by) = connection(tools, &mut tx, order).await?;
    let live = store::calls::placed_live(&mut *tx, order.account_id).await?;
    if live >= order.live_max {
        return Err(PlaceError::TooMany {
            max: order.live_max,
        });
    }
    let now = store::now(&mut tx).await?;
    if order.limits.end_at.is_some_and(|end_at| end_at <= now) {
        return Err(PlaceError::InPast);
    }
    let call = record(order, &connection, now);
    store::calls::save(&mut tx, &call).await?;
    let bounds = limits::begin(&mut tx, &call, order.limits, now).await?;
    update::announce(&mut tx, None, &call).await?;
    let job = PlaceCall {
        account_id: order.account_id,
        call_id,
    };
    let job = NewJob::new(order.account_id, &job).in_lane(Lane(connection.connection_id.uuid()));
    let claim = queue::store::enqueue_claimed(&mut tx, &job).await?;
    tx.commit().await?;
    Ok(Some(Begun {
        call_id,
        connection,
        answered_by,
        claim,
        max_duration: bounds.at_creation(now),
    }))
}

/// The connection that the number is routed to, and what answers the calls that are placed by it.
async fn connection(
    tools: &Tools,
    conn: &mut PgConnection,
    order: &Order,
) -> Result<(Connection, AnsweredBy), PlaceError> {
    let number = [order.from.number()];
    let id = store::connections::for_numbers(&mut *conn, order.account_id, &number).await?;
    let id = id.ok_or(PlaceError::NotOurs)?;
    let sealed = store::connections::find(&mut *conn, order.account_id, id).await?;
    let sealed = sealed.ok_or(PlaceError::NotOurs)?;
    if tools.providers.named(sealed.provider()).is_none() {
        return Err(PlaceError::NotPlacing);
    }
    let answered_by = sealed.answered_by().ok_or(PlaceError::NoAnswer)?;
    let connection = sealed
        .open(&tools.sealing_key)
        .map_err(PlaceError::Sealed)?;
    Ok((connection, answered_by))
}

/// The record of a call that nobody has been asked for yet. Until the provider names it, it goes by our own id.
fn record(order: &Order, connection: &Connection, now: chrono::DateTime<chrono::Utc>) -> Call {
    let call_id = order.call_id;
    let mut life = Lifecycle::default();
    let facts = Facts {
        direction: Some(Direction::Outbound),
        from: Some(order.from.party()),
        to: Some(order.to.party()),
        ..Facts::default()
    };
    life.absorb(&Report::new(ReportKind::Queued, now, facts));
    let mut campaign = CampaignNotes {
        ai_agent_id: Some(order.ai_agent_id),
        agent_dynamic_variables: order.variables.clone(),
        // The published document has it as the way to try an agent out.
        is_test: true,
        placement: Some(PlacementState::Asking),
        ..CampaignNotes::default()
    };
    if let Some(workspace) = &order.workspace {
        workspace.as_str().clone_into(&mut campaign.workspace_id);
    }
    Call {
        connection_id: Some(connection.connection_id),
        life,
        campaign,
        ..Call::unknown(
            order.account_id,
            call_id,
            connection.provider.clone(),
            ProviderCallId::parse(call_id.to_string()).expect("a UUID is a name"),
            now,
        )
    }
}

async fn shown(
    tools: &Tools,
    account_id: AccountId,
    call_id: CallId,
) -> Result<(Call, Beside), store::Error> {
    let mut conn = tools.db.acquire().await?;
    let call = store::calls::find(&mut *conn, account_id, call_id).await?;
    let call = call.ok_or_else(|| store::Error::Failed(sqlx::Error::RowNotFound))?;
    let beside = store::calls::beside(&mut conn, account_id, call_id).await?;
    Ok((call, beside))
}
