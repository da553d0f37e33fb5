//! Whom an account may be connected to: telephony providers and room servers, by one name space.

use crate::{
    domain::connection::{AnsweredBy, Credentials},
    providers::{
        Access, Provider, ProviderError, Providers,
        profile::{Callbacks, Profile, Slot, Transport},
    },
    rooms::{Room, Rooms},
};

/// A vendor of either kind.
#[derive(Debug, Clone, Copy)]
pub enum Vendor {
    /// It has calls.
    Provider(&'static dyn Provider),
    /// It has rooms.
    Room(&'static dyn Room),
}

impl Vendor {
    /// Every vendor, providers first.
    pub fn all() -> impl Iterator<Item = Self> {
        let providers = Providers::default().all().map(Self::Provider);
        providers.chain(Rooms::default().all().map(Self::Room))
    }

    /// The vendor of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|vendor| vendor.name() == name)
    }

    /// Its name, in connections.
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider(provider) => provider.name(),
            Self::Room(room) => room.name(),
        }
    }

    /// What a connection to it needs, and what it can do.
    pub fn profile(self) -> &'static Profile {
        match self {
            Self::Provider(provider) => provider.profile(),
            Self::Room(room) => room.profile(),
        }
    }

    /// How its API is reached.
    pub(super) fn transport(self) -> Transport {
        match self {
            Self::Provider(provider) => provider.transport(),
            Self::Room(_) => Transport::Http,
        }
    }

    /// Whether it can do with what is to answer the calls that it places, or why not.
    pub(super) fn check_answer(self, answered_by: &AnsweredBy) -> Result<(), &'static str> {
        match self {
            Self::Provider(provider) => provider.check_answer(answered_by),
            Self::Room(_) => Ok(()),
        }
    }

    /// Whether numbers can be routed to a connection to it.
    pub fn has_numbers(self) -> bool {
        matches!(self, Self::Provider(_))
    }

    /// Whether it posts to us, and what it posts can be verified with these credentials.
    pub fn is_heard(self, credentials: &Credentials) -> bool {
        let verifies = match self {
            Self::Provider(provider) => provider.verifies(credentials),
            Self::Room(room) => room.profile().verifies(credentials),
        };
        verifies && matches!(self.profile().callbacks, Callbacks::Posted { .. })
    }

    /// The name of the credential in a slot, if it has one there.
    pub fn credential(self, slot: Slot) -> Option<&'static str> {
        let mut fields = self.profile().credentials.iter();
        fields
            .find(|field| field.slot == slot)
            .map(|field| field.name)
    }

    /// Asks it for something cheap that only valid credentials are given.
    pub(super) async fn probe(self, access: &Access<'_>) -> Result<(), ProviderError> {
        match self {
            Self::Provider(provider) => provider.probe(access).await,
            Self::Room(room) => room.probe(access).await,
        }
    }
}
