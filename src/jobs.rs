//! The payload of every job. `worker` maps each to its verb with one exhaustive match.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        analysis::Trigger,
        id::{AccountId, CallId, ErasureId, RecoveryId},
    },
    queue::Job,
};

/// Asks the provider to hang up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HangUp {
    /// Whose call.
    pub account_id: AccountId,
    /// Which call.
    pub call_id: CallId,
}

impl Job for HangUp {
    const KIND: &'static str = "hang_up";
    /// About eighteen minutes by the queue's own backoff.
    const ATTEMPTS_MAX: i32 = 12;
    const TIMEOUT: Duration = Duration::from_secs(15);
}

/// Deletes the call's media room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeleteRoom {
    /// Whose call.
    pub account_id: AccountId,
    /// Which call.
    pub call_id: CallId,
}

impl Job for DeleteRoom {
    const KIND: &'static str = "delete_room";
    const ATTEMPTS_MAX: i32 = 12;
    const TIMEOUT: Duration = Duration::from_secs(15);
}

/// Ends the live legs below a call that was ended here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndLegs {
    /// Whose call.
    pub account_id: AccountId,
    /// Which call.
    pub call_id: CallId,
}

impl Job for EndLegs {
    const KIND: &'static str = "end_legs";
    const ATTEMPTS_MAX: i32 = 12;
    const TIMEOUT: Duration = Duration::from_secs(25);
}

/// Looks for a call that the provider was asked to place and whose answer was lost. Its first attempt is the asking itself,
/// by the process that took the request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlaceCall {
    /// Whose call.
    pub account_id: AccountId,
    /// Which call.
    pub call_id: CallId,
}

impl Job for PlaceCall {
    const KIND: &'static str = "place_call";
    /// About three quarters of an hour.
    const ATTEMPTS_MAX: i32 = 16;
    const TIMEOUT: Duration = Duration::from_secs(25);
}

/// Analyses an ended call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Analyze {
    /// Whose call.
    pub account_id: AccountId,
    /// Which call.
    pub call_id: CallId,
    /// Why now.
    pub trigger: Trigger,
    /// Also if there is a revision of the same input.
    #[serde(default)]
    pub force: bool,
    /// How often a language model was asked for this before.
    #[serde(default)]
    pub insights_round: u8,
}

impl Job for Analyze {
    const KIND: &'static str = "analyze";
    const ATTEMPTS_MAX: i32 = 10;
    const TIMEOUT: Duration = Duration::from_mins(1);
}

/// Asks a language model about an ended call, for its analysis.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Insights {
    /// The analysis that waits for it.
    pub analysis: Analyze,
    /// When it found that there is something to ask.
    pub since: DateTime<Utc>,
}

impl Job for Insights {
    const KIND: &'static str = "insights";
    /// `calls::insights` gives up long before and says so; this bounds crashes.
    const ATTEMPTS_MAX: i32 = 20;
    const TIMEOUT: Duration = Duration::from_mins(11);
}

/// Reads the recording of an ended call: fetches it, listens to it, has it written down.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadRecording {
    /// Whose call.
    pub account_id: AccountId,
    /// Which call.
    pub call_id: CallId,
    /// It is to be written down, as far as was known when this was enqueued: who looks at the call is told that it is being done.
    #[serde(default)]
    pub transcribes: bool,
    /// Also if it has been read.
    #[serde(default)]
    pub again: bool,
}

impl Job for ReadRecording {
    const KIND: &'static str = "read_recording";
    /// About an hour, by a schedule of its own.
    const ATTEMPTS_MAX: i32 = 10;
    /// Hours of speech take a service long.
    const TIMEOUT: Duration = Duration::from_hours(1);
}

/// Does a slice of an erasure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Erase {
    /// In whose account.
    pub account_id: AccountId,
    /// Which erasure.
    pub erasure_id: ErasureId,
}

impl Job for Erase {
    const KIND: &'static str = "erase";
    /// Failed ones: a slice that leaves more to do is followed by a job of its own. The leader looks after what was given up.
    const ATTEMPTS_MAX: i32 = 20;
    const TIMEOUT: Duration = Duration::from_mins(2);
}

/// Does a slice of a recovery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recover {
    /// In whose account.
    pub account_id: AccountId,
    /// Which recovery.
    pub recovery_id: RecoveryId,
}

impl Job for Recover {
    const KIND: &'static str = "recover";
    /// As for erasures.
    const ATTEMPTS_MAX: i32 = 20;
    const TIMEOUT: Duration = Duration::from_mins(2);
}

/// Every kind, so that a match over it finds its readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// [`HangUp`]
    HangUp,
    /// [`DeleteRoom`]
    DeleteRoom,
    /// [`EndLegs`]
    EndLegs,
    /// [`PlaceCall`]
    PlaceCall,
    /// [`Analyze`]
    Analyze,
    /// [`Insights`]
    Insights,
    /// [`ReadRecording`]
    ReadRecording,
    /// [`Erase`]
    Erase,
    /// [`Recover`]
    Recover,
}

impl JobKind {
    /// The kind of a stored name.
    pub fn parse(kind: &str) -> Option<Self> {
        match kind {
            HangUp::KIND => Some(Self::HangUp),
            DeleteRoom::KIND => Some(Self::DeleteRoom),
            EndLegs::KIND => Some(Self::EndLegs),
            PlaceCall::KIND => Some(Self::PlaceCall),
            Analyze::KIND => Some(Self::Analyze),
            Insights::KIND => Some(Self::Insights),
            ReadRecording::KIND => Some(Self::ReadRecording),
            Erase::KIND => Some(Self::Erase),
            Recover::KIND => Some(Self::Recover),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HangUp => HangUp::KIND,
            Self::DeleteRoom => DeleteRoom::KIND,
            Self::EndLegs => EndLegs::KIND,
            Self::PlaceCall => PlaceCall::KIND,
            Self::Analyze => Analyze::KIND,
            Self::Insights => Insights::KIND,
            Self::ReadRecording => ReadRecording::KIND,
            Self::Erase => Erase::KIND,
            Self::Recover => Recover::KIND,
        }
    }

    /// Whether it waits for others for minutes and longer: a recording that is fetched and written down, a language model. They stand in
    /// two lanes.
    pub fn is_slow(self) -> bool {
        match self {
            Self::Insights | Self::ReadRecording => true,
            Self::HangUp
            | Self::DeleteRoom
            | Self::EndLegs
            | Self::PlaceCall
            | Self::Analyze
            | Self::Erase
            | Self::Recover => false,
        }
    }

    /// How long one attempt may take.
    pub fn timeout(self) -> Duration {
        match self {
            Self::HangUp => HangUp::TIMEOUT,
            Self::DeleteRoom => DeleteRoom::TIMEOUT,
            Self::EndLegs => EndLegs::TIMEOUT,
            Self::PlaceCall => PlaceCall::TIMEOUT,
            Self::Analyze => Analyze::TIMEOUT,
            Self::Insights => Insights::TIMEOUT,
            Self::ReadRecording => ReadRecording::TIMEOUT,
            Self::Erase => Erase::TIMEOUT,
            Self::Recover => Recover::TIMEOUT,
        }
    }
}
