//! Asking the provider to place a call, once; and looking for the call when the answer was lost.
//!
//! What makes it safe to run again: an attempt that is not the first never asks. It looks, and binds what it finds; a call
//! that is bound, or given up, is left as it is.

use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{Begun, Order, bind};
use crate::{
    calls::{
        Tools,
        effects::{self, Change},
    },
    domain::{
        backoff,
        call::Call,
        id::{AccountId, CallId},
        lifecycle::Transition,
        party::PartyNumber,
        placement::PlacementState,
        report::{Facts, ProviderCallId, Report, ReportKind},
        state::EndState,
        text::Text,
    },
    jobs::PlaceCall,
    providers::{Access, CallOrder, ProviderError, Search},
    queue::{self, Claim, Outcome, runner},
    store::{
        self,
        calls::names::{self, CallName},
    },
};

/// How long the provider may take to answer.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// When the provider's list is first looked at after a lost answer.
const FIRST_LOOK: Duration = Duration::from_secs(10);

/// How long a call that the provider's list does not have may still turn up there.
const UNLISTED_MAX: TimeDelta = TimeDelta::minutes(2);

/// How far the provider's clock may be from the database's.
const SKEW: TimeDelta = TimeDelta::minutes(2);

/// Why a call is given up that nobody ever confirmed.
const UNCONFIRMED: &str = "The provider has not confirmed the call";

/// What became of asking.
enum Said {
    /// The provider has the call, under this id.
    Placed(ProviderCallId),
    /// There is no call.
    NoCall(String),
    /// Nobody knows.
    Unknown(String),
}

/// The one request. Answers why there is no call, if there is none for certain.
pub(super) async fn ask(tools: &Tools, begun: &Begun, order: &Order) -> Option<String> {
    let said = match request(tools, begun, order).await {
        Ok(name) => Said::Placed(name),
        Err(error) if error.may_be_done() => Said::Unknown(error.to_string()),
        Err(error) => Said::NoCall(error.to_string()),
    };
    let refused = match &said {
        Said::NoCall(why) => Some(why.clone()),
        Said::Placed(_) | Said::Unknown(_) => None,
    };
    let of = (order.account_id, begun.call_id);
    if let Err(error) = store::within(settle(tools, &begun.claim, of, said)).await {
        // The lease runs out, and then the provider's list is looked at.
        tracing::warn!(call.id = %begun.call_id, error = %error, "what became of placing a call was not written down");
        return None;
    }
    refused
}

async fn request(
    tools: &Tools,
    begun: &Begun,
    order: &Order,
) -> Result<ProviderCallId, ProviderError> {
    let connection = &begun.connection;
    let name = connection.provider.as_str();
    let Some(provider) = tools.providers.named(name) else {
        return Err(ProviderError::refused("there is no such provider"));
    };
    let access = Access {
        egress: &tools.egress,
        connection,
        deadline: REQUEST_MAX,
    };
    let call_id = begun.call_id.to_string();
    let callback = format!(
        "{}/inbound/{name}/{}?call={call_id}",
        order.public_url, connection.connection_id
    );
    let order = CallOrder {
        from: order.from.number(),
        to: order.to.number(),
        extension: order.to.extension(),
        answered_by: &begun.answered_by,
        told: &[
            ("call_id", &call_id),
            ("ai_agent_id", &order.ai_agent_id.to_string()),
        ],
        status_callback: &callback,
        call_id: begun.call_id,
        max_duration: begun.max_duration,
    };
    provider.create(&access, &order).await
}

/// One look for a call whose answer was lost.
pub async fn look(tools: &Tools, claim: &Claim, job: &PlaceCall) -> Outcome {
    match Box::pin(attempt(tools, claim, job)).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Retry {
            after: None,
            error: error.into(),
        },
    }
}

async fn attempt(tools: &Tools, claim: &Claim, job: &PlaceCall) -> Result<Outcome, store::Error> {
    let of = (job.account_id, job.call_id);
    let read = async { Ok::<_, store::Error>(read(tools, of).await?) };
    let Some((call, now)) = store::within(read).await? else {
        return Ok(Outcome::Done);
    };
    let looked = found(tools, &call).await?;
    let too_old = now - call.created_at > UNLISTED_MAX;
    let said = match looked {
        Ok(Some(name)) => Said::Placed(name),
        Ok(None) if too_old => Said::NoCall(UNCONFIRMED.to_owned()),
        Ok(None) => Said::Unknown("the provider's list does not have the call".to_owned()),
        Err(why) => Said::Unknown(why),
    };
    let said = match said {
        // Nobody will ever say: the record must not stay live for it.
        Said::Unknown(_) if claim.is_last() => Said::NoCall(UNCONFIRMED.to_owned()),
        said @ (Said::Placed(_) | Said::NoCall(_) | Said::Unknown(_)) => said,
    };
    store::within(settle(tools, claim, of, said)).await
}

/// The call, if it is still not known whether the provider has it, and the time.
async fn read(
    tools: &Tools,
    (account_id, call_id): (AccountId, CallId),
) -> sqlx::Result<Option<(Call, DateTime<Utc>)>> {
    let mut conn = tools.db.acquire().await?;
    let call = store::calls::find(&mut *conn, account_id, call_id).await?;
    let now = store::now(&mut conn).await?;
    Ok(call
        .filter(|call| call.campaign.placement == Some(PlacementState::Asking))
        .map(|call| (call, now)))
}

/// The provider's id of the call: of those that it lists for these numbers since then, the first that no record names.
async fn found(
    tools: &Tools,
    call: &Call,
) -> Result<Result<Option<ProviderCallId>, String>, store::Error> {
    let parties =
        [&call.life.from, &call.life.to].map(|party| party.as_ref().and_then(PartyNumber::e164));
    let ([Some(from), Some(to)], Some(connection_id)) = (parties, call.connection_id) else {
        return Ok(Err("the record does not say who was called".to_owned()));
    };
    let sealed = store::connections::find(&tools.db, call.account_id, connection_id);
    let Some(sealed) = store::ask(sealed).await? else {
        return Ok(Err("the connection is gone".to_owned()));
    };
    let connection = match sealed.open(&tools.sealing_key) {
        Ok(connection) => connection,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let Some(provider) = tools.providers.named(sealed.provider()) else {
        return Ok(Err("there is no such provider".to_owned()));
    };
    let access = Access {
        egress: &tools.egress,
        connection: &connection,
        deadline: REQUEST_MAX,
    };
    let search = Search {
        call_id: call.call_id,
        from,
        to,
        since: call.created_at - SKEW,
    };
    let listed = match provider.created_since(&access, &search).await {
        Ok(listed) => listed,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let free = store::within(unnamed(tools, call.account_id, listed)).await?;
    Ok(Ok(free))
}

/// The first of these that is no call's name.
async fn unnamed(
    tools: &Tools,
    account_id: AccountId,
    listed: Vec<ProviderCallId>,
) -> Result<Option<ProviderCallId>, store::Error> {
    let wanted: Vec<CallName> = listed
        .iter()
        .map(|name| CallName::telephony(account_id, name.as_str()))
        .collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    let (_, owners) = names::resolve_now(&tools.db, &wanted).await?;
    Ok(listed
        .into_iter()
        .zip(&wanted)
        .find_map(|(name, wanted)| (!owners.contains_key(wanted)).then_some(name)))
}

/// Writes down what is known, in one transaction with the fence. What somebody else has learned meanwhile stays.
async fn settle(
    tools: &Tools,
    claim: &Claim,
    (account_id, call_id): (AccountId, CallId),
    said: Said,
) -> Result<Outcome, store::Error> {
    let mut tx = tools.db.begin().await?;
    let call = store::calls::lock(&mut tx, account_id, call_id).await?;
    let asking = call.filter(|call| call.campaign.placement == Some(PlacementState::Asking));
    let held = match (asking, said) {
        (Some(mut call), Said::Placed(name)) => {
            bind::placed(&mut tx, &mut call, &name).await?;
            queue::store::finish(&mut tx, claim).await?
        }
        (Some(mut call), Said::NoCall(why)) => {
            tracing::warn!(call.id = %call_id, why, "a call was not placed");
            give_up(&mut tx, &mut call, &why).await?;
            queue::store::finish(&mut tx, claim).await?
        }
        (Some(_), Said::Unknown(why)) => {
            tracing::warn!(call.id = %call_id, why, "whether a call was placed is not known");
            let own = backoff::queue_retry(claim.attempt, runner::random_unit());
            queue::store::retry(&mut tx, claim, own.max(FIRST_LOOK), &why).await?
        }
        (None, _) => queue::store::finish(&mut tx, claim).await?,
    };
    if !held {
        return Ok(Outcome::Retry {
            after: None,
            error: anyhow!("the lease was lost"),
        });
    }
    tx.commit().await?;
    tools.wake.wake();
    Ok(Outcome::Finished)
}

/// The record of a call that never was: it ends as failed, unless somebody ended it while it was asked for.
async fn give_up(conn: &mut PgConnection, call: &mut Call, why: &str) -> Result<(), store::Error> {
    let now = store::now(&mut *conn).await?;
    let before = call.life.clone();
    call.campaign.placement = Some(PlacementState::Failed);
    if call.life.end.is_none() {
        let facts = Facts {
            disconnect_reason: Text::parse(why).ok(),
            ..Facts::default()
        };
        let ended = Report::new(ReportKind::Ended(EndState::Failed), now, facts);
        call.life.absorb(&ended);
    }
    store::calls::save(&mut *conn, call).await?;
    let (account_id, call_id) = (call.account_id, call.call_id);
    let call = store::calls::find(&mut *conn, account_id, call_id).await?;
    let Some(call) = call else { return Ok(()) };
    let beside = store::calls::beside(conn, account_id, call_id).await?;
    let change = Change {
        call: &call,
        beside: &beside,
        transition: Transition::between(Some(&before), &call.life),
        edited: false,
    };
    effects::apply(conn, &[change], now).await?;
    Ok(())
}
