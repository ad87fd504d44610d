//! Health, readiness, state of the servers, and metrics. None of these starts a server.

use actix_web::http::StatusCode;
use actix_web::http::header::HOST;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::metrics::CONTENT_TYPE;
use serde_json::json;

use super::refusal::Refusal;
use super::{Gate, headers};
use crate::protocol::error;
use crate::report;

pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Reports readiness. A failing server does not make the proxy unready, unless it is the only one.
pub(super) async fn ready(gate: Data<Gate>) -> HttpResponse {
    let backends = gate.hub.backends();
    let failing: Vec<_> = backends
        .iter()
        .filter(|one| one.health.is_failing())
        .map(|one| one.name.to_string())
        .collect();
    let down = gate.hub.is_draining() || (gate.single.is_some() && !failing.is_empty());
    let (status, word) = if down {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    } else {
        (StatusCode::OK, "ready")
    };
    HttpResponse::build(status).json(json!({ "status": word, "failing": failing.len() }))
}

/// Lists the servers for operators. Users of the gateway are denied, since they may not even know of all
/// servers.
pub(super) async fn servers(request: HttpRequest, gate: Data<Gate>) -> HttpResponse {
    let host = headers::text(request.headers(), HOST).unwrap_or_default();
    if let Err(refusal) = headers::check_source(&gate.guard, host, request.headers()) {
        return refusal.response();
    }
    if is_of_user(&request) {
        return not_found().await;
    }
    HttpResponse::Ok().json(json!({ "servers": report::states(&gate.hub) }))
}

/// Returns `true` if the request comes from a user of the gateway.
pub fn is_of_user(request: &HttpRequest) -> bool {
    request.headers().contains_key(headers::USER)
}

/// Returns the metrics page of `--metrics-listen`.
pub async fn metrics_page(gate: Data<Gate>) -> HttpResponse {
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(gate.metrics.render(&gate.hub))
}

pub(super) async fn not_found() -> HttpResponse {
    let why = "not found; servers are at /mcp or /NAME/mcp";
    Refusal::new(StatusCode::NOT_FOUND, error::NOT_FOUND, why).response()
}
