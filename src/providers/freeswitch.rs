//! FreeSWITCH by its event socket: place, hang up, look up; and the call detail records that `mod_json_cdr` posts.
//!
//! Credentials: `secret` is the event socket's password. `account` and `signing_secret` are the user and the password of
//! `mod_json_cdr`'s `cred`; without the latter no record is taken. The base URL is the event socket's, `esl://host:8021`.
//! [`socket`] speaks on it, [`place`] places calls, [`cdr`] reads records, [`wire`] has the words.
//!
//! FreeSWITCH forgets a call as soon as it is over, and tells of it once, then: a record has the call's whole life.

use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};
use secrecy::ExposeSecret as _;

use crate::domain::{
    connection::{AnsweredBy, Credentials},
    report::ProviderCallId,
};

use super::{
    Access, CallOrder, EndOutcome, HangUpOrder, InboundError, InboundReport, InboundRequest,
    LookUp, Provider, ProviderError, Search,
    dial::{Dial, Then},
    profile::{Callbacks, CredentialField, LookUpKind, Profile, Slot, Transport},
};

mod cdr;
mod place;
mod socket;
mod wire;

use socket::Session;

/// For how long a placed call rings.
const RING_MAX: Duration = Duration::from_mins(1);

/// What is fixed about it.
const PROFILE: Profile = Profile {
    title: "FreeSWITCH",
    base_url: None,
    credentials: &[
        CredentialField {
            name: "cdr_user",
            slot: Slot::Account,
            required: true,
            help: "The user in the cred of json_cdr.conf.xml, such as onhook",
        },
        CredentialField {
            name: "password",
            slot: Slot::Secret,
            required: true,
            help: "The password of event_socket.conf.xml",
        },
        CredentialField {
            name: "cdr_password",
            slot: Slot::SigningSecret,
            required: false,
            help: "The password in the cred of json_cdr.conf.xml; without it no record is taken",
        },
    ],
    places: true,
    look_up: LookUpKind::LiveOnly,
    callbacks: Callbacks::Posted {
        proof: "Basic authentication",
    },
    max_duration: true,
    callback_overrides: "",
};

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct FreeSwitch;

#[async_trait]
impl Provider for FreeSwitch {
    fn name(&self) -> &'static str {
        "freeswitch"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn transport(&self) -> Transport {
        Transport::EventSocket
    }

    fn names_calls_by_our_id(&self) -> bool {
        true
    }

    fn check_answer(&self, answered_by: &AnsweredBy) -> Result<(), &'static str> {
        dial(answered_by).map(drop)
    }

    fn read(
        &self,
        request: &InboundRequest<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<InboundReport>, InboundError> {
        verify(request.headers, credentials)?;
        cdr::read(request.body)
    }

    async fn end(
        &self,
        access: &Access<'_>,
        hang_up: &HangUpOrder<'_>,
    ) -> Result<EndOutcome, ProviderError> {
        let Some(id) = wire::word(hang_up.call) else {
            return Ok(EndOutcome::NotFound);
        };
        let command = format!("uuid_kill {id}");
        let said = Session::once(access, &command).await?;
        if said.starts_with("+OK") {
            return Ok(EndOutcome::Ended);
        }
        if wire::is_unknown(&said) {
            return Ok(EndOutcome::NotFound);
        }
        Err(wire::refusal(&said))
    }

    async fn create(
        &self,
        access: &Access<'_>,
        order: &CallOrder<'_>,
    ) -> Result<ProviderCallId, ProviderError> {
        place::create(access, order).await
    }

    async fn created_since(
        &self,
        access: &Access<'_>,
        search: &Search<'_>,
    ) -> Result<Vec<ProviderCallId>, ProviderError> {
        let id = search.call_id.to_string();
        let said = Session::once(access, &format!("uuid_exists {id}")).await?;
        let name = ProviderCallId::parse(id)
            .map_err(|_not| ProviderError::refused("the call's id is no name"))?;
        match wire::truth(&said) {
            Some(true) => Ok(vec![name]),
            Some(false) => Ok(Vec::new()),
            None => Err(wire::refusal(&said)),
        }
    }

    async fn look_up(
        &self,
        access: &Access<'_>,
        call: &ProviderCallId,
    ) -> Result<LookUp, ProviderError> {
        let Some(id) = wire::word(call) else {
            return Ok(LookUp::Unknown);
        };
        let said = Session::once(access, &format!("uuid_dump {id}")).await?;
        if wire::is_unknown(&said) {
            return Ok(LookUp::Unknown);
        }
        if said.starts_with('-') {
            return Err(wire::refusal(&said));
        }
        wire::standing(&said, call)
    }

    async fn probe(&self, access: &Access<'_>) -> Result<(), ProviderError> {
        // Needs the password, and the permission to ask.
        let said = Session::once(access, "uuid_exists onhook").await?;
        match wire::truth(&said) {
            Some(_) => Ok(()),
            None => Err(wire::refusal(&said)),
        }
    }
}

/// How the connection's calls are placed: FreeSWITCH has no ARI.
fn dial(answered_by: &AnsweredBy) -> Result<(Dial<'_>, &str, &str), &'static str> {
    let dial = Dial::of(answered_by)?;
    match dial.then {
        Then::Extension { extension, context } => Ok((dial, extension, context)),
        Then::Stasis(_) => Err("stasis: is Asterisk's; the destination must be EXTENSION@CONTEXT"),
    }
}

/// Whether a record comes from the FreeSWITCH that was told the credentials.
fn verify(headers: &HeaderMap, credentials: &Credentials) -> Result<(), InboundError> {
    let unverified = InboundError::Unverified;
    let password = credentials.signing_secret.as_ref().ok_or(unverified)?;
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unverified);
    };
    let value = value.to_str().map_err(|_opaque| unverified)?;
    let (scheme, pair) = value.split_once(' ').ok_or(unverified)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(unverified);
    }
    let pair = BASE64_STANDARD.decode(pair).map_err(|_not| unverified)?;
    let expected = format!("{}:{}", credentials.account, password.expose_secret());
    verify_slices_are_equal(&pair, expected.as_bytes()).map_err(|_different| unverified)
}
