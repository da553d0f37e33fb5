//! `openapi.yaml`: made from the routes themselves, served as it is, and shown at `/docs`.

use std::sync::LazyLock;

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        PathItem,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

mod examples;
mod refusals;
pub mod story;

use super::{calls, error, state::ApiState, voice_calls, voip};

/// The head of the document.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "onhook", description = "Hears of every call's end, ends live calls, keeps one record of each, analyses it, \
        tells who needs to know.\n\nThree documented APIs are served as they are published (tags `voip`, `calls`, `voice_calls`), \
        each with its own envelope; native routes (`/v1/…`) answer RFC 9457 problem documents."),
    tags(
        (name = "voip", description = "Telephony providers and PBXs report calls"),
        (name = "calls", description = "Back ends read calls and end them"),
        (name = "voice_calls", description = "Staff systems keep their side of a call"),
        (name = "operations", description = "For whoever runs the service")
    ),
    // Errors are not among what the handlers name one by one.
    components(schemas(
        calls::envelope::Refused,
        error::Problem,
        voice_calls::envelope::Failure,
        voip::envelope::Refused
    )),
    modifiers(&SecuritySchemes)
)]
pub struct Document;

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key, or a JWT of the configured issuer"))
            .build();
        let basic = HttpBuilder::new()
            .scheme(HttpAuthScheme::Basic)
            .description(Some("The API key as password, whatever the user"))
            .build();
        let key =
            ApiKeyValue::with_description("key", "The API key, for what can only be given a URL");
        document
            .components
            .get_or_insert_default()
            .security_schemes
            .extend([
                ("bearer".to_owned(), SecurityScheme::Http(bearer).into()),
                ("basic".to_owned(), SecurityScheme::Http(basic).into()),
                (
                    "key".to_owned(),
                    SecurityScheme::ApiKey(ApiKey::Query(key)).into(),
                ),
            ]);
    }
}

/// The whole document.
pub fn whole() -> utoipa::openapi::OpenApi {
    let mut document = super::routes().into_openapi();
    for (path, item) in &mut document.paths.paths {
        name_operations(path, item);
    }
    examples::complete(&mut document);
    document
}

/// The whole document as YAML.
pub fn yaml() -> String {
    let yaml = whole().to_yaml();
    yaml.expect("the document is plain data")
}

/// Two routers may be mounted twice and handlers may share a name, so an operation is named by its method and path.
fn name_operations(path: &str, item: &mut PathItem) {
    let place: String = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .flat_map(|word| ["_", word])
        .collect();
    for (method, operation) in examples::operations(item) {
        operation.operation_id = Some(format!("{method}{place}"));
    }
}

/// The route of the document itself.
pub fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(openapi_yaml))
        .routes(routes!(problems))
}

/// The document
#[utoipa::path(
    get, path = "/openapi.yaml", tag = "operations",
    responses((status = 200, description = "This document", body = String, content_type = "application/yaml",
        example = "openapi: 3.1.0\ninfo:\n  title: onhook\n"))
)]
async fn openapi_yaml() -> Response {
    static YAML: LazyLock<String> = LazyLock::new(yaml);
    let media = [(header::CONTENT_TYPE, "application/yaml")];
    (media, YAML.as_str()).into_response()
}

/// The kinds of problems
///
/// What the `type` of a problem document points to.
#[utoipa::path(
    get, path = "/problems", tag = "operations",
    responses((status = 200, description = "A page for people, in Markdown", body = String, content_type = "text/plain",
        example = "# Problems\n"))
)]
async fn problems() -> Response {
    // As plain text, which browsers show instead of keeping it.
    let media = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (media, error::problem::PAGE).into_response()
}

/// The pages at `/docs`: all files come from this binary, and nothing is sent anywhere.
pub fn pages() -> Router<ApiState> {
    SwaggerUi::new("/docs")
        .config(Config::from("/openapi.yaml").validator_url("none"))
        .into()
}
