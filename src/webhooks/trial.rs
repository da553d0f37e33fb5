//! An endpoint tried out: one signed event now, by the way that every webhook goes, and all of what came of it.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    request::{self, Message, Sent},
    settings::Means,
};
use crate::{
    domain::{
        endpoint::headers::MASK,
        id::{AccountId, EndpointId, EventId},
    },
    store::{
        self,
        endpoint_targets::{self, Which},
        within,
    },
};

/// The type of the event. Nobody can subscribe to it, and it is not kept.
pub const TYPE: &str = "webhook.test";

/// What was sent, and what came of it.
#[derive(Debug)]
pub struct Tried {
    /// Where to.
    pub url: String,
    /// The headers; what the account set itself is masked. None if nothing could be sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What came of it.
    pub sent: Sent,
}

/// Tries an endpoint, also one that is disabled. Nothing is changed or counted, whatever comes of it. None: there is no such endpoint.
pub async fn run(
    with: Means<'_>,
    (account_id, endpoint_id): (AccountId, EndpointId),
) -> Result<Option<Tried>, store::Error> {
    let of = (account_id, endpoint_id);
    let found = within::<_, store::Error>(async {
        let mut conn = with.db.acquire().await?;
        let targets = endpoint_targets::load(&mut *conn, &[of], Which::Any).await?;
        Ok((targets, store::now(&mut conn).await?))
    });
    let (mut targets, at) = found.await?;
    let Some((_, target)) = targets.pop() else {
        return Ok(None);
    };
    let told = json!({"type": TYPE, "timestamp": at, "data": {"endpoint_id": endpoint_id}});
    let body = told.to_string();
    let message = Message {
        event_id: EventId::generate(),
        at,
        body: body.clone(),
    };
    let built = request::build(with.sealing_key, of, &target, message);
    let headers = built.as_ref().map_or_else(
        |_outcome| Vec::new(),
        |request| {
            let shown = request.headers.iter().map(|(name, value)| {
                let text = if value.is_sensitive() {
                    MASK
                } else {
                    value.to_str().unwrap_or(MASK)
                };
                (name.as_str().to_owned(), text.to_owned())
            });
            shown.collect()
        },
    );
    let sent = request::send(with.egress, built).await;
    Ok(Some(Tried {
        url: target.url,
        headers,
        body,
        at,
        sent,
    }))
}
