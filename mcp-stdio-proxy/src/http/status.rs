//! Health, readiness, state of the servers, and metrics. None of these starts a server.

use actix_web::http::StatusCode;
use actix_web::http::header::HOST;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::metrics::CONTENT_TYPE;
use serde_json::json;

use super::http_error::HttpError;
use super::{AppState, headers};
use crate::messages::error;
use crate::operations::report;

pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Reports readiness. A failing server does not make the proxy unready, unless it is the only one.
pub(super) async fn ready(app: Data<AppState>) -> HttpResponse {
    let servers = app.registry.servers();
    let failing: Vec<_> = servers
        .iter()
        .filter(|one| one.health.is_failing())
        .map(|one| one.name.to_string())
        .collect();
    let down = app.registry.is_draining() || (app.single.is_some() && !failing.is_empty());
    let (status, word) = if down {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    } else {
        (StatusCode::OK, "ready")
    };
    HttpResponse::build(status).json(json!({ "status": word, "failing": failing.len() }))
}

/// Lists the servers for operators. Users of the gateway are denied, since they may not even know of all
/// servers.
pub(super) async fn servers(request: HttpRequest, app: Data<AppState>) -> HttpResponse {
    let host = headers::text(request.headers(), HOST).unwrap_or_default();
    if let Err(refusal) = headers::check_source(&app.guard, host, request.headers()) {
        return refusal.response();
    }
    if is_of_user(&request) {
        return not_found().await;
    }
    HttpResponse::Ok().json(json!({ "servers": report::states(&app.registry) }))
}

/// Returns `true` if the request comes from a user of the gateway.
pub fn is_of_user(request: &HttpRequest) -> bool {
    request.headers().contains_key(headers::USER)
}

/// Returns the metrics page of `--metrics-listen`.
pub async fn metrics_page(app: Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(app.metrics.render(&app.registry))
}

pub(super) async fn not_found() -> HttpResponse {
    let why = "not found; servers are at /mcp or /NAME/mcp";
    HttpError::new(StatusCode::NOT_FOUND, error::NOT_FOUND, why).response()
}
