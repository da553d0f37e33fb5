//! Which connection has a number: it hangs up the number's calls, and places calls from it.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{body, means, unknown_connection};
use crate::{
    api::{
        answer,
        auth::require,
        document::story,
        error::{Code, Error, FieldError, Place},
        extract::{BODY_BYTES_MAX, Field, Fields, JsonBody, PathText, QueryFields, Reader},
        native::{BodyRefusals, NoSuch, Refusals},
        state::ApiState,
    },
    calls::connect::{ConnectError, route},
    domain::{
        account::{Caller, Scope},
        id::ConnectionId,
        party::E164,
    },
    store::{
        self,
        numbers::{self, Routed},
    },
};

/// The most numbers of one page, and how many there are unless a request says otherwise.
const PAGE_MAX: i32 = 1000;
const PAGE: i32 = 100;

/// The routes of this module.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_numbers))
        .routes(routes!(put_number, delete_number))
}

/// Where a number is to be routed. [`body::connection_id`] reads it.
#[derive(ToSchema)]
#[schema(example = json!({"connection_id": "0199c0de-0000-7000-8000-0000000000c1"}))]
#[expect(
    dead_code,
    reason = "the document's description of a body that is read field by field"
)]
struct NumberBody {
    /// The connection.
    connection_id: ConnectionId,
}

/// A routed number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::number()))]
struct NumberObject {
    /// The number, in E.164.
    number: String,
    /// The connection that hangs up its calls, and places calls from it.
    connection_id: ConnectionId,
    /// The connection's vendor.
    provider: String,
}

/// A page of the account's routed numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::numbers()))]
struct NumberList {
    /// In the order of the numbers.
    data: Vec<NumberObject>,
    /// What to give as `after` for the next page; null on the last one.
    next_after: Option<String>,
}

/// What of the numbers is asked for.
struct Asked {
    connection_id: Option<ConnectionId>,
    after: Option<E164>,
    limit: i32,
}

impl From<Routed> for NumberObject {
    fn from(routed: Routed) -> Self {
        Self {
            number: routed.number,
            connection_id: routed.connection_id,
            provider: routed.provider,
        }
    }
}

/// Lists the account's routed numbers
#[utoipa::path(
    get, path = "/v1/numbers", tag = "connections",
    params(
        ("connection_id" = Option<uuid::Uuid>, Query, description = "Those of this connection alone"),
        ("after" = Option<String>, Query, description = "Those behind this number: `next_after` of the page before"),
        ("limit" = Option<i32>, Query, minimum = 1, maximum = 1000, description = "How many at most; 100 unless given"),
    ),
    responses((status = 200, description = "A page of them", body = NumberList), Refusals),
    security(("bearer" = []))
)]
async fn list_numbers(
    State(state): State<ApiState>,
    caller: Caller,
    QueryFields(query): QueryFields,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let asked = asked(&query)?;
    let page = numbers::Page {
        connection_id: asked.connection_id,
        after: asked.after.as_ref().map(E164::as_str),
        // One more than is shown tells whether there are more.
        limit: i64::from(asked.limit) + 1,
    };
    let mut found = store::ask(numbers::list(&state.db, caller.account_id, page)).await?;
    let limit = usize::try_from(asked.limit).unwrap_or_default();
    let more = found.len() > limit;
    found.truncate(limit);
    let next_after = found
        .last()
        .filter(|_| more)
        .map(|last| last.number.clone());
    let data = found.into_iter().map(NumberObject::from).collect();
    Ok(answer::json(
        StatusCode::OK,
        &NumberList { data, next_after },
    ))
}

/// Routes a number to a connection
///
/// Instead of any other. Calls that are live already are hung up by the connection that they came by. At most 1,000 numbers may be
/// routed to a connection.
#[utoipa::path(
    put, path = "/v1/numbers/{number}", tag = "connections",
    params(("number" = String, Path, description = "The number in E.164, such as `+14155550100`")),
    request_body = NumberBody,
    responses((status = 200, description = "It is routed there", body = NumberObject), Refusals, BodyRefusals),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn put_number(
    State(state): State<ApiState>,
    caller: Caller,
    PathText(number): PathText,
    body: Result<JsonBody, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let JsonBody(body) = body?;
    let number = parsed(&number)?;
    let connection_id: ConnectionId = body::connection_id(&body)?.into();
    let of = (caller.account_id, connection_id);
    match route::route(means(&state), of, &number).await {
        // The number is what the path names; the connection stands in the body.
        Err(ConnectError::NotFound) => {
            return Err(Error::fields(
                Code::Unprocessable,
                vec![unknown_connection()],
            ));
        }
        routed => routed?,
    }
    let vendor = super::vendor_of(&state, of).await?;
    let routed = NumberObject {
        number: number.as_str().to_owned(),
        connection_id,
        provider: vendor.name().to_owned(),
    };
    Ok(answer::json(StatusCode::OK, &routed))
}

/// Takes a number from its connection
///
/// Nothing hangs up its calls then unless their provider itself reported them, and none are placed from it.
#[utoipa::path(
    delete, path = "/v1/numbers/{number}", tag = "connections",
    params(("number" = String, Path, description = "The number in E.164, such as `+14155550100`")),
    responses((status = 204, description = "It is routed nowhere"), NoSuch, Refusals),
    security(("bearer" = []))
)]
async fn delete_number(
    State(state): State<ApiState>,
    caller: Caller,
    PathText(number): PathText,
) -> Result<StatusCode, Error> {
    require(&caller, Scope::ManageAccount)?;
    let number = parsed(&number)?;
    if route::unroute(means(&state), caller.account_id, &number).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::not_found("number"))
    }
}

fn parsed(number: &str) -> Result<E164, Error> {
    number
        .parse()
        .map_err(|wrong: crate::domain::party::NotE164| {
            let refused = FieldError::invalid("number", wrong);
            Error::fields(Code::InvalidInput, vec![refused]).at(Place::Path)
        })
}

fn asked(query: &Fields<'_>) -> Result<Asked, Error> {
    let mut reader = Reader::new(query);
    reader.only(&["connection_id", "after", "limit"]);
    let connection_id = reader.optional("connection_id", Field::uuid);
    let after = reader.optional("after", Field::parse);
    let limit = reader.optional("limit", |field| field.digits(1, PAGE_MAX));
    reader.finish(Some(Asked {
        connection_id,
        after,
        limit: limit.unwrap_or(PAGE),
    }))
}
