//! Which addresses may be reached: everything that is globally routable and not known to lead inside.
//!
//! The table is a union of what is published for this purpose (IANA's special-purpose registries, Standard Webhooks
//! senders' lists) and errs on the side of refusing. IPv6 is allowed only in `2000::/3`, less what is special in it. So
//! IPv4-mapped, IPv4-compatible, 6to4 and Teredo forms are refused whatever they embed; the one exception is NAT64's
//! well-known prefix, `64:ff9b::/96`, which takes the verdict of the IPv4 address in it: hosts without IPv4 see the
//! whole IPv4 world through it. A network that the operator names wins over the table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// The longest URL, in bytes.
pub const URL_BYTES_MAX: usize = 2048;

/// IPv4 that is not the internet's, and one address that is but leads to a cloud's own services.
const DENIED_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([168, 63, 129, 16], 32),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// Global unicast: the only IPv6 that can be the internet's.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// What is special inside [`GLOBAL_V6`]: protocol assignments with Teredo, two documentation ranges, 6to4.
const DENIED_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0], 23),
    v6([0x2001, 0x0db8, 0], 32),
    v6([0x2002, 0, 0], 16),
    v6([0x3fff, 0, 0], 20),
];

/// NAT64's well-known prefix: the last 32 bits are the IPv4 address that is meant.
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0], 96);

/// Names that lead inside wherever they are looked up, and everything below them.
const LOCAL_NAMES: [&str; 6] = [
    "localhost",
    "local",
    "internal",
    "localdomain",
    "svc",
    "home.arpa",
];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(head: [u16; 3], prefix: u8) -> Ipv6Net {
    let [a, b, c] = head;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Why a URL is not requested. What it says may be shown to the tenant: never an address that a name resolved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than [`URL_BYTES_MAX`].
    #[error("must have at most {URL_BYTES_MAX} characters")]
    TooLong,
    /// Not an absolute URL with a host.
    #[error("must be an absolute http or https URL")]
    NotAbsolute,
    /// Neither http nor https.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// A user name or password is in it.
    #[error("must not contain a user name or password")]
    Userinfo,
    /// A fragment is in it; it would never be sent.
    #[error("must not contain a fragment")]
    Fragment,
    /// The port is 0.
    #[error("must not name port 0")]
    Port,
    /// Not the address of an event socket.
    #[error("must be like esl://host:8021, without a path")]
    EventSocket,
    /// The host, or an address of it, may not be reached.
    #[error("must lead to a public address")]
    Address,
}

/// The operator's list of allowed networks cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{entry}` is not a network, such as 10.0.0.0/8 or fd00::/8")]
pub struct NotNetworks {
    entry: String,
}

/// The scheme of FreeSWITCH's event socket: plain TCP. Only [`AddressPolicy::read_event_socket`] knows it, so no other URL can
/// have it.
const EVENT_SOCKET: &str = "esl://";

/// The port that FreeSWITCH listens on unless it is told otherwise.
const EVENT_SOCKET_PORT: u16 = 8021;

/// What a host name may resolve to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    /// Any address that may be reached.
    Ordinary,
    /// Only addresses in networks that the operator has named.
    Local,
}

/// The address policy: a fixed table, and the networks that the operator opened.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    allowed: Vec<IpNet>,
}

impl AddressPolicy {
    /// Everything may be reached: for services that the operator has named, never for what an account says.
    pub fn everywhere() -> Self {
        Self {
            allowed: vec![IpNet::V4(v4([0, 0, 0, 0], 0)), IpNet::V6(v6([0, 0, 0], 0))],
        }
    }

    /// Reads the networks that are open in spite of the table: CIDRs or addresses, separated by commas or spaces.
    pub fn parse(allow_cidrs: &str) -> Result<Self, NotNetworks> {
        let entries = allow_cidrs
            .split([',', ' ', '\t', '\n'])
            .filter(|entry| !entry.is_empty());
        let parse = |entry: &str| {
            let net = entry.parse::<IpNet>().ok();
            net.or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from))
                .map(|net| net.trunc())
                .ok_or_else(|| NotNetworks {
                    entry: entry.to_owned(),
                })
        };
        let allowed = entries.map(parse).collect::<Result<_, _>>()?;
        Ok(Self { allowed })
    }

    /// Whether connections to the address may be made.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.opens(address) || is_public(address)
    }

    /// Reads a URL and refuses what can be refused without a look-up. The URL parser has normalised every spelling of an
    /// address (decimal, octal, hex, short, full-width, trailing dot) before the host is judged.
    pub fn read(&self, url: &str) -> Result<Url, Refusal> {
        if url.len() > URL_BYTES_MAX {
            return Err(Refusal::TooLong);
        }
        let url = Url::parse(url).map_err(|_error| Refusal::NotAbsolute)?;
        self.check(&url)?;
        Ok(url)
    }

    /// Refuses what can be refused without a look-up.
    pub(super) fn check(&self, url: &Url) -> Result<(), Refusal> {
        if url.as_str().len() > URL_BYTES_MAX {
            return Err(Refusal::TooLong);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Userinfo);
        }
        if url.fragment().is_some() {
            return Err(Refusal::Fragment);
        }
        if url.port() == Some(0) {
            return Err(Refusal::Port);
        }
        match url.host().ok_or(Refusal::NotAbsolute)? {
            Host::Ipv4(address) => self.vet(NameKind::Ordinary, &[address.into()]),
            Host::Ipv6(address) => self.vet(NameKind::Ordinary, &[address.into()]),
            Host::Domain(name) => self.name(name).map(drop),
        }
    }

    /// Reads the address of an event socket, `esl://host` or `esl://host:port`, and writes it out with its port. The host is
    /// judged as that of an http URL is: what this parser takes for an opaque name is normalised by that one.
    pub fn read_event_socket(&self, url: &str) -> Result<(Url, Host, u16), Refusal> {
        let authority = url
            .split_at_checked(EVENT_SOCKET.len())
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(EVENT_SOCKET))
            .map(|(_, authority)| authority)
            .ok_or(Refusal::EventSocket)?;
        let http = self.read(&format!("http://{authority}"))?;
        if http.path() != "/" || http.query().is_some() {
            return Err(Refusal::EventSocket);
        }
        // Either scheme hides its own default port.
        let https = Url::parse(&format!("https://{authority}")).ok();
        let port = http.port().or_else(|| https?.port());
        let port = port.unwrap_or(EVENT_SOCKET_PORT);
        let host = http.host().ok_or(Refusal::EventSocket)?.to_owned();
        let written = Url::parse(&format!("{EVENT_SOCKET}{host}:{port}"));
        Ok((written.map_err(|_error| Refusal::EventSocket)?, host, port))
    }

    /// What the name may resolve to.
    pub(super) fn name(&self, name: &str) -> Result<NameKind, Refusal> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let below = |parent: &str| {
            name.strip_suffix(parent)
                .is_some_and(|head| head.is_empty() || head.ends_with('.'))
        };
        if name.split('.').any(str::is_empty) {
            return Err(Refusal::Address);
        }
        if !LOCAL_NAMES.into_iter().any(below) {
            return Ok(NameKind::Ordinary);
        }
        if self.allowed.is_empty() {
            return Err(Refusal::Address);
        }
        Ok(NameKind::Local)
    }

    /// Refuses when any of the addresses may not be reached: a name with one bad address is a bad name.
    pub(super) fn vet(&self, kind: NameKind, addresses: &[IpAddr]) -> Result<(), Refusal> {
        let good = |address: &IpAddr| match kind {
            NameKind::Ordinary => self.allows(*address),
            NameKind::Local => self.opens(*address),
        };
        if addresses.iter().all(good) {
            Ok(())
        } else {
            Err(Refusal::Address)
        }
    }

    fn opens(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|net| net.contains(&address))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !DENIED_V4.iter().any(|net| net.contains(&v4)),
        IpAddr::V6(v6) if NAT64.contains(&v6) => {
            let [.., a, b, c, d] = v6.octets();
            is_public(Ipv4Addr::new(a, b, c, d).into())
        }
        IpAddr::V6(v6) => GLOBAL_V6.contains(&v6) && !DENIED_V6.iter().any(|net| net.contains(&v6)),
    }
}
