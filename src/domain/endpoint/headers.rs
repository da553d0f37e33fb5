//! What goes with every webhook of an endpoint besides what is ours: headers of the account's own, and its credential there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};

use crate::domain::voice_call::update::Edit;

/// How many headers of its own an endpoint may have.
pub const HEADERS_MAX: usize = 20;

/// How long their names and values may be altogether, in bytes.
pub const HEADERS_BYTES_MAX: usize = 8_192;

/// How long a token or a password may be, in characters.
pub const CREDENTIAL_CHARS_MAX: usize = 4_096;

/// What is shown in place of a value.
pub const MASK: &str = "********";

/// Names that nobody may set: they are about the connection, about the body, or ours.
const RESERVED: [&str; 14] = [
    "authorization",
    "connection",
    "date",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// The beginnings of such names.
const RESERVED_PREFIXES: [&str; 2] = ["content-", "webhook-"];

/// Why something is no header of an endpoint's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotHeader {
    /// The name is none.
    #[error("must be the name of a header: letters, digits and !#$%&'*+-.^_`|~, at most 128")]
    Name,
    /// The name is another's.
    #[error(
        "cannot be set: it is about the connection, about the body, or set by the service (a credential goes into authorization)"
    )]
    Reserved,
    /// The value is none.
    #[error("must be 1 to 4096 printable characters of ASCII, without white space at either end")]
    Value,
    /// The value is the mask.
    #[error("is what is shown in place of a value, and there is no such header to keep")]
    Masked,
}

/// There are too many headers, or they are too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be at most {HEADERS_MAX} with {HEADERS_BYTES_MAX} bytes of names and values altogether"
)]
pub struct TooMany;

/// A credential at an endpoint.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Authorization {
    /// A token that is sent as it is.
    Bearer {
        /// The token.
        token: String,
    },
    /// A user and a password.
    Basic {
        /// The user, without a colon.
        username: String,
        /// The password.
        password: String,
    },
}

impl Authorization {
    /// Its kind on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bearer { .. } => "bearer",
            Self::Basic { .. } => "basic",
        }
    }

    fn header(&self) -> Option<HeaderValue> {
        let value = match self {
            Self::Bearer { token } => format!("Bearer {token}"),
            Self::Basic { username, password } => {
                let pair = BASE64_STANDARD.encode(format!("{username}:{password}"));
                format!("Basic {pair}")
            }
        };
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// What is to be changed of the headers. What is not named stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeadersChange {
    /// All of them go before anything is set.
    pub clear: bool,
    /// What becomes of each; [`MASK`] keeps it as it is.
    pub set: BTreeMap<String, Edit<HeaderText>>,
    /// What becomes of the credential.
    pub authorization: Edit<Authorization>,
}

/// The value of a header. It may be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderText(String);

impl HeaderText {
    /// Reads a value.
    pub fn parse(text: &str) -> Result<Self, NotHeader> {
        let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if printable && text.trim() == text && (1..=CREDENTIAL_CHARS_MAX).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotHeader::Value)
        }
    }
}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Reads the name of a header that may be set; it is kept in small letters.
pub fn header_name(text: &str) -> Result<String, NotHeader> {
    let name = HeaderName::try_from(text).map_err(|_no_token| NotHeader::Name)?;
    let name = name.as_str();
    if name.len() > 128 {
        return Err(NotHeader::Name);
    }
    let reserved = RESERVED.contains(&name)
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix));
    if reserved {
        return Err(NotHeader::Reserved);
    }
    Ok(name.to_owned())
}

/// An endpoint's own headers and its credential: what is sealed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OwnHeaders {
    headers: BTreeMap<String, String>,
    authorization: Option<Authorization>,
}

impl OwnHeaders {
    /// As it was unsealed.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// What is sealed; nothing if there is nothing.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        if self.headers.is_empty() && self.authorization.is_none() {
            return None;
        }
        Some(serde_json::to_vec(self).expect("texts are JSON"))
    }

    /// The names of its headers.
    pub fn names(&self) -> Vec<String> {
        self.headers.keys().cloned().collect()
    }

    /// Its credential.
    pub fn authorization(&self) -> Option<&Authorization> {
        self.authorization.as_ref()
    }

    /// Does a change. Answers the names of what was there before and was not given again.
    pub fn change(&mut self, change: HeadersChange) -> Result<Vec<String>, HeadersFault> {
        let before = self.clone();
        let given: BTreeSet<_> = change
            .set
            .iter()
            .filter(|(_, edit)| matches!(edit, Edit::Set(_)))
            .map(|(name, _)| name.clone())
            .collect();
        if change.clear {
            self.headers.clear();
        }
        for (name, edit) in change.set {
            match edit {
                Edit::Keep => {
                    let kept = before.headers.get(&name);
                    let kept = kept.ok_or_else(|| HeadersFault::NothingToKeep(name.clone()))?;
                    self.headers.insert(name, kept.clone());
                }
                Edit::Clear => {
                    self.headers.remove(&name);
                }
                Edit::Set(HeaderText(value)) => {
                    self.headers.insert(name, value);
                }
            }
        }
        let kept = self.headers.keys().filter(|name| !given.contains(*name));
        let mut kept: Vec<_> = kept.cloned().collect();
        match change.authorization {
            Edit::Keep if self.authorization.is_some() => kept.push("authorization".to_owned()),
            Edit::Keep => {}
            Edit::Clear => self.authorization = None,
            Edit::Set(authorization) => self.authorization = Some(authorization),
        }
        let bytes: usize = self.headers.iter().map(|(n, v)| n.len() + v.len()).sum();
        if self.headers.len() > HEADERS_MAX || bytes > HEADERS_BYTES_MAX {
            return Err(HeadersFault::TooMany(TooMany));
        }
        Ok(kept)
    }

    /// As they are sent; what cannot be sent is left out.
    pub fn to_http(&self) -> HeaderMap {
        let own = self.headers.iter().filter_map(|(name, value)| {
            let name = HeaderName::try_from(name).ok()?;
            let mut value = HeaderValue::try_from(value).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        let credential = self.authorization.as_ref().and_then(Authorization::header);
        own.chain(credential.map(|value| (header::AUTHORIZATION, value)))
            .collect()
    }
}

impl fmt::Debug for OwnHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnHeaders")
            .field("headers", &self.names())
            .field("authorization", &self.authorization)
            .finish()
    }
}

/// Why a change of headers cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeadersFault {
    /// There is no such header that could be kept.
    #[error("there is no header {0} to keep")]
    NothingToKeep(String),
    /// There would be too many.
    #[error(transparent)]
    TooMany(TooMany),
}

#[cfg(test)]
mod tests {
    use super::{HeaderText, NotHeader, header_name};

    #[test]
    fn a_name_that_is_the_connection_s_the_body_s_or_ours_is_refused() {
        for name in [
            "Host",
            "CONTENT-LENGTH",
            "content-type",
            "content-encoding",
            "Connection",
            "Transfer-Encoding",
            "Webhook-Signature",
            "webhook-own",
            "Authorization",
            "upgrade",
            "TE",
        ] {
            assert_eq!(header_name(name), Err(NotHeader::Reserved), "{name}");
        }
        let long = "x".repeat(129);
        for name in ["", "a b", "a:b", "a\r\nb", "ä", "a\0", &long] {
            assert_eq!(header_name(name), Err(NotHeader::Name), "{name:?}");
        }
        assert_eq!(header_name("X-Tenant"), Ok("x-tenant".to_owned()));
        assert!(header_name(&"x".repeat(128)).is_ok());
    }

    #[test]
    fn a_value_is_printable_and_shows_nowhere() {
        for value in ["", " a", "a ", "a\nb", "a\tb", "ä", "\u{7f}"] {
            assert_eq!(HeaderText::parse(value), Err(NotHeader::Value), "{value:?}");
        }
        let longest = "x".repeat(4_096);
        assert!(HeaderText::parse(&longest).is_ok());
        assert!(HeaderText::parse(&format!("{longest}x")).is_err());
        let value = HeaderText::parse("hush now").unwrap();
        assert!(!format!("{value:?}").contains("hush"));
    }
}
