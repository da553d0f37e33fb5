//! How many connections each client address has.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use super::HttpLimits;

/// Counts by address. A clone counts together with its original.
#[derive(Debug, Clone)]
pub(super) struct Peers {
    shares_max: Option<u32>,
    counts_loopback: bool,
    counts: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

/// One connection's place in the count, given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    peers: Peers,
    client: IpAddr,
}

impl Peers {
    pub(super) fn new(limits: &HttpLimits) -> Self {
        Self {
            shares_max: limits.connections_per_address_max,
            counts_loopback: limits.counts_loopback,
            counts: Arc::default(),
        }
    }

    /// A share for this address, unless it has as many as it may.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Share> {
        let client = client(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(client).or_default();
        let bounded = self.counts_loopback || !client.is_loopback();
        if bounded && self.shares_max.is_some_and(|max| *count >= max) {
            return None;
        }
        *count += 1;
        Some(Share {
            peers: self.clone(),
            client,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut counts = self
            .peers
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

/// One client has one IPv4 address, or a /64 of IPv6.
pub fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(connections_per_address_max: Option<u32>) -> Peers {
        Peers::new(&HttpLimits {
            connections_per_address_max,
            ..HttpLimits::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_gets_its_share_and_no_more_until_it_gives_some_back() {
        let peers = peers(Some(2));
        let first = peers.admit(address("192.0.2.1"));
        let second = peers.admit(address("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(peers.admit(address("192.0.2.1")).is_none());
        assert!(peers.admit(address("192.0.2.2")).is_some());
        drop(first);
        assert!(peers.admit(address("192.0.2.1")).is_some());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_client() {
        let peers = peers(Some(1));
        let _held = peers.admit(address("2001:db8::1"));
        assert!(peers.admit(address("2001:db8::ffff")).is_none());
        assert!(peers.admit(address("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn a_proxy_on_this_machine_has_no_bound() {
        let peers = peers(Some(1));
        let held = [
            peers.admit(address("127.0.0.1")),
            peers.admit(address("127.0.0.1")),
        ];
        assert!(held.iter().all(Option::is_some));
    }

    #[test]
    fn nothing_is_remembered_of_clients_that_have_gone() {
        let peers = peers(None);
        drop(peers.admit(address("192.0.2.1")));
        assert!(peers.counts.lock().unwrap().is_empty());
    }
}
