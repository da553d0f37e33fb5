//! Names to addresses: looked up once for each connection, every answer vetted, the vetted ones dialled.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::address::{AddressPolicy, Refusal};

/// Look-ups at a time; the system's resolver blocks a thread for each.
const LOOKUPS_MAX: usize = 64;

/// How long one look-up may take.
pub(super) const LOOKUP_MAX: Duration = Duration::from_secs(5);

/// Looks names up.
#[async_trait]
pub trait Lookup: Send + Sync + fmt::Debug {
    /// The addresses of a name; an error when there are none.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug)]
pub struct SystemLookup {
    permits: Arc<Semaphore>,
}

impl Default for SystemLookup {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(LOOKUPS_MAX)),
        }
    }
}

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let name = name.to_owned();
        // The permit goes with the thread, not with us: a name server that never answers must not use up all threads.
        let answers = tokio::task::spawn_blocking(move || {
            let _held = permit;
            (name.as_str(), 0_u16)
                .to_socket_addrs()
                .map(|found| found.map(|address| address.ip()).collect())
        });
        answers.await.map_err(io::Error::other)?
    }
}

/// Why a name has no address to dial.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAddress {
    /// The policy forbids it.
    #[error(transparent)]
    Refused(Refusal),
    /// It has none that we can find.
    #[error("the name cannot be resolved")]
    Unresolved(#[source] io::Error),
}

/// The policy between a look-up and the dialling.
#[derive(Debug, Clone)]
pub(super) struct VettingResolver {
    pub(super) policy: Arc<AddressPolicy>,
    pub(super) lookup: Arc<dyn Lookup>,
}

impl VettingResolver {
    /// The addresses of a name, if all of them may be reached.
    pub(super) async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, NoAddress> {
        let kind = self.policy.name(name).map_err(NoAddress::Refused)?;
        let looked_up = tokio::time::timeout(LOOKUP_MAX, self.lookup.addresses(name)).await;
        let found = looked_up
            .unwrap_or_else(|elapsed| Err(io::Error::new(io::ErrorKind::TimedOut, elapsed)))
            .map_err(NoAddress::Unresolved)?;
        if found.is_empty() {
            let none = io::Error::new(io::ErrorKind::NotFound, "no address");
            return Err(NoAddress::Unresolved(none));
        }
        self.policy.vet(kind, &found).map_err(NoAddress::Refused)?;
        Ok(found)
    }
}

impl reqwest::dns::Resolve for VettingResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = Self::resolve(&resolver, name.as_str()).await?;
            // Port 0 stands for the URL's own port.
            let dialled = found.into_iter().map(|address| SocketAddr::new(address, 0));
            let addresses: reqwest::dns::Addrs = Box::new(dialled);
            Ok(addresses)
        })
    }
}
