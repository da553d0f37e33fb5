//! Asking the other side: the provider to hang up, the room's server to delete the room.
//!
//! What makes both idempotent: hanging up a call that is over, or deleting a room that is gone, is answered as such by
//! the other side and counts as done here. A side that takes a request without saying that it is done is asked about the call
//! before it is asked again, and what is over after that is over because of us.
//!
//! Asked is at most [`HangUp::ATTEMPTS_MAX`](crate::queue::Job::ATTEMPTS_MAX) times, over about eighteen minutes and longer only if
//! the other side wants that; then the part has failed, which is on the record and told ([`super::give_up`]).

use std::time::Duration;

use super::give_up;
use crate::{
    calls::Tools,
    domain::{
        backoff,
        call::Call,
        connection::Connection,
        id::{AccountId, CallId},
        placement::PlacementState,
        report::ReportKind,
        termination::{TerminationPart, TerminationState},
    },
    jobs::{DeleteRoom, HangUp, JobKind},
    providers::{
        Access, Again, EndOutcome, HangUpOrder, LookUp, Provider, ProviderError,
        profile::LookUpKind,
    },
    queue::{self, Claim, Outcome, runner},
    store::{self, terminations::Settled},
};

/// How long one request to the other side may take.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// How long after a request that was taken the other side is asked whether it is over.
const CONFIRMED_AFTER: Duration = Duration::from_secs(2);

/// What is written down of a request that was taken.
const TAKEN: &str = "the other side has taken the request, and not confirmed it yet";

/// Asks the provider to hang up.
pub async fn hang_up(tools: &Tools, claim: &Claim, job: &HangUp) -> Outcome {
    let of = (job.account_id, job.call_id, TerminationPart::Provider);
    settled(tools, claim, of, request_hang_up(tools, job).await)
        .await
        .outcome
}

/// Deletes the call's room.
pub async fn delete_room(tools: &Tools, claim: &Claim, job: &DeleteRoom) -> Outcome {
    let of = (job.account_id, job.call_id, TerminationPart::Room);
    settled(tools, claim, of, request_deletion(tools, job).await)
        .await
        .outcome
}

/// One attempt at a claim of this process, made outside the runner. True: the other side confirms that it is over.
pub(super) async fn ask(tools: &Tools, claim: &Claim) -> bool {
    let Some(kind) = JobKind::parse(&claim.kind) else {
        return false;
    };
    let attempt = match tokio::time::timeout(kind.timeout(), attempt(tools, claim, kind)).await {
        Ok(attempt) => attempt,
        Err(elapsed) => Attempt::failed(elapsed),
    };
    runner::settle(&tools.db, claim, attempt.outcome).await;
    attempt.confirmed
}

async fn attempt(tools: &Tools, claim: &Claim, kind: JobKind) -> Attempt {
    let args = claim.args.clone();
    match kind {
        JobKind::HangUp => match serde_json::from_value::<HangUp>(args) {
            Ok(job) => {
                let of = (job.account_id, job.call_id, TerminationPart::Provider);
                settled(tools, claim, of, request_hang_up(tools, &job).await).await
            }
            Err(error) => Attempt::failed(error),
        },
        JobKind::DeleteRoom => match serde_json::from_value::<DeleteRoom>(args) {
            Ok(job) => {
                let of = (job.account_id, job.call_id, TerminationPart::Room);
                settled(tools, claim, of, request_deletion(tools, &job).await).await
            }
            Err(error) => Attempt::failed(error),
        },
        JobKind::Analyze
        | JobKind::Insights
        | JobKind::ReadRecording
        | JobKind::PlaceCall
        | JobKind::EndLegs
        | JobKind::Erase
        | JobKind::Recover => Attempt::failed(std::fmt::Error),
    }
}

/// What an attempt came to.
struct Attempt {
    outcome: Outcome,
    confirmed: bool,
}

impl Attempt {
    fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            outcome: Outcome::Retry {
                after: None,
                error: error.into(),
            },
            confirmed: false,
        }
    }
}

/// What the other side said.
enum Said {
    /// It is over.
    Over(TerminationState),
    /// The request is taken, and not carried out yet.
    Taken,
    /// Not now.
    Later {
        after: Option<Duration>,
        why: String,
    },
    /// Never.
    Never(String),
}

impl Said {
    /// What an answer says; `accepted`: the other side has taken an earlier request of ours.
    fn of(answer: Result<EndOutcome, ProviderError>, accepted: bool) -> Self {
        match answer {
            Ok(EndOutcome::Ended) => Self::Over(TerminationState::Done),
            Ok(EndOutcome::AlreadyOver | EndOutcome::NotFound) if accepted => {
                Self::Over(TerminationState::Done)
            }
            Ok(EndOutcome::AlreadyOver) => Self::Over(TerminationState::AlreadyOver),
            Ok(EndOutcome::NotFound) => Self::Over(TerminationState::NotFound),
            Ok(EndOutcome::Requested) => Self::Taken,
            Err(error) => match error.again() {
                Again::Later { after } => Self::Later {
                    after,
                    why: error.to_string(),
                },
                Again::Never => Self::Never(error.to_string()),
            },
        }
    }
}

async fn request_hang_up(tools: &Tools, job: &HangUp) -> Result<Said, store::Error> {
    let of = (job.account_id, job.call_id, TerminationPart::Provider);
    let Whom {
        call,
        connection,
        accepted,
    } = match whom(tools, of).await? {
        Ok(known) => known,
        Err(nobody) => return Ok(Said::Never(nobody.to_owned())),
    };
    match call.campaign.placement {
        // Its name is not known yet, and there may be a call.
        Some(PlacementState::Asking) => {
            return Ok(Said::Later {
                after: None,
                why: "the provider has not confirmed the call yet".to_owned(),
            });
        }
        Some(PlacementState::Failed) => return Ok(Said::Over(TerminationState::NotFound)),
        Some(PlacementState::Placed) | None => {}
    }
    let name = connection.provider.as_str();
    let Some(provider) = tools.providers.named(name) else {
        return Ok(Said::Never(format!("a {name} connection does not hang up")));
    };
    let access = Access {
        egress: &tools.egress,
        connection: &connection,
        deadline: REQUEST_MAX,
    };
    if accepted && is_over(provider, &access, &call).await {
        return Ok(Said::Over(TerminationState::Done));
    }
    let hang_up = HangUpOrder {
        call: &call.provider_call_id,
        request_id: call.call_id.uuid(),
        answered: call.life.was_answered(),
    };
    Ok(Said::of(provider.end(&access, &hang_up).await, accepted))
}

/// Whether the provider says of a call, for which it has taken our request, that it is over. In doubt it is not.
async fn is_over(provider: &dyn Provider, access: &Access<'_>, call: &Call) -> bool {
    if provider.profile().look_up == LookUpKind::None {
        return false;
    }
    match provider.look_up(access, &call.provider_call_id).await {
        Ok(LookUp::Unknown) => true,
        Ok(LookUp::Known(report)) => match report.kind {
            ReportKind::Ended(_) | ReportKind::HungUp(_) => true,
            ReportKind::Queued
            | ReportKind::Ringing
            | ReportKind::Answered
            | ReportKind::Recording => false,
        },
        Ok(LookUp::Unclear) | Err(_) => false,
    }
}

async fn request_deletion(tools: &Tools, job: &DeleteRoom) -> Result<Said, store::Error> {
    let of = (job.account_id, job.call_id, TerminationPart::Room);
    let Whom {
        call,
        connection,
        accepted,
    } = match whom(tools, of).await? {
        Ok(known) => known,
        Err(nobody) => return Ok(Said::Never(nobody.to_owned())),
    };
    let name = connection.provider.as_str();
    let (Some(server), Some(room)) = (tools.rooms.named(name), call.room) else {
        return Ok(Said::Never(format!("a {name} connection has no rooms")));
    };
    let access = Access {
        egress: &tools.egress,
        connection: &connection,
        deadline: REQUEST_MAX,
    };
    Ok(Said::of(server.delete(&access, &room.name).await, accepted))
}

/// Whom a part is asked of.
struct Whom {
    call: Call,
    connection: Connection,
    /// An earlier request of ours was taken.
    accepted: bool,
}

/// The call and the connection that its part was begun with, or why there is nobody to ask.
async fn whom(
    tools: &Tools,
    of: (AccountId, CallId, TerminationPart),
) -> Result<Result<Whom, &'static str>, store::Error> {
    let (account_id, call_id, _) = of;
    let (call, in_hand, sealed) = store::within(async {
        let mut conn = tools.db.acquire().await?;
        let in_hand = store::terminations::in_hand(&mut *conn, of).await?;
        let sealed = match in_hand.and_then(|in_hand| in_hand.connection_id) {
            Some(connection_id) => {
                store::connections::find(&mut *conn, account_id, connection_id).await?
            }
            None => None,
        };
        let call = store::calls::find(&mut *conn, account_id, call_id).await?;
        Ok::<_, store::Error>((call, in_hand, sealed))
    })
    .await?;
    let Some(call) = call else {
        return Ok(Err("the call is gone"));
    };
    let Some(sealed) = sealed else {
        return Ok(Err("the connection is gone"));
    };
    match sealed.open(&tools.sealing_key) {
        Ok(connection) => Ok(Ok(Whom {
            call,
            connection,
            accepted: in_hand.is_some_and(|in_hand| in_hand.accepted),
        })),
        Err(error) => {
            tracing::error!(connection.id = %sealed.connection_id(), error = %error, "a connection cannot be used");
            Ok(Err(
                "the connection's credentials cannot be opened with the configured key",
            ))
        }
    }
}

/// Writes down what the other side said and settles the job, in one transaction with the fence.
async fn settled(
    tools: &Tools,
    claim: &Claim,
    of: (AccountId, CallId, TerminationPart),
    said: Result<Said, store::Error>,
) -> Attempt {
    let said = match said {
        Ok(said) => said,
        Err(error) => return Attempt::failed(error),
    };
    let confirmed = matches!(said, Said::Over(_));
    match store::within(Box::pin(write(tools, claim, of, said))).await {
        Ok(true) => Attempt {
            outcome: Outcome::Finished,
            confirmed,
        },
        // Somebody else holds the job now, and will write down what it learns.
        Ok(false) => Attempt {
            outcome: Outcome::Finished,
            confirmed: false,
        },
        Err(error) => Attempt::failed(error),
    }
}

async fn write(
    tools: &Tools,
    claim: &Claim,
    of: (AccountId, CallId, TerminationPart),
    said: Said,
) -> Result<bool, store::Error> {
    let (accepted, after, why) = match said {
        Said::Over(state) => return finish(tools, claim, of, state).await,
        Said::Taken if !claim.is_last() => (true, Some(CONFIRMED_AFTER), TAKEN.to_owned()),
        Said::Later { after, why } if !claim.is_last() => (false, after, why),
        Said::Taken => return fail(tools, claim, of, TAKEN).await,
        Said::Later { why, .. } | Said::Never(why) => return fail(tools, claim, of, &why).await,
    };
    let pending = Settled {
        state: TerminationState::Pending,
        accepted,
        detail: Some(&why),
    };
    let own = backoff::queue_retry(claim.attempt, runner::random_unit());
    let mut tx = tools.db.begin().await?;
    store::terminations::settle(&mut tx, of, pending).await?;
    let held = queue::store::retry(&mut tx, claim, after.unwrap_or(own).max(own), &why).await?;
    if held {
        tx.commit().await?;
    }
    Ok(held)
}

/// It is over.
async fn finish(
    tools: &Tools,
    claim: &Claim,
    of: (AccountId, CallId, TerminationPart),
    state: TerminationState,
) -> Result<bool, store::Error> {
    let over = Settled {
        state,
        accepted: false,
        detail: None,
    };
    let mut tx = tools.db.begin().await?;
    store::terminations::settle(&mut tx, of, over).await?;
    let held = queue::store::finish(&mut tx, claim).await?;
    if held {
        tx.commit().await?;
    }
    Ok(held)
}

/// It is given up: on the record, and told.
async fn fail(
    tools: &Tools,
    claim: &Claim,
    of: (AccountId, CallId, TerminationPart),
    why: &str,
) -> Result<bool, store::Error> {
    let (account_id, call_id, part) = of;
    let failed = Settled {
        state: TerminationState::Failed,
        accepted: false,
        detail: Some(why),
    };
    let mut tx = tools.db.begin().await?;
    // The call first, as everybody does who writes both.
    store::calls::lock(&mut tx, account_id, call_id).await?;
    store::terminations::settle(&mut tx, of, failed).await?;
    if !queue::store::bury(&mut tx, claim, why).await? {
        return Ok(false);
    }
    let woken = give_up::tell(&mut tx, (account_id, call_id)).await?;
    tx.commit().await?;
    tracing::warn!(call.id = %call_id, part = ?part, why, "a call's ending failed");
    tools.metrics.termination_failed(part.as_str());
    if woken {
        tools.wake.wake();
    }
    Ok(true)
}
