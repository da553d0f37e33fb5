//! Who reports calls on the voip surface: a key in any place where a PBX can put one, or nobody at all for an account that is open.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Authenticator, Error, Failure, Refusal,
    credential::{self, Places},
    require,
};
use crate::{
    api::{error::Code, prefer},
    domain::{
        account::{Caller, DEFAULT_ACCOUNT, Handling, KeyKind, Scope, VoipMode},
        id::AccountId,
        key::ApiKey,
    },
    store::{self, accounts},
};

/// Whoever may report calls.
#[derive(Debug, Clone, Copy)]
pub struct Reporter {
    /// The account whose calls are reported.
    pub account_id: AccountId,
    prefer: Option<Handling>,
}

impl Reporter {
    /// The handling to apply: what the request asks for, else what its key prefers, else nothing and the surface's default.
    pub fn handling(&self, headers: &HeaderMap) -> Option<Handling> {
        prefer::asked(headers).or(self.prefer)
    }
}

impl<S> FromRequestParts<S> for Reporter
where
    S: Send + Sync,
    Arc<Authenticator>: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let authenticator = Arc::<Authenticator>::from_ref(state);
        // Who cannot be looked up now is to report again: after a 500 telephony would not.
        let refuse = |failure| {
            let refused = authenticator.refuse(failure, &parts.extensions);
            if refused.code() == Code::Internal {
                Error::unavailable().caused_by(refused)
            } else {
                refused
            }
        };
        let credential = credential::find(&parts.headers, &parts.uri, Places::Any)
            .map_err(|refusal| refuse(refusal.into()))?;
        let Some(credential) = credential else {
            let open = authenticator.open_account(&parts.headers).await;
            let account_id = open.map_err(refuse)?;
            authenticator.limits.open_report(&parts.extensions)?;
            return Ok(Self {
                account_id,
                prefer: None,
            });
        };
        let caller = authenticator.recent_caller(parts, &credential);
        let caller = caller.await.map_err(refuse)?;
        authenticator.limits.report(&caller, &parts.extensions)?;
        require(&caller, Scope::ReportCalls)?;
        Ok(Self {
            account_id: caller.account_id,
            prefer: caller.prefer,
        })
    }
}

impl Authenticator {
    /// Who shows this credential, by an answer of the last second if there is one.
    async fn recent_caller(
        &self,
        parts: &Parts,
        credential: &SecretString,
    ) -> Result<Caller, Failure> {
        let Some(key) = ApiKey::parse(credential.expose_secret()) else {
            return self.caller(parts, credential).await;
        };
        let (sha256, now) = (key.sha256(), Instant::now());
        if let Some(caller) = self.recent_keys.get(&sha256, now) {
            return Ok(caller);
        }
        let caller = self.caller(parts, credential).await?;
        // A directory key is another caller with every `x-on-behalf-of`.
        if caller.kind != KeyKind::Directory {
            self.recent_keys.put(sha256, caller.clone(), now);
        }
        Ok(caller)
    }

    /// The open account that a post without a credential is for.
    async fn open_account(&self, headers: &HeaderMap) -> Result<AccountId, Failure> {
        let name = self.account_name(headers)?;
        let now = Instant::now();
        if let Some(known) = self.recent_accounts.get(&name, now) {
            return Ok(known.ok_or(Refusal::ClosedSurface)?);
        }
        let account = store::ask(accounts::find_by_name(&self.db, &name)).await?;
        let open = account
            .filter(|account| account.voip == VoipMode::Open)
            .map(|account| account.account_id);
        self.recent_accounts.put(name, open, now);
        Ok(open.ok_or(Refusal::ClosedSurface)?)
    }

    /// The first label of the Host under the base domain, else the default account. A host below an account's own is nobody's.
    fn account_name(&self, headers: &HeaderMap) -> Result<String, Refusal> {
        let host = credential::single(headers, &header::HOST)?
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        let host = host
            .rsplit_once(':')
            .map_or(host.as_str(), |(name, _port)| name);
        let below = self.base_domain.as_deref().and_then(|base| {
            host.trim_end_matches('.')
                .strip_suffix(base)?
                .strip_suffix('.')
        });
        Ok(below.unwrap_or(DEFAULT_ACCOUNT).to_owned())
    }
}
