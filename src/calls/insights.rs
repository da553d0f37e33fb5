//! Asks a language model about an ended call and has the call analysed with its answer.
//!
//! The analysis finds out that there is a question ([`ask`]) and waits: this job ends by enqueuing it again, whether there is an
//! answer or not. What was answered is kept under the hash of what was asked, so the same is never asked twice; a question that has
//! changed meanwhile is a new one. Idempotent by that: a second run finds the answer.
//!
//! The model gets what is left after personal data was taken out. No transaction is open while it thinks. All attempts together take
//! about ten minutes; then it is told that it failed, and the rest of the analysis stands.

use std::time::Duration;

use anyhow::anyhow;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::Tools;
pub use crate::analysis::insights::Model;
use crate::{
    analysis::{
        insights::{self, PROMPT_VERSION, Prompt, Question, Tag, Told},
        privacy,
    },
    domain::{
        analysis::{
            FailReason, Settings,
            insights::{Answered, Usage},
        },
        id::{AccountId, CallId},
        transcript::Transcript,
    },
    jobs::{Analyze, Insights},
    llm::{Again, Failure, Llm, Reply},
    queue::{self, Claim, Lane, NewJob, Outcome},
    store::{
        self, analysis_settings,
        insights::{self as kept, Kept},
        transcripts,
    },
};

/// Attempts of the job, each with a few requests.
const ATTEMPTS_MAX: i32 = 3;
/// How long after the first attempt there is none any more.
const AGE_MAX: TimeDelta = TimeDelta::minutes(10);
/// The longest that one attempt may take; the job's is a minute longer.
const ATTEMPT_MAX: Duration = Duration::from_mins(10);
/// The pause before another attempt, times how many there were.
const PAUSE: Duration = Duration::from_secs(30);
/// How often an analysis may find that its question has changed before it does without an answer.
pub const ROUNDS_MAX: u8 = 5;
/// The lane of all questions: they may be slow, and must leave room for everything else.
const LANE: Lane = Lane(Uuid::from_u128(0x6c6c_6d00_0000_4000_8000_0000_0000_0001));

/// What an analysis has to do about a question.
#[derive(Debug)]
pub enum Asked {
    /// Nothing: this is what is known.
    Known(Told),
    /// Wait: the question is still open.
    Open,
}

/// Looks whether there is a question about a call, and an answer.
pub async fn ask(
    conn: &mut PgConnection,
    model: Option<&Model>,
    call: (AccountId, CallId),
    (settings, transcript): (&Settings, Option<&Transcript>),
) -> sqlx::Result<Asked> {
    let (Some(model), Some(transcript)) = (model, transcript) else {
        return Ok(Asked::Known(Told::NotConfigured));
    };
    if !settings.insights.enabled {
        return Ok(Asked::Known(Told::Disabled));
    }
    let question = question(transcript.clone(), settings.clone(), model.clone()).await;
    let question = question.map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
    Ok(match kept::find(conn, call, &question.key).await? {
        Some(Kept::Answered(answered)) => Asked::Known(Told::Answered(answered)),
        Some(Kept::Failed(reason)) => Asked::Known(Told::Failed(reason)),
        None => Asked::Open,
    })
}

/// The job that asks; at most one for a call.
pub fn job(analysis: &Analyze, since: DateTime<Utc>) -> NewJob {
    let job = Insights {
        analysis: Analyze {
            insights_round: analysis.insights_round.saturating_add(1),
            ..analysis.clone()
        },
        since,
    };
    let [asking, _] = keys(analysis.call_id, analysis.force);
    NewJob::new(analysis.account_id, &job)
        .unique(asking)
        .in_lane(LANE)
}

/// The keys that the jobs hold by which an analysis goes on once it has left a call to the model.
pub fn keys(call_id: CallId, force: bool) -> [String; 2] {
    [
        format!("insights/{call_id}"),
        format!("analyze-answered/{call_id}/{force}"),
    ]
}

/// Off the threads that serve requests: a long transcript takes milliseconds.
async fn question(
    transcript: Transcript,
    settings: Settings,
    model: Model,
) -> Result<Question, tokio::task::JoinError> {
    tokio::task::spawn_blocking(move || {
        let redacted = privacy::redacted(transcript.utterances());
        insights::question(&redacted, transcript.language(), &settings.insights, &model)
    })
    .await
}

/// One attempt.
pub async fn run(tools: &Tools, claim: &Claim, job: &Insights) -> Outcome {
    match attempt(tools, claim, job).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Retry { after: None, error },
    }
}

async fn attempt(tools: &Tools, claim: &Claim, job: &Insights) -> anyhow::Result<Outcome> {
    let Some(llm) = &tools.llm else {
        return conclude(tools, claim, job, None).await;
    };
    let Some((question, is_old)) = open(tools, llm, job).await? else {
        return conclude(tools, claim, job, None).await;
    };
    let deadline = Instant::now() + (llm.service().timeout * 2).min(ATTEMPT_MAX);
    let failure = match Box::pin(answer(llm, &question, deadline)).await {
        Ok(answered) => {
            tools.metrics.insights("answered");
            let kept = Kept::Answered(Box::new(answered));
            return conclude(tools, claim, job, Some((&question, kept))).await;
        }
        Err(failure) => failure,
    };
    let is_last = claim.attempt >= ATTEMPTS_MAX || is_old;
    match failure.again {
        Again::Later { after } if !is_last => {
            let pause = PAUSE * u32::try_from(claim.attempt).unwrap_or(1);
            Ok(Outcome::Retry {
                after: Some(after.unwrap_or(pause)),
                error: failure.cause,
            })
        }
        Again::Later { .. } | Again::Never => {
            let error = format!("{:#}", failure.cause);
            tracing::warn!(call.id = %job.analysis.call_id, error, "a language model said nothing of a call");
            tools.metrics.insights(outcome(failure.reason));
            let kept = Kept::Failed(failure.reason);
            conclude(tools, claim, job, Some((&question, kept))).await
        }
    }
}

/// The question, if it is still open, and whether it has been for too long.
async fn open(
    tools: &Tools,
    llm: &Llm,
    job: &Insights,
) -> anyhow::Result<Option<(Question, bool)>> {
    let call = (job.analysis.account_id, job.analysis.call_id);
    let read = store::within(async {
        let mut conn = tools.db.acquire().await?;
        let settings = analysis_settings::find(&mut *conn, job.analysis.account_id).await?;
        let newest = transcripts::find(
            &mut *conn,
            job.analysis.account_id,
            job.analysis.call_id,
            None,
        )
        .await?;
        let now = store::now(&mut conn).await?;
        Ok::<_, store::Error>((settings.settings, newest, now))
    });
    let (settings, newest, now) = read.await?;
    let Some(newest) = newest.filter(|_| settings.insights.enabled) else {
        return Ok(None);
    };
    let question = question(newest.transcript, settings, llm.model().clone()).await?;
    let known = store::ask(kept::find(&tools.db, call, &question.key)).await?;
    let is_old = now.signed_duration_since(job.since) >= AGE_MAX;
    Ok(known.is_none().then_some((question, is_old)))
}

/// Asks, and once more if the answer cannot stay.
async fn answer(llm: &Llm, question: &Question, deadline: Instant) -> Result<Answered, Failure> {
    let prompt = Prompt::new(question, &tag()?);
    let first = llm.ask(&prompt, &question.schema, deadline).await?;
    let wrong = match insights::judge(question, &first.text) {
        Ok(answer) => return Ok(answered(question, answer, &first, first.usage)),
        Err(wrong) => wrong.to_string(),
    };
    let prompt = prompt.again(&first.text, &wrong);
    let second = llm.ask(&prompt, &question.schema, deadline).await?;
    let usage = sum(first.usage, second.usage);
    match insights::judge(question, &second.text) {
        Ok(answer) => Ok(answered(question, answer, &second, usage)),
        // What is wrong may quote what was said.
        Err(_wrong) => Err(Failure {
            reason: FailReason::ModelAnswerInvalid,
            again: Again::Never,
            cause: anyhow!("two answers were not of the schema"),
        }),
    }
}

fn answered(
    question: &Question,
    answer: crate::domain::analysis::insights::Answer,
    reply: &Reply,
    usage: Usage,
) -> Answered {
    Answered {
        model: reply.model.clone(),
        prompt_version: PROMPT_VERSION.to_owned(),
        usage,
        truncated: question.window.truncated,
        suspected_injection: question.suspected_injection,
        answer,
    }
}

fn sum(first: Usage, second: Usage) -> Usage {
    let both = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (one, other) => one.or(other),
    };
    Usage {
        requests: first.requests + second.requests,
        prompt_tokens: both(first.prompt_tokens, second.prompt_tokens),
        completion_tokens: both(first.completion_tokens, second.completion_tokens),
    }
}

fn tag() -> Result<Tag, Failure> {
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).map_err(|_unspecified| Failure {
        reason: FailReason::InternalError,
        again: Again::Later { after: None },
        cause: anyhow!("the system has no randomness"),
    })?;
    Ok(Tag(id))
}

/// Keeps what came of it, has the call analysed and finishes, or does none of it.
async fn conclude(
    tools: &Tools,
    claim: &Claim,
    job: &Insights,
    kept: Option<(&Question, Kept)>,
) -> anyhow::Result<Outcome> {
    let finished = store::within(async {
        let mut tx = tools.db.begin().await?;
        if let Some((question, kept)) = &kept {
            let call = (job.analysis.account_id, job.analysis.call_id);
            kept::keep(&mut tx, call, &question.key, kept).await?;
        }
        go_on(&mut tx, &job.analysis).await?;
        if !queue::store::finish(&mut tx, claim).await? {
            return Ok(false);
        }
        tx.commit().await?;
        Ok::<_, store::Error>(true)
    });
    if !finished.await? {
        let error = anyhow!("the lease was lost");
        return Ok(Outcome::Retry { after: None, error });
    }
    tools.wake.wake();
    Ok(Outcome::Finished)
}

/// Has the call analysed. Its key tells who waits for it; another that holds it may have read what was there before the answer.
async fn go_on(conn: &mut PgConnection, analysis: &Analyze) -> sqlx::Result<()> {
    let [_, answered] = keys(analysis.call_id, analysis.force);
    let again = NewJob::new(analysis.account_id, analysis).unique(answered);
    let job_id = again.job_id();
    queue::store::enqueue(&mut *conn, &[again]).await?;
    if !queue::store::is_live(&mut *conn, job_id).await? {
        let beside = NewJob::new(analysis.account_id, analysis);
        queue::store::enqueue(conn, &[beside]).await?;
    }
    Ok(())
}

/// A failure as a word for metrics.
fn outcome(reason: FailReason) -> &'static str {
    match reason {
        FailReason::ModelTimedOut => "timed_out",
        FailReason::ModelRejectedRequest => "rejected_request",
        FailReason::ModelRefused => "refused",
        FailReason::ModelAnswerCut => "answer_cut",
        FailReason::ModelAnswerInvalid => "answer_invalid",
        _ => "unavailable",
    }
}
