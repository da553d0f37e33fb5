//! Asking the other side: the provider to hang up, the room's server to delete the room.
//!
//! What makes both idempotent: hanging up a call that is over, or deleting a room that is gone, is answered as such by
//! the other side and counts as done here.

use std::time::Duration;

use crate::{
    calls::Tools,
    domain::{
        backoff,
        call::Call,
        connection::Connection,
        id::{AccountId, CallId},
        placement::PlacementState,
        termination::{TerminationPart, TerminationState},
    },
    jobs::{DeleteRoom, HangUp, JobKind},
    providers::{Access, Again, EndOutcome, HangUpOrder, ProviderError},
    queue::{self, Claim, Outcome, runner},
    store,
};

/// How long one request to the other side may take.
const REQUEST_MAX: Duration = Duration::from_secs(10);

/// How long after a request that was taken the other side is asked whether it is over.
const CONFIRMED_AFTER: Duration = Duration::from_secs(2);

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
        JobKind::Analyze | JobKind::Deliver | JobKind::PlaceCall => {
            Attempt::failed(std::fmt::Error)
        }
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
    /// Not now.
    Later {
        after: Option<Duration>,
        why: String,
    },
    /// Never.
    Never(String),
}

impl From<Result<EndOutcome, ProviderError>> for Said {
    fn from(answer: Result<EndOutcome, ProviderError>) -> Self {
        match answer {
            Ok(EndOutcome::Ended) => Self::Over(TerminationState::Done),
            Ok(EndOutcome::AlreadyOver) => Self::Over(TerminationState::AlreadyOver),
            Ok(EndOutcome::NotFound) => Self::Over(TerminationState::NotFound),
            Ok(EndOutcome::Requested) => Self::Later {
                after: Some(CONFIRMED_AFTER),
                why: "taken, and not confirmed yet".to_owned(),
            },
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
    let (call, connection) = match whom(
        tools,
        (job.account_id, job.call_id, TerminationPart::Provider),
    )
    .await?
    {
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
    let hang_up = HangUpOrder {
        call: &call.provider_call_id,
        request_id: call.call_id.uuid(),
        answered: call.life.was_answered(),
    };
    Ok(provider.end(&access, &hang_up).await.into())
}

async fn request_deletion(tools: &Tools, job: &DeleteRoom) -> Result<Said, store::Error> {
    let (call, connection) =
        match whom(tools, (job.account_id, job.call_id, TerminationPart::Room)).await? {
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
    Ok(server.delete(&access, &room.name).await.into())
}

/// The call and the connection that its part was begun with, or why there is nobody to ask.
async fn whom(
    tools: &Tools,
    (account_id, call_id, part): (AccountId, CallId, TerminationPart),
) -> Result<Result<(Call, Connection), &'static str>, store::Error> {
    let (call, sealed) = store::within(async {
        let mut conn = tools.db.acquire().await?;
        let begun = store::terminations::of_calls(&mut *conn, &[(account_id, call_id)]).await?;
        let begun = begun
            .into_iter()
            .map(|(_, begun)| begun)
            .find(|begun| begun.part == part);
        let sealed = match begun.and_then(|begun| begun.connection_id) {
            Some(connection_id) => {
                store::connections::find(&mut *conn, account_id, connection_id).await?
            }
            None => None,
        };
        let call = store::calls::find(&mut *conn, account_id, call_id).await?;
        Ok::<_, store::Error>((call, sealed))
    })
    .await?;
    let Some(call) = call else {
        return Ok(Err("the call is gone"));
    };
    let Some(sealed) = sealed else {
        return Ok(Err("the connection is gone"));
    };
    match sealed.open(&tools.sealing_key) {
        Ok(connection) => Ok(Ok((call, connection))),
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
    match store::within(write(tools, claim, of, said)).await {
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
    let mut tx = tools.db.begin().await?;
    let held = match said {
        Said::Over(state) => {
            store::terminations::settle(&mut tx, of, state, None).await?;
            queue::store::finish(&mut tx, claim).await?
        }
        Said::Later { after, why } if !claim.is_last() => {
            store::terminations::settle(&mut tx, of, TerminationState::Pending, Some(&why)).await?;
            let own = backoff::queue_retry(claim.attempt, runner::random_unit());
            queue::store::retry(&mut tx, claim, after.unwrap_or(own).max(own), &why).await?
        }
        Said::Later { why, .. } | Said::Never(why) => {
            tracing::warn!(call.id = %of.1, part = ?of.2, why, "a call's ending failed");
            store::terminations::settle(&mut tx, of, TerminationState::Failed, Some(&why)).await?;
            queue::store::bury(&mut tx, claim, &why).await?
        }
    };
    if held {
        tx.commit().await?;
    }
    Ok(held)
}
