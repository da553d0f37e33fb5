//! What is told in the words of the voice-calls surface's platform: the voice call as a reader would see it at that moment, in the envelope
//! that the platform documents, a list of one event with the name of its entity, its type and its data.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use sqlx::PgConnection;

use super::emit::Happening;
use crate::{
    domain::{
        account::BusinessUid,
        id::{AccountId, CallId},
        voice_call::{TranscriptStatus, VoiceCall},
    },
    store::{accounts, recordings},
};

#[derive(Serialize)]
struct Envelope<'a> {
    entity_name: &'a str,
    event_type: &'a str,
    data: VoiceCall,
}

/// What a voice call shows besides what its record says.
#[derive(Debug)]
pub(super) struct Around {
    business_uids: HashMap<AccountId, String>,
    unwritten: HashMap<CallId, TranscriptStatus>,
}

impl Around {
    /// Asks for it: one statement, and one more for each account; none if nothing happened.
    pub(super) async fn of(
        conn: &mut PgConnection,
        happenings: &[&Happening<'_>],
    ) -> sqlx::Result<Self> {
        let of = |happening: &&Happening<'_>| happening.call.account_id;
        let accounts: BTreeSet<AccountId> = happenings.iter().map(of).collect();
        let mut around = Self {
            business_uids: accounts::business_uids(&mut *conn, accounts).await?,
            unwritten: HashMap::new(),
        };
        let mut without: BTreeMap<AccountId, Vec<CallId>> = BTreeMap::new();
        for happening in happenings {
            if happening.beside.transcript.is_none() {
                let call = happening.call;
                let calls = without.entry(call.account_id).or_default();
                calls.push(call.call_id);
            }
        }
        for (account_id, calls) in without {
            let writing = recordings::writing(&mut *conn, account_id, &calls).await?;
            around.unwritten.extend(writing);
        }
        Ok(around)
    }

    /// What is posted.
    pub(super) fn body(&self, happening: &Happening<'_>) -> String {
        let call = happening.call;
        let transcript = match happening.beside.transcript {
            Some(_) => Some(TranscriptStatus::Done),
            None => self.unwritten.get(&call.call_id).copied(),
        };
        let given = self.business_uids.get(&call.account_id);
        // An account has one; the record stands without it, too.
        let business_uid = given.cloned().unwrap_or_else(|| {
            let own = BusinessUid::of(call.account_id);
            own.as_str().to_owned()
        });
        let name = happening.event.as_str();
        let (entity_name, event_type) = name.split_once('/').unwrap_or((name, ""));
        let told = [Envelope {
            entity_name,
            event_type,
            data: VoiceCall::new(call, &business_uid, transcript),
        }];
        serde_json::to_string(&told).expect("a voice call is plain data with text keys")
    }
}
