//! Analyses an ended call and tells the result: one revision and one `call.analyzed` for every input.
//!
//! Idempotent by the hash of the input: a revision of the same input is there already, or is made and told in the
//! transaction that finishes the job. What came while it was computed (a transcript, a late report) is seen under the
//! call's lock before anything is stored, and then it is computed again.
//!
//! `call.analyzed` follows every `call.ended`. A section that goes wrong is told as such; and when the last attempt of the
//! job goes wrong as a whole, a revision that says so is made of nothing and told.

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

mod standing;

pub use standing::{Standing, standing};

use super::{
    Tools,
    insights::{self, Asked},
    listen::wanted::{self, Wanted},
};
use crate::{
    analysis::{
        call_metrics::CallFacts,
        insights::{Model, Told},
        run::{self, Analysed, InputHash, Material},
    },
    domain::{
        analysis::{Analysis, AnalysisStatus, FailReason, SCHEMA_VERSION, flat::Flat},
        call::Call,
        call_object::{Beside, customer_sentiment},
        event::EventType,
        id::AnalysisId,
    },
    jobs::{Analyze, ReadRecording},
    llm::Llm,
    queue::{self, Claim, Outcome},
    store::{
        self,
        analyses::{self, Head, NewRevision},
        analysis_settings, recordings, terminations, transcripts,
    },
    webhooks::emit::{self, Happening},
};

/// How often a call that changes meanwhile is computed again before the job is put off.
const ROUNDS_MAX: usize = 3;

/// What is to be made of the call.
#[derive(Clone, Copy)]
enum Effort {
    /// Every section.
    Full,
    /// Nothing: say that it failed. The transcript is not even read, it may be why.
    GiveUp,
}

/// One attempt.
pub async fn run(tools: &Tools, claim: &Claim, job: &Analyze) -> Outcome {
    let mut attempted = attempt(tools, claim, job, Effort::Full).await;
    if let (Err(error), true) = (&attempted, claim.is_last()) {
        let error = format!("{error:#}");
        tracing::error!(call.id = %job.call_id, error, "an analysis is given up");
        attempted = attempt(tools, claim, job, Effort::GiveUp).await;
    }
    match attempted {
        Ok(Round::Told { jobs }) => {
            if jobs > 0 {
                tools.wake.wake();
            }
            Outcome::Finished
        }
        Ok(Round::Waits) => {
            tools.wake.wake();
            Outcome::Finished
        }
        Ok(Round::NothingNew) => Outcome::Done,
        Ok(Round::LeaseLost) => retry(anyhow!("the lease was lost")),
        Ok(Round::Moved) => retry(anyhow!("the call changed each time it was analysed")),
        Err(error) => retry(error),
    }
}

fn retry(error: anyhow::Error) -> Outcome {
    Outcome::Retry { after: None, error }
}

async fn attempt(
    tools: &Tools,
    claim: &Claim,
    job: &Analyze,
    effort: Effort,
) -> anyhow::Result<Round> {
    for _ in 1..ROUNDS_MAX {
        let round = round(tools, claim, job, effort).await?;
        if !matches!(round, Round::Moved) {
            return Ok(round);
        }
    }
    round(tools, claim, job, effort).await
}

/// What became of one computation.
enum Round {
    /// A revision was kept and told; so many deliveries are due.
    Told { jobs: usize },
    /// A language model is asked first; it has the call analysed again.
    Waits,
    /// There is nothing to analyse, or a revision of the same input.
    NothingNew,
    /// The call or its transcript is another by now.
    Moved,
    /// Somebody else has the job.
    LeaseLost,
}

/// What was read, and when.
struct Gathered {
    effort: Effort,
    force: bool,
    /// A language model is to be asked first.
    is_open: bool,
    material: Material,
    hash: InputHash,
    transcript_revision: Option<i32>,
    /// The call has a recording that is to be read.
    wanted: bool,
    at: DateTime<Utc>,
}

/// What reading came to.
enum Reading {
    /// There is nothing to do.
    NothingNew,
    /// A language model has to be asked first.
    Open { since: DateTime<Utc> },
    /// Everything is there.
    Gathered(Box<Gathered>),
}

async fn round(
    tools: &Tools,
    claim: &Claim,
    job: &Analyze,
    effort: Effort,
) -> anyhow::Result<Round> {
    let db = &tools.db;
    let gathered = store::within(async {
        let mut conn = db.acquire().await.map_err(store::Error::from)?;
        let model = tools.llm.as_ref().map(Llm::model);
        Ok::<_, store::Error>(gather(&mut conn, model, job, effort).await?)
    });
    let gathered = match gathered.await? {
        Reading::NothingNew => return Ok(Round::NothingNew),
        Reading::Open { since } => {
            return Ok(store::within(wait(db, claim, job, since)).await?);
        }
        Reading::Gathered(gathered) => *gathered,
    };
    let analysed = match effort {
        Effort::Full => compute(gathered.material.clone()).await?,
        Effort::GiveUp => Analysed {
            findings: run::failed(&gathered.material),
            turn_compounds: None,
        },
    };
    let keeping = store::within(Box::pin(keep(tools, claim, job, (&gathered, analysed))));
    Ok(keeping.await?)
}

/// The input, or why there is none: the call is gone, it is live, which is for its end to change, a revision of its input is there,
/// or a language model has to be asked first.
async fn gather(
    conn: &mut PgConnection,
    model: Option<&Model>,
    job: &Analyze,
    effort: Effort,
) -> sqlx::Result<Reading> {
    let call = store::calls::find(&mut *conn, job.account_id, job.call_id).await?;
    let Some(call) = call.filter(|call| call.life.end.is_some()) else {
        return Ok(Reading::NothingNew);
    };
    let (mut gathered, newest) = read(conn, model, &call, (effort, job.force)).await?;
    if gathered.is_open {
        if job.insights_round < insights::ROUNDS_MAX {
            return Ok(Reading::Open { since: gathered.at });
        }
        gathered.without_answer();
    }
    if newest.is_some_and(|newest| gathered.is_answered_by(&newest)) {
        return Ok(Reading::NothingNew);
    }
    Ok(Reading::Gathered(Box::new(gathered)))
}

/// The input of an ended call's analysis, and the newest revision.
async fn read(
    conn: &mut PgConnection,
    model: Option<&Model>,
    call: &Call,
    (effort, force): (Effort, bool),
) -> sqlx::Result<(Gathered, Option<Head>)> {
    let (account_id, call_id) = (call.account_id, call.call_id);
    let parts = terminations::of_calls(&mut *conn, &[(account_id, call_id)]).await?;
    let parts: Vec<_> = parts.into_iter().map(|(_, part)| part).collect();
    let head = transcripts::newest_head(&mut *conn, account_id, call_id).await?;
    let transcript_revision = head.map(|head| head.revision);
    let transcript = match (effort, transcript_revision) {
        (Effort::Full, Some(_)) => {
            transcripts::find(&mut *conn, account_id, call_id, transcript_revision).await?
        }
        (Effort::Full, None) | (Effort::GiveUp, _) => None,
    };
    let settings = analysis_settings::find(&mut *conn, account_id)
        .await?
        .settings;
    let wanted = Wanted::of(call, &settings.recordings);
    let reading = match &wanted {
        Some(wanted) => recordings::find(&mut *conn, (account_id, call_id), &wanted.key).await?,
        None => None,
    };
    let at = store::now(&mut *conn).await?;
    let said = transcript.as_ref().map(|kept| &kept.transcript);
    let call_key = (account_id, call_id);
    let asked = insights::ask(&mut *conn, model, call_key, (&settings, said)).await?;
    let (insights, is_open) = match asked {
        Asked::Known(told) => (told, false),
        Asked::Open => (Told::NotConfigured, true),
    };
    let material = Material {
        facts: CallFacts::of(call, &parts),
        transcript: transcript.map(|kept| (kept.source, kept.transcript)),
        settings,
        insights,
        reading,
    };
    let gathered = Gathered {
        effort,
        force,
        is_open,
        hash: material.hash(),
        material,
        transcript_revision,
        wanted: wanted.is_some(),
        at,
    };
    let newest = analyses::newest_head(&mut *conn, account_id, call_id).await?;
    Ok((gathered, newest))
}

/// Leaves the call to the job that asks a language model; that one has it analysed again, whatever comes of it.
async fn wait(
    db: &PgPool,
    claim: &Claim,
    job: &Analyze,
    since: DateTime<Utc>,
) -> Result<Round, store::Error> {
    let mut tx = db.begin().await?;
    let asking = insights::job(job, since);
    queue::store::enqueue(&mut tx, &[asking]).await?;
    if !queue::store::finish(&mut tx, claim).await? {
        return Ok(Round::LeaseLost);
    }
    tx.commit().await?;
    Ok(Round::Waits)
}

/// Off the threads that serve requests: an hour of talk takes milliseconds, the largest transcript a second.
async fn compute(material: Material) -> anyhow::Result<Analysed> {
    let analyse = move || run::analyse(&material);
    Ok(tokio::task::spawn_blocking(analyse).await?)
}

/// Keeps, tells and finishes, or does none of it.
async fn keep(
    tools: &Tools,
    claim: &Claim,
    job: &Analyze,
    (gathered, analysed): (&Gathered, Analysed),
) -> Result<Round, store::Error> {
    let (account_id, call_id) = (job.account_id, job.call_id);
    let mut tx = tools.db.begin().await?;
    let Some(call) = store::calls::lock(&mut tx, account_id, call_id).await? else {
        return Ok(Round::NothingNew);
    };
    let mut beside = store::calls::beside(&mut tx, account_id, call_id).await?;
    let transcript = transcripts::newest_head(&mut *tx, account_id, call_id).await?;
    if !gathered.is_still_so(&call, &beside, transcript.map(|head| head.revision)) {
        return Ok(Round::Moved);
    }
    let newest = analyses::newest_head(&mut *tx, account_id, call_id).await?;
    if newest.as_ref().is_some_and(|n| gathered.is_answered_by(n)) {
        return Ok(Round::NothingNew);
    }
    let at = store::now(&mut tx).await?;
    let analysis = Analysis {
        schema_version: SCHEMA_VERSION,
        analysis_id: AnalysisId::generate(),
        call_id,
        revision: newest.map_or(1, |head| head.revision + 1),
        trigger: job.trigger,
        created_at: gathered.at,
        completed_at: at,
        findings: analysed.findings,
    };
    let revision = NewRevision {
        analysis: &analysis,
        input_hash: gathered.hash.as_bytes(),
        transcript_revision: gathered.transcript_revision,
        turn_compounds: analysed.turn_compounds.as_deref(),
    };
    analyses::insert(&mut tx, account_id, &revision).await?;
    let (before, version) = (Flat::of(beside.analysis.as_ref()), call.version);
    beside.analysis = serde_json::to_value(&analysis).ok();
    let call = fill(&mut tx, call, before, beside.analysis.as_ref()).await?;
    let reading = gathered.reading(tools, job);
    let call = match &reading {
        Some(reading) if reading.transcribes => wanted::begins(&mut tx, call).await?,
        Some(_) | None => call,
    };
    let label = beside.analysis.as_ref().and_then(customer_sentiment);
    store::calls::note_sentiment(&mut tx, account_id, call_id, label).await?;
    // Before it is told, for a call that is going to be written down is shown as such.
    let reading: Vec<_> = reading.iter().map(wanted::job).collect();
    queue::store::enqueue(&mut tx, &reading).await?;
    let happening = |event| Happening {
        call: &call,
        beside: &beside,
        event,
        at,
    };
    let mut analyzed = vec![happening(EventType::CallAnalyzed)];
    if call.version != version {
        analyzed.push(happening(EventType::VoiceCallUpdate));
    }
    let emitted = emit::emit(&mut tx, &analyzed).await?;
    if !queue::store::finish(&mut tx, claim).await? {
        return Ok(Round::LeaseLost);
    }
    tx.commit().await?;
    Ok(Round::Told {
        jobs: emitted.deliveries + reading.len(),
    })
}

/// Fills the fields that the documented objects show of an analysis; the call as it is then.
async fn fill(
    conn: &mut PgConnection,
    mut call: Call,
    before: Flat,
    analysis: Option<&Value>,
) -> sqlx::Result<Call> {
    if !Flat::of(analysis).fill(before, &mut call) {
        return Ok(call);
    }
    store::calls::save(&mut *conn, &call).await?;
    let saved = store::calls::find(conn, call.account_id, call.call_id).await?;
    Ok(saved.unwrap_or(call))
}

impl Gathered {
    /// What is still to be read of the call.
    fn reading(&self, tools: &Tools, job: &Analyze) -> Option<ReadRecording> {
        let unread = Wanted::is_unread(self.material.reading.as_ref(), &tools.recordings);
        (self.wanted && unread).then(|| ReadRecording {
            account_id: job.account_id,
            call_id: job.call_id,
            transcribes: self.material.settings.recordings.transcribe
                && self.transcript_revision.is_none()
                && tools.recordings.speech().is_some(),
            again: false,
        })
    }

    /// Does without the model: its question changes every time.
    fn without_answer(&mut self) {
        self.material.insights = Told::Failed(FailReason::ModelUnavailable);
        self.hash = self.material.hash();
    }

    /// Whether a revision of this input is there. A failed one is no answer to whoever can do better.
    fn is_answered_by(&self, newest: &Head) -> bool {
        let same = !self.force && newest.input_hash == self.hash.as_bytes();
        match self.effort {
            Effort::Full => same && newest.status != AnalysisStatus::Failed,
            // The hash does not cover a transcript that was not read.
            Effort::GiveUp => same && newest.transcript_revision == self.transcript_revision,
        }
    }

    /// Whether what was read is what is there.
    fn is_still_so(&self, call: &Call, beside: &Beside, transcript_revision: Option<i32>) -> bool {
        self.transcript_revision == transcript_revision
            && self.material.facts == CallFacts::of(call, &beside.terminations)
    }
}
