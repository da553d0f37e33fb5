//! Who is calling, and whether they may.
//!
//! [`Caller`] as an argument of a handler asks for `Authorization: Bearer` with an API key or, if configured, a JWT; [`require`] then
//! asks for a scope. [`Reporter`] is the voip surface's, which also knows Basic, `?key=` and open accounts. Every refusal to say who
//! it is looks the same from outside; the reason is in the log and the counter.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{Extensions, HeaderMap, HeaderName, request::Parts},
};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;

use super::{
    error::{Code, Error},
    limits::Limits,
    prefer,
};
use crate::{
    domain::{
        account::{Caller, Handling, KeyKind, Scope},
        id::AccountId,
        key::{ApiKey, KeySha256},
        text::Text,
    },
    metrics::Metrics,
    store::{
        self, accounts,
        keys::{self, Found},
    },
};

mod credential;
pub mod jwt;
mod recent;
mod reporter;

use credential::Places;
use recent::{LOOK_UP_AGE_MAX, Recent, TRUST_AGE_MAX};
pub use reporter::Reporter;

/// Names the business that a directory key acts for.
const ON_BEHALF_OF: HeaderName = HeaderName::from_static("x-on-behalf-of");

/// Verifies callers.
#[derive(Debug)]
pub struct Authenticator {
    db: PgPool,
    jwt: Option<jwt::Verifier>,
    base_domain: Option<Arc<str>>,
    metrics: Metrics,
    limits: Limits,
    recent_keys: Recent<KeySha256, Caller>,
    recent_accounts: Recent<String, Option<AccountId>>,
    trusted_keys: Recent<KeySha256, ()>,
}

/// Why a caller was not believed. For the log and the counter; outside, all are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Missing,
    Ambiguous,
    Malformed,
    UnknownKey,
    RevokedKey,
    ExpiredKey,
    Jwt(jwt::Refusal),
    UnknownAccount,
    NotBelow,
    ClosedSurface,
    Distrusted,
}

/// A refusal, or a database that could not be asked.
enum Failure {
    Refused(Refusal),
    Store(store::Error),
}

impl Authenticator {
    /// An authenticator of API keys, and of JWTs if there is a verifier. `base_domain` is the one that open posts name their
    /// account under, `limits` count what callers do.
    pub fn new(
        db: PgPool,
        jwt: Option<jwt::Verifier>,
        base_domain: Option<Arc<str>>,
        limits: Limits,
        metrics: Metrics,
    ) -> Self {
        Self {
            db,
            jwt,
            base_domain,
            metrics,
            limits,
            recent_keys: Recent::new(LOOK_UP_AGE_MAX),
            recent_accounts: Recent::new(LOOK_UP_AGE_MAX),
            trusted_keys: Recent::new(TRUST_AGE_MAX),
        }
    }

    /// Who shows this credential.
    async fn caller(&self, parts: &Parts, credential: &SecretString) -> Result<Caller, Failure> {
        let text = credential.expose_secret();
        let caller = if ApiKey::is_meant(text) {
            let key = ApiKey::parse(text).ok_or(Refusal::Malformed)?;
            self.caller_of_key(&key.sha256(), &parts.extensions).await?
        } else {
            self.caller_of_jwt(text).await?
        };
        if caller.kind == KeyKind::Directory {
            return self.on_behalf(&parts.headers, caller).await;
        }
        Ok(caller)
    }

    async fn caller_of_key(
        &self,
        sha256: &KeySha256,
        extensions: &Extensions,
    ) -> Result<Caller, Failure> {
        let now = Instant::now();
        // Others may come from the same address, a proxy's: those who were believed are asked for as ever.
        if self.limits.is_distrusted(extensions) && self.trusted_keys.get(sha256, now).is_none() {
            return Err(Refusal::Distrusted.into());
        }
        match store::ask(keys::find_caller(&self.db, sha256)).await? {
            Found::Valid(caller) => {
                self.trusted_keys.put(*sha256, (), now);
                Ok(caller)
            }
            Found::Revoked(key_id) => {
                tracing::info!(key.id = %key_id, "a revoked key is still in use");
                Err(Refusal::RevokedKey.into())
            }
            Found::Expired(key_id) => {
                tracing::info!(key.id = %key_id, "an expired key is still in use");
                Err(Refusal::ExpiredKey.into())
            }
            Found::Unknown => Err(Refusal::UnknownKey.into()),
        }
    }

    async fn caller_of_jwt(&self, token: &str) -> Result<Caller, Failure> {
        let verifier = self.jwt.as_ref().ok_or(Refusal::Malformed)?;
        let claims = verifier.verify(token).map_err(Refusal::Jwt)?;
        let name = claims.account.as_str();
        // No account's name has the form of an id.
        let account = match name.parse::<AccountId>() {
            Ok(account_id) => store::ask(accounts::find(&self.db, account_id)).await?,
            Err(_) => store::ask(accounts::find_by_name(&self.db, name)).await?,
        };
        let account = account.ok_or(Refusal::UnknownAccount)?;
        Ok(Caller {
            account_id: account.account_id,
            business_uid: account.business_uid,
            kind: claims.kind,
            key_id: None,
            staff_uid: claims.staff_uid.map(Text::into_string),
            client_uid: claims
                .client_uid
                .filter(|uid| claims.kind == KeyKind::Client && !uid.as_str().is_empty())
                .map(Text::into_string),
            prefer: None,
            transcripts: claims.transcripts,
            on_behalf_by: None,
        })
    }

    /// A directory caller in the account that it acts for, or in its own if it names none.
    async fn on_behalf(&self, headers: &HeaderMap, caller: Caller) -> Result<Caller, Failure> {
        let Some(value) = credential::single(headers, &ON_BEHALF_OF)? else {
            return Ok(caller);
        };
        let uid = value.to_str().map_err(|_unprintable| Refusal::NotBelow)?;
        let below = accounts::find_below(&self.db, caller.account_id, uid);
        let account = store::ask(below).await?.ok_or(Refusal::NotBelow)?;
        Ok(Caller {
            account_id: account.account_id,
            business_uid: account.business_uid,
            on_behalf_by: Some(caller.account_id),
            ..caller
        })
    }

    /// The caller of a request that must show a Bearer credential.
    async fn authenticate(&self, parts: &Parts) -> Result<Caller, Failure> {
        let credential = credential::find(&parts.headers, &parts.uri, Places::Bearer)?
            .ok_or(Refusal::Missing)?;
        self.caller(parts, &credential).await
    }

    /// What a request that was not believed is told: always the same, until there have been too many.
    fn refuse(&self, failure: Failure, extensions: &Extensions) -> Error {
        match failure {
            Failure::Store(error) => error.into(),
            Failure::Refused(refusal) => {
                let reason = refusal.reason();
                self.metrics.authentication_refused(reason);
                tracing::info!(reason, "authentication refused");
                let one_too_many = self.limits.refusal(extensions).err();
                one_too_many.unwrap_or_else(unauthenticated)
            }
        }
    }
}

/// Asks that the caller may do this. A directory caller that named no business is nobody on the voice-calls surface, and a
/// client's credential that names no client has nothing to read there.
pub fn require(caller: &Caller, scope: Scope) -> Result<(), Error> {
    if !caller.kind.allows(scope) {
        return Err(forbidden());
    }
    let on_voice_calls = matches!(scope, Scope::ReadVoiceCalls | Scope::WriteVoiceCalls);
    if caller.kind == KeyKind::Directory && on_voice_calls && caller.on_behalf_by.is_none() {
        return Err(unauthenticated());
    }
    if caller.kind == KeyKind::Client && caller.client_uid.is_none() {
        return Err(Error::new(
            Code::Forbidden,
            "this credential names no client whose calls it could read",
        ));
    }
    Ok(())
}

/// The handling to apply: what the request asks for, else what its credential prefers, else nothing and the surface's default.
pub fn handling(headers: &HeaderMap, caller: &Caller) -> Option<Handling> {
    prefer::asked(headers).or(caller.prefer)
}

/// A credential that may not do this.
pub fn forbidden() -> Error {
    Error::new(Code::Forbidden, "this credential may not do that")
}

/// No credential, or one that is not valid: which of the two is not told.
pub fn unauthenticated() -> Error {
    Error::new(Code::Unauthenticated, "a valid credential is needed")
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Arc<Authenticator>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let authenticator = Arc::<Authenticator>::from_ref(state);
        let found = authenticator.authenticate(parts).await;
        let caller = found.map_err(|failure| authenticator.refuse(failure, &parts.extensions))?;
        authenticator.limits.request(&caller, &parts.extensions)?;
        Ok(caller)
    }
}

impl Refusal {
    /// A closed set of words for the counter.
    fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ambiguous => "ambiguous",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::RevokedKey => "revoked_key",
            Self::ExpiredKey => "expired_key",
            Self::Jwt(jwt::Refusal::Malformed) => "jwt_malformed",
            Self::Jwt(jwt::Refusal::Untrusted) => "jwt_untrusted",
            Self::Jwt(jwt::Refusal::OutOfTime) => "jwt_out_of_time",
            Self::Jwt(jwt::Refusal::Claims) => "jwt_claims",
            Self::UnknownAccount => "unknown_account",
            Self::NotBelow => "not_below",
            Self::ClosedSurface => "closed_surface",
            Self::Distrusted => "distrusted",
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}
