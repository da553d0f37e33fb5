//! Why a receiver does not verify what it was sent.

use axum::{extract::State, http::StatusCode, response::Response};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    api::{
        answer,
        auth::require,
        document::story,
        error::Error,
        extract::{Fields, JsonBody, Path, Reader},
        native::{NoSuch, Refusals, Unreadable},
        state::ApiState,
    },
    domain::{
        account::{Caller, Scope},
        id::EndpointId,
    },
    store::{self, endpoints, events},
    webhooks::{
        explain::{Explanation, Known, Received, explain},
        keys,
    },
};

/// The largest body that is read, in bytes: a webhook's may have a whole transcript, and is written as a string here.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(explain_signature))
}

/// What a receiver got, and what it made of it. [`read`] reads it.
#[derive(ToSchema)]
#[schema(example = json!(story::signature_to_explain()))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct ExplainBody {
    /// The header `webhook-id`.
    webhook_id: String,
    /// The header `webhook-timestamp`.
    webhook_timestamp: String,
    /// The header `webhook-signature`.
    webhook_signature: String,
    /// The body, as text.
    body: String,
    /// The secret or public key that the receiver verifies with.
    #[schema(required = false, nullable)]
    secret: Option<String>,
    /// The signature that the receiver makes itself.
    #[schema(required = false, nullable)]
    computed_signature: Option<String>,
}

/// The fields of [`ExplainBody`], as text.
struct Asked {
    id: String,
    timestamp: String,
    signature: String,
    body: String,
    secret: Option<String>,
    computed: Option<String>,
}

fn read(body: &[u8]) -> Result<Asked, Error> {
    let fields = Fields::from_json(body)?;
    let mut reader = Reader::new(&fields);
    reader.only(&[
        "webhook_id",
        "webhook_timestamp",
        "webhook_signature",
        "body",
        "secret",
        "computed_signature",
    ]);
    let id = reader.required("webhook_id", |field| Ok(field.text()?.to_owned()));
    let timestamp = reader.required("webhook_timestamp", |field| Ok(field.text()?.to_owned()));
    let signature = reader.required("webhook_signature", |field| Ok(field.text()?.to_owned()));
    let body = reader.required("body", |field| Ok(field.text()?.to_owned()));
    let secret = reader.optional("secret", |field| Ok(field.text()?.to_owned()));
    let computed = reader.optional("computed_signature", |field| Ok(field.text()?.to_owned()));
    let read = id.zip(timestamp).zip(signature).zip(body);
    reader.finish(read.map(|(((id, timestamp), signature), body)| Asked {
        id,
        timestamp,
        signature,
        body,
        secret,
        computed,
    }))
}

/// Explain why a signature does not verify
///
/// Give the headers and the body as the receiver's check has them and, if you like, the secret it verifies with and the signature it makes
/// itself. Each part of the check is gone through, and the usual mistakes are tried out. Nothing of it is kept.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/explain-signature", tag = "webhooks",
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id")),
    request_body = ExplainBody,
    responses(
        (status = 200, description = "The check, part by part", body = Explanation, example = json!(story::signature_explained())),
        NoSuch, Refusals, Unreadable
    ),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn explain_signature(
    State(state): State<ApiState>,
    caller: Caller,
    Path(endpoint_id): Path<EndpointId>,
    body: Result<JsonBody<BODY_BYTES_MAX>, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let JsonBody(body) = body?;
    let asked = read(&body)?;
    let of = (caller.account_id, endpoint_id);
    let found = store::ask(endpoints::find(&state.db, of.0, of.1)).await?;
    found.ok_or_else(|| Error::not_found("endpoint"))?;
    let event = match asked.id.parse::<Uuid>() {
        Ok(id) => store::ask(events::find(&state.db, of.0, id.into())).await?,
        Err(_) => None,
    };
    let keys = keys::known(&state.db, &state.sealing_key, of).await?;
    let now = store::within::<_, store::Error>(async {
        let mut conn = state.db.acquire().await?;
        Ok(store::now(&mut conn).await?)
    });
    let received = Received {
        id: &asked.id,
        timestamp: &asked.timestamp,
        signature: &asked.signature,
        body: &asked.body,
        secret: asked.secret.as_deref(),
        computed: asked.computed.as_deref(),
    };
    let known = Known {
        keys: &keys,
        sent: event.as_ref().map(|event| event.body.as_str()),
        now: now.await?,
    };
    Ok(answer::json(StatusCode::OK, &explain(&received, &known)))
}
