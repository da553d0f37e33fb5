//! Endpoints as they are shown: without anything secret.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::document::story,
    domain::{
        endpoint::{
            DisabledReason, Endpoint, EndpointKind, EndpointState, Scheme, headers::MASK,
            subscription::Filter,
        },
        id::EndpointId,
    },
};

/// A webhook endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::endpoint()))]
pub struct EndpointObject {
    /// Its id.
    id: EndpointId,
    /// Where events are posted.
    url: String,
    /// How it is told: by our events, or as a subscription of `/platform/v1/webhooks`.
    kind: EndpointKind,
    /// What it wants to be told; empty means all types but operational ones.
    event_types: Vec<Filter>,
    /// How its webhooks are signed.
    signatures: Vec<Scheme>,
    /// What receivers verify `v1a` with: an ed25519 key in base64.
    #[schema(pattern = "^whpk_[A-Za-z0-9+/]{43}=$")]
    public_key: Option<String>,
    /// The headers of its own. Their values are not shown.
    headers: BTreeMap<String, String>,
    /// Its credential. What is secret of it is not shown.
    authorization: Option<AuthorizationShown>,
    /// How many requests it takes in a second, at most; null: as many as the service makes.
    max_per_second: Option<i32>,
    /// How many requests it takes at once, at most; null: as many as the service makes.
    max_concurrency: Option<i32>,
    /// Whether it is told anything.
    state: EndpointState,
    /// Why it is disabled: somebody did it, it answered 410, or it has failed for days.
    disabled_reason: Option<DisabledReason>,
    /// When it was added.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

/// That there is a credential.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuthorizationShown {
    /// `bearer` or `basic`.
    #[serde(rename = "type")]
    #[schema(pattern = "^(bearer|basic)$")]
    kind: String,
}

/// An endpoint that was just added.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::endpoint_added()))]
pub(super) struct EndpointAdded {
    #[serde(flatten)]
    pub(super) endpoint: EndpointObject,
    /// What its `v1` signatures are made with. Not shown again.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")]
    pub(super) secret: String,
}

/// A page of the account's endpoints.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::endpoints()))]
pub(super) struct EndpointList {
    /// Oldest first.
    pub(super) data: Vec<EndpointObject>,
    /// The `cursor` of the next page; null on the last.
    pub(super) next_cursor: Option<EndpointId>,
}

impl From<Endpoint> for EndpointObject {
    fn from(endpoint: Endpoint) -> Self {
        let headers = endpoint.header_names.into_iter();
        let authorization = endpoint.authorization_type;
        Self {
            id: endpoint.endpoint_id,
            url: endpoint.url,
            kind: endpoint.kind,
            event_types: endpoint.subscription.filters().to_vec(),
            signatures: endpoint.signatures,
            public_key: endpoint.public_key,
            headers: headers.map(|name| (name, MASK.to_owned())).collect(),
            authorization: authorization.map(|kind| AuthorizationShown { kind }),
            max_per_second: endpoint.max_per_second,
            max_concurrency: endpoint.max_concurrency,
            state: endpoint.state,
            disabled_reason: endpoint.disabled_reason,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}
