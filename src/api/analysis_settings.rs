//! Native routes for what an account wants of its analyses.

use axum::{extract::State, http::StatusCode, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    answer,
    auth::require,
    document::story,
    error::{Code, Error, FieldError},
    extract::Json,
    native::{BodyRefusals, Refusals},
    state::ApiState,
};
use crate::{
    domain::{
        account::{Caller, Scope},
        analysis::{Settings, settings::BODY_BYTES_MAX},
    },
    store::{self, analysis_settings},
};

/// The routes of this module.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_settings, put_settings))
}

/// What the account wants of its analyses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!(story::analysis_settings()))]
struct SettingsObject {
    #[serde(flatten)]
    settings: Settings,
    /// Since when; null for an account that has never said anything.
    updated_at: Option<DateTime<Utc>>,
}

/// Read what the account wants of its analyses
#[utoipa::path(
    get, path = "/v1/analysis-settings", tag = "analysis",
    responses((status = 200, description = "The settings, the defaults among them", body = SettingsObject), Refusals),
    security(("bearer" = []))
)]
async fn get_settings(State(state): State<ApiState>, caller: Caller) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let kept = store::ask(analysis_settings::find(&state.db, caller.account_id)).await?;
    Ok(shown(kept.settings, kept.updated_at))
}

/// Say what the account wants of its analyses
///
/// Replaces all of it: what is not said is as documented again. Counts for analyses that are made from now on; an analysis that is
/// there already is made again by `POST /v1/calls/{id}/analysis`, all of them by `onhook reanalyze`. At most 256 KiB.
#[utoipa::path(
    put, path = "/v1/analysis-settings", tag = "analysis",
    request_body = Settings,
    responses((status = 200, description = "The settings as they are now", body = SettingsObject), Refusals, BodyRefusals),
    security(("bearer" = [])),
    extensions(("x-body-bytes-max" = json!(BODY_BYTES_MAX)))
)]
async fn put_settings(
    State(state): State<ApiState>,
    caller: Caller,
    body: Result<Json<Value, BODY_BYTES_MAX>, Error>,
) -> Result<Response, Error> {
    require(&caller, Scope::ManageAccount)?;
    let Json(body) = body?;
    let settings = Settings::read(&body).map_err(|faults| {
        let fields = faults.into_iter().map(FieldError::from).collect();
        Error::fields(Code::Unprocessable, fields)
    })?;
    let updated_at = store::within(async {
        let mut conn = state.db.acquire().await.map_err(store::Error::from)?;
        let put = analysis_settings::put(&mut conn, caller.account_id, &settings);
        Ok::<_, store::Error>(put.await?)
    })
    .await?;
    Ok(shown(settings, Some(updated_at)))
}

fn shown(settings: Settings, updated_at: Option<DateTime<Utc>>) -> Response {
    let object = SettingsObject {
        settings,
        updated_at,
    };
    answer::json(StatusCode::OK, &object)
}
