//! What a caller may read of what was said on calls: as it was said, or with personal data masked.
//!
//! Every route that shows a transcript, or anything that has one in it, asks [`access`] and shows what these functions give back.

use serde_json::Value;
use sqlx::PgPool;

use super::error::Error;
use crate::{
    analysis::privacy,
    domain::{
        account::{Caller, TranscriptAccess},
        call_object::CallObject,
        transcript::Transcript,
    },
    store::{self, analysis_settings},
    webhooks::redacted::{self, work_on},
};

/// What the caller may read: as its credential says, else as its account does.
pub async fn access(db: &PgPool, caller: &Caller) -> Result<TranscriptAccess, Error> {
    if let Some(access) = caller.transcripts {
        return Ok(access);
    }
    let privacy = store::ask(analysis_settings::privacy(db, caller.account_id)).await?;
    Ok(privacy.transcripts)
}

/// A call as it may be shown.
pub async fn call(call: CallObject, access: TranscriptAccess) -> CallObject {
    if access == TranscriptAccess::Raw {
        return call;
    }
    redacted::call(call).await
}

/// Calls as they may be shown.
pub async fn calls(calls: Vec<CallObject>, access: TranscriptAccess) -> Vec<CallObject> {
    if access == TranscriptAccess::Raw {
        return calls;
    }
    redacted::calls(calls).await
}

/// A transcript as it may be shown.
pub async fn transcript(transcript: Transcript, access: TranscriptAccess) -> Transcript {
    if access == TranscriptAccess::Raw {
        return transcript;
    }
    let said = transcript.utterances().iter();
    let bytes = said.map(|said| said.text.as_str().len()).sum();
    work_on(bytes, move || transcript.with_texts(privacy::redacted)).await
}

/// The body of an event as it may be shown: not what was sent, where that is more. Nothing of a body that cannot be read.
pub async fn event(body: String, access: TranscriptAccess) -> String {
    if access == TranscriptAccess::Raw {
        return body;
    }
    work_on(body.len(), move || redacted_event(&body)).await
}

fn redacted_event(body: &str) -> String {
    let Ok(mut event) = serde_json::from_str::<Value>(body) else {
        return String::new();
    };
    if let Some(data) = event.get_mut("data").and_then(Value::as_object_mut) {
        let mut text = data
            .get("transcript")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let mut object = data.get("transcript_object").cloned();
        object = object.filter(|object| !object.is_null());
        privacy::redact_shown(&mut text, &mut object);
        data.insert("transcript".to_owned(), text.into());
        data.insert(
            "transcript_object".to_owned(),
            object.unwrap_or(Value::Null),
        );
    }
    event.to_string()
}
