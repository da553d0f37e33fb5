//! A URL taken apart at its port, which the signers of callbacks leave out or add as they like.

/// The parts, as they are written.
#[derive(Debug, Clone, Copy)]
pub(in crate::providers) struct Spelling<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
}

impl<'a> Spelling<'a> {
    /// Takes a URL apart; nothing if it is none.
    pub(in crate::providers) fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
                (host, Some(port))
            }
            Some(_) | None => (authority, None),
        };
        Some(Self {
            scheme,
            host,
            port,
            path,
        })
    }

    /// Its port, if it is written.
    pub(in crate::providers) fn port(&self) -> Option<&'a str> {
        self.port
    }

    /// The port that is meant where none is written.
    pub(in crate::providers) fn standard_port(&self) -> &'static str {
        if self.scheme == "https" { "443" } else { "80" }
    }

    /// The URL without a port.
    pub(in crate::providers) fn without_port(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.path)
    }

    /// The URL with this port.
    pub(in crate::providers) fn with_port(&self, port: &str) -> String {
        format!("{}://{}:{port}{}", self.scheme, self.host, self.path)
    }
}
