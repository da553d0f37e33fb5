//! The webhooks of the voice-calls surface's platform: staff systems subscribe a URL to what happens to voice calls. Its errors are those of
//! that surface. A subscription is an endpoint of the account: [`super::endpoints`] shows it, too.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    error::{Code, Error, FieldError},
    extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, Reader, Wrong},
    state::{ApiState, Parts},
    voice_calls::{
        envelope::{BodyRefusals, Refusals},
        parse,
    },
};
use crate::{
    domain::{
        account::{Caller, Scope},
        endpoint::{Endpoint, EndpointState},
        event::EventType,
        id::EndpointId,
    },
    webhooks::{
        manage::AddError,
        settings::Means,
        subscribe::{self, Meant, Subscribed},
    },
};

/// What can be subscribed to here.
const EVENTS: [(&str, EventType); 2] = [
    ("voice_call/create", EventType::VoiceCallCreate),
    ("voice_call/update", EventType::VoiceCallUpdate),
];

/// The id of the subscription of the examples.
const EXAMPLE: &str = "0199c0de-0000-7000-8000-0000000000f6";

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(subscribe_webhook))
        .routes(routes!(unsubscribe_webhook))
        .routes(routes!(list_webhooks))
}

/// What is subscribed to, and where it is to be told. [`wanted`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"event": "voice_call/create", "target_url": "https://example.com/voice-calls"}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct SubscribeWebhook {
    /// `voice_call/create`, or `voice_call/update` (ours).
    #[schema(pattern = "^voice_call/(create|update)$")]
    event: String,
    /// Where it is posted: http or https, a public address.
    #[schema(max_length = 2048)]
    target_url: String,
}

/// Which subscriptions are to be removed: those at the URL, of all events unless one is named; or the one with the id. [`meant`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"event": "voice_call/create", "target_url": "https://example.com/voice-calls"}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct UnsubscribeWebhook {
    /// `voice_call/create`, or `voice_call/update` (ours).
    #[schema(required = false, pattern = "^voice_call/(create|update)$")]
    event: String,
    /// Where it is posted; needed unless there is an id.
    #[schema(required = false, max_length = 2048)]
    target_url: String,
    /// The subscription's id (ours).
    #[schema(required = false)]
    subscription_id: uuid::Uuid,
}

/// What is done, in the envelope of the platform.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlatformDone)]
struct Done<T> {
    /// Always `OK`.
    #[schema(example = "OK")]
    status: &'static str,
    /// What was asked for.
    data: T,
}

/// A subscription as it is made.
#[derive(Debug, Serialize, ToSchema)]
struct SubscriptionMade {
    #[serde(flatten)]
    subscription: WebhookSubscription,
    /// What its webhooks are signed with (ours), shown this once: null if it was subscribed before.
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{43}=$")]
    secret: Option<String>,
}

/// A subscription.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookSubscription {
    /// Its id; also that of the endpoint which it is.
    subscription_id: EndpointId,
    /// What is told.
    event: EventType,
    /// Where.
    target_url: String,
    /// Whether it is told anything (ours).
    state: EndpointState,
    /// Since when (ours).
    created_at: DateTime<Utc>,
}

/// The account's subscriptions.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookSubscriptions {
    /// All of them, oldest first: an account may have 50 endpoints.
    webhooks: Vec<WebhookSubscription>,
}

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
struct Unsubscribed {
    /// Always `OK`.
    #[schema(example = "OK")]
    status: &'static str,
    /// Always `Unsubscribed`, also where nothing was subscribed.
    #[schema(example = "Unsubscribed")]
    response: &'static str,
    /// What that was (ours).
    data: UnsubscribedIds,
}

/// The subscriptions that are gone.
#[derive(Debug, Serialize, ToSchema)]
struct UnsubscribedIds {
    /// Their ids.
    subscription_ids: Vec<EndpointId>,
}

impl<T> Done<T> {
    fn new(data: T) -> Self {
        Self { status: "OK", data }
    }
}

impl WebhookSubscription {
    fn new(event: EventType, endpoint: Endpoint) -> Self {
        Self {
            subscription_id: endpoint.endpoint_id,
            event,
            target_url: endpoint.url,
            state: endpoint.state,
            created_at: endpoint.created_at,
        }
    }
}

fn example(event: &str) -> Value {
    json!({
        "subscription_id": EXAMPLE, "event": event, "target_url": "https://example.com/voice-calls", "state": "enabled",
        "created_at": "2026-03-01T08:10:00Z",
    })
}

fn example_made(secret: Option<String>) -> Value {
    let mut made = example("voice_call/create");
    if let Some(fields) = made.as_object_mut() {
        fields.insert("secret".to_owned(), json!(secret));
    }
    json!({"status": "OK", "data": made})
}

fn event(field: &Field<'_>) -> Result<EventType, Wrong> {
    field.one_of(&EVENTS)
}

fn url(field: &Field<'_>) -> Result<String, Wrong> {
    Ok(field.text()?.to_owned())
}

/// What is to be told, and where. Everything that is wrong is named at once; fields that are not known are passed over.
fn wanted(body: &[u8]) -> Result<(EventType, String), Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    let read = reader
        .required("event", event)
        .zip(reader.required("target_url", url));
    parse::finish(reader)?;
    read.ok_or_else(|| Error::new(Code::Unprocessable, "the body is not complete"))
}

/// Which subscriptions are meant.
fn meant(body: &[u8]) -> Result<Meant, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    let meant = Meant {
        event: reader.optional("event", event),
        url: reader.optional("target_url", url),
        endpoint_id: reader.optional("subscription_id", Field::uuid),
    };
    if !reader.has("target_url") && !reader.has("subscription_id") {
        reader.refuse(FieldError::missing("target_url"));
    }
    parse::finish(reader)?;
    Ok(meant)
}

fn means(state: &Parts) -> Means<'_> {
    Means {
        db: &state.db,
        egress: &state.egress,
        sealing_key: &state.sealing_key,
    }
}

/// Why there is no subscription, by the names of this surface.
fn refused(error: AddError) -> Error {
    match error {
        AddError::Url(refusal) => {
            let field = FieldError::invalid("target_url", refusal);
            Error::fields(Code::Unprocessable, vec![field])
        }
        AddError::TooMany | AddError::Headers(_) | AddError::Secret(_) | AddError::Store(_) => {
            error.into()
        }
    }
}

/// Subscribe to a webhook
///
/// The URL is told from now on: a POST with `[{"entity_name": "voice_call", "event_type": "create", "data": {…}}]`, `data` being the voice
/// call as reading it answers, signed as all webhooks are. The same again answers the same subscription, and enables it if it was disabled.
#[utoipa::path(
    post, path = "/platform/v1/webhook/subscribe", tag = "webhooks",
    request_body = SubscribeWebhook,
    responses(
        (status = 201, description = "Subscribed; the secret is shown this once", body = Done<SubscriptionMade>,
            example = json!(example_made(Some(format!("whsec_{}=", "A".repeat(43)))))),
        (status = 200, description = "It was subscribed before", body = Done<SubscriptionMade>, example = json!(example_made(None))),
        Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn subscribe_webhook(
    State(state): State<ApiState>,
    caller: Caller,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::WriteVoiceCalls)?;
    let JsonBody(body) = body?;
    let (event, url) = wanted(&body)?;
    let done = subscribe::subscribe(means(&state), caller.account_id, (event, url));
    let (status, endpoint, secret) = match done.await.map_err(refused)? {
        Subscribed::New(endpoint, secret) => (StatusCode::CREATED, endpoint, Some(secret)),
        Subscribed::Again(endpoint) => (StatusCode::OK, endpoint, None),
    };
    let made = SubscriptionMade {
        subscription: WebhookSubscription::new(event, endpoint),
        secret: secret.map(|secret| secret.expose_secret().to_owned()),
    };
    Ok(answer::json(status, &Done::new(made)))
}

/// Unsubscribe from a webhook
///
/// What is on its way to it is discarded. What was not subscribed is none afterwards, too: the answer is the same.
#[utoipa::path(
    post, path = "/platform/v1/webhook/unsubscribe", tag = "webhooks",
    request_body = UnsubscribeWebhook,
    responses(
        (status = 200, description = "Nothing is told any more", body = Unsubscribed,
            example = json!({"status": "OK", "response": "Unsubscribed", "data": {"subscription_ids": [EXAMPLE]}})),
        Refusals, BodyRefusals
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn unsubscribe_webhook(
    State(state): State<ApiState>,
    caller: Caller,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::WriteVoiceCalls)?;
    let JsonBody(body) = body?;
    let meant = meant(&body)?;
    let gone = subscribe::unsubscribe(&state.db, caller.account_id, meant).await?;
    let shown = Unsubscribed {
        status: "OK",
        response: "Unsubscribed",
        data: UnsubscribedIds {
            subscription_ids: gone,
        },
    };
    Ok(answer::json(StatusCode::OK, &shown))
}

/// List the webhooks that are subscribed to
#[utoipa::path(
    get, path = "/platform/v1/webhooks", tag = "webhooks",
    responses(
        (status = 200, description = "All subscriptions of the account", body = Done<WebhookSubscriptions>,
            example = json!({"status": "OK", "data": {"webhooks": [example("voice_call/create")]}})),
        Refusals
    ),
    security(("bearer" = []))
)]
async fn list_webhooks(State(state): State<ApiState>, caller: Caller) -> Result<Response, Error> {
    // Where an account is told is nothing for its clients, who read voice calls.
    require(&caller, Scope::WriteVoiceCalls)?;
    let listed = subscribe::list(&state.db, caller.account_id)
        .await?
        .into_iter();
    let webhooks = listed.map(|(event, endpoint)| WebhookSubscription::new(event, endpoint));
    let shown = WebhookSubscriptions {
        webhooks: webhooks.collect(),
    };
    Ok(answer::json(StatusCode::OK, &Done::new(shown)))
}
