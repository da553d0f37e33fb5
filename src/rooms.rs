//! Media room servers: how the room that goes with a call is closed, and how each tells that it is.
//!
//! An adapter holds nothing, as in [`crate::providers`]; the conformance tests iterate [`Rooms`].

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    domain::{connection::Credentials, party::E164, report::ReportKind, text::Text},
    providers::{
        Access, EndOutcome, InboundError, InboundRequest, ProviderError, profile::Profile,
    },
};

pub mod daily;
pub mod livekit;

/// A room server.
#[async_trait]
pub trait Room: Send + Sync + fmt::Debug {
    /// Its name, in connections.
    fn name(&self) -> &'static str;

    /// What a connection to it needs, and what it can do.
    fn profile(&self) -> &'static Profile;

    /// Deletes a room; everybody in it is disconnected.
    async fn delete(&self, access: &Access<'_>, room: &str) -> Result<EndOutcome, ProviderError>;

    /// Asks for something cheap that only valid credentials are given.
    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError>;

    /// Verifies a request that claims to come from it and reads what it tells. A true request that tells of no end is no report
    /// at all.
    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<RoomReport>, InboundError>;
}

/// What a room server tells of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomReport {
    /// Its name for this event, the same in each repetition.
    pub event_id: String,
    /// When it happened, by its clock.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The room's name.
    pub room: String,
    /// What happened.
    pub kind: RoomReportKind,
    /// Why, in its words.
    pub reason: Option<Text<512>>,
}

/// What happened to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomReportKind {
    /// It is over: nobody is in it any more.
    Finished,
    /// A telephone has left it. There may be more of them.
    PhoneLeft {
        /// What the call may be called: the server's own ids of its leg.
        names: Vec<String>,
        /// The number of the telephone.
        number: Option<E164>,
        /// How its call ended.
        end: ReportKind,
    },
}

/// The room servers that there are.
#[derive(Debug, Clone, Copy)]
pub struct Rooms {
    adapters: &'static [&'static dyn Room],
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            adapters: &[&livekit::LiveKit, &daily::Daily],
        }
    }
}

impl Rooms {
    /// Every adapter.
    pub fn all(self) -> impl Iterator<Item = &'static dyn Room> {
        self.adapters.iter().copied()
    }

    /// The adapter of a name.
    pub fn named(self, name: &str) -> Option<&'static dyn Room> {
        self.all().find(|adapter| adapter.name() == name)
    }
}
