//! Providers that post nothing: we hold a connection to them, on which they tell what happens.
//!
//! What is told while nobody listens is lost. So whoever listens is told first what is live; what ended meanwhile, the
//! provider has forgotten, and looking calls up finds it out.

use std::fmt;

use async_trait::async_trait;

use super::{InboundReport, ProviderError};

/// What is heard on a connection.
#[async_trait]
pub trait Stream: Send + fmt::Debug {
    /// Waits for the next message. After an error nothing more comes.
    async fn next(&mut self) -> Result<Heard, ProviderError>;
}

/// A stream that has just been opened.
#[derive(Debug)]
pub struct Listening {
    /// What happens from now on.
    pub stream: Box<dyn Stream>,
    /// What was live when the stream was open already: nothing is missed between the two.
    pub live: Vec<InboundReport>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It tells this of calls; nothing, mostly.
    Reports(Vec<InboundReport>),
    /// It cannot be read: it is counted, and the next one is waited for.
    Unreadable(String),
}
