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
pub fn call(mut call: CallObject, access: TranscriptAccess) -> CallObject {
    if access == TranscriptAccess::Redacted {
        privacy::redact_shown(&mut call.transcript, &mut call.transcript_object);
    }
    call
}

/// A transcript as it may be shown.
pub fn transcript(transcript: Transcript, access: TranscriptAccess) -> Transcript {
    match access {
        TranscriptAccess::Raw => transcript,
        TranscriptAccess::Redacted => transcript.with_texts(privacy::redacted),
    }
}

/// The body of an event as it may be shown: not what was sent, where that is more. Nothing of a body that cannot be read.
pub fn event(body: String, access: TranscriptAccess) -> String {
    if access == TranscriptAccess::Raw {
        return body;
    }
    let Ok(mut event) = serde_json::from_str::<Value>(&body) else {
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
