//! What an endpoint's webhooks are signed with: its keys, and new ones.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    api::{
        answer,
        auth::require,
        document::story,
        error::{Code, Error, Problem},
        extract::{BODY_BYTES_MAX, Fields, JsonBody, Path, Reader},
        idempotency::Once,
        native::{NoSuch, Refusals, Unreadable},
        state::ApiState,
    },
    domain::{
        account::{Caller, Scope},
        endpoint::{OVERLAP_S_DEFAULT, OVERLAP_S_MAX, Scheme},
        id::{EndpointId, EndpointKeyId},
    },
    store::{
        self,
        endpoint_keys::{self, Key},
        endpoints,
    },
    webhooks::keys::{self, RotateError, Rotated, Wanted},
};

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_keys))
        .routes(routes!(rotate_key))
}

/// A key, without what is secret of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::endpoint_key()))]
struct KeyObject {
    /// Its id.
    id: EndpointKeyId,
    /// How it signs.
    scheme: Scheme,
    /// What receivers verify `v1a` with.
    public_key: Option<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it stops signing; null: it is the present one of its scheme.
    expires_at: Option<DateTime<Utc>>,
}

/// An endpoint's keys.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::endpoint_keys()))]
struct KeyList {
    /// The present ones first. One that signs no more is shown for 30 days.
    data: Vec<KeyObject>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::endpoint_key_rotated()))]
pub struct KeyRotated {
    #[serde(flatten)]
    key: KeyObject,
    /// What receivers verify `v1` with; not shown again. Null for `v1a`.
    secret: Option<String>,
    /// Those before it, which sign beside it until they expire.
    former: Vec<KeyObject>,
}

/// A key that is wanted. [`wanted`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"scheme": "v1", "overlap_s": 86_400}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct RotateBody {
    /// How it signs; `v1` unless it is said.
    #[schema(required = false)]
    scheme: Scheme,
    /// For how many seconds the present key signs beside it; a day unless it is said. 0: neither it nor any before it, for a key that
    /// somebody else has.
    #[schema(required = false, minimum = 0, maximum = 604_800, default = 86_400)]
    overlap_s: i32,
}

fn wanted(body: &[u8]) -> Result<(Scheme, i32), Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&["scheme", "overlap_s"]);
    let schemes = [("v1", Scheme::V1), ("v1a", Scheme::V1a)];
    let scheme = reader.optional("scheme", |field| field.one_of(&schemes));
    let overlap_s = reader.optional("overlap_s", |field| field.whole(0, OVERLAP_S_MAX));
    reader.finish(Some((
        scheme.unwrap_or(Scheme::V1),
        overlap_s.unwrap_or(OVERLAP_S_DEFAULT),
    )))
}

impl From<Key> for KeyObject {
    fn from(key: Key) -> Self {
        Self {
            id: key.key_id,
            scheme: key.scheme,
            public_key: key.public,
            created_at: key.created_at,
            expires_at: key.expires_at,
        }
    }
}

impl KeyRotated {
    /// The new key as it is shown this once; none only if there is no key.
    pub fn new(rotated: Rotated) -> Option<Self> {
        let mut keys = rotated.keys.into_iter().map(KeyObject::from);
        let key = keys.next()?;
        let is_secret = key.scheme == Scheme::V1;
        Some(Self {
            secret: is_secret.then(|| rotated.verifying.expose_secret().to_owned()),
            key,
            former: keys.collect(),
        })
    }
}

impl From<RotateError> for Error {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::Secret(error) => Self::internal().caused_by(error),
            RotateError::TooMany => Self::new(
                Code::InvalidTransition,
                format!("{error}: wait until one expires, or end them by overlap_s 0"),
            ),
            RotateError::Store(error) => error.into(),
        }
    }
}

/// List the keys of a webhook endpoint
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}/keys", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id")),
    responses((status = 200, description = "Its keys, without what is secret", body = KeyList), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn list_keys(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let account_id = caller.account_id;
    let found = store::ask(endpoints::find(&state.db, account_id, endpoint_id)).await?;
    found.ok_or_else(|| Error::not_found("endpoint"))?;
    let keys = store::ask(endpoint_keys::list(&state.db, account_id, endpoint_id)).await?;
    let data = keys.into_iter().map(KeyObject::from).collect();
    Ok(answer::json(StatusCode::OK, &KeyList { data }))
}

/// Rotate the secret of a webhook endpoint
///
/// Makes a new key. The present one signs beside it for as long as is said, so that a receiver verifies by either: put the new one there
/// in that time.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/rotate-secret", tag = "webhooks",
    params(
        ("id" = uuid::Uuid, Path, description = "The endpoint's id"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
            description = "Made again with this key within a day, the request makes nothing and is answered as before"),
    ),
    request_body = RotateBody,
    responses(
        (status = 201, description = "Made; a secret is shown this once", body = KeyRotated),
        (status = 409, description = "Five keys of this scheme sign already, or the same request is being worked on",
         body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The `Idempotency-Key` was used for another request",
         body = Problem, content_type = "application/problem+json"),
        NoSuch, Refusals, Unreadable
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn rotate_key(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
    once: Once,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let JsonBody(body) = body?;
    let (scheme, overlap_s) = wanted(&body)?;
    let (with, of) = (state.clone(), (caller.account_id, endpoint_id));
    let rotate = move |id: Uuid| async move {
        let wanted = Wanted {
            key_id: id.into(),
            scheme,
            overlap_s,
        };
        let rotated = keys::rotate(&with.db, &with.sealing_key, of, wanted).await?;
        let rotated = rotated.ok_or_else(|| Error::not_found("endpoint"))?;
        let shown = KeyRotated::new(rotated).ok_or_else(Error::internal)?;
        Ok(answer::json(StatusCode::CREATED, &shown))
    };
    once.perform(&state, &caller, &body, rotate).await
}
