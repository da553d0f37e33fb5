//! Media room servers: how the room that goes with a call is closed.

use std::fmt;

use async_trait::async_trait;

use crate::providers::{Access, EndOutcome, ProviderError, profile::Profile};

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
}

/// The room servers that there are.
#[derive(Debug, Clone, Copy)]
pub struct Rooms {
    adapters: &'static [&'static dyn Room],
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            adapters: &[&livekit::LiveKit],
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
