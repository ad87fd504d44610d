//! The inner interface, for auth-service and operators: the state of the servers, their tools, and checks on
//! demand. It is off by default, and must never be exposed through Traefik.

mod listen;

use actix_web::http::StatusCode;
use actix_web::http::header::{HOST, ORIGIN};
use actix_web::web::{self, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use crate::access::audit::Page;
use crate::http::{AppState, is_of_user};
use crate::operations::check::check;
use crate::operations::report;
pub use listen::{Listener, Socket, serve};

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/servers", web::get().to(servers))
        .route("/audit", web::get().to(audit))
        .route("/servers/{name}/tools", web::get().to(tools))
        .route("/servers/{name}/check", web::post().to(checked))
        .default_service(web::to(not_found));
}

async fn servers(request: HttpRequest, app: Data<AppState>) -> HttpResponse {
    if !is_allowed(&request, &app) {
        return forbidden();
    }
    HttpResponse::Ok().json(report::servers(&app.registry))
}

async fn tools(request: HttpRequest, app: Data<AppState>, name: Path<String>) -> HttpResponse {
    if !is_allowed(&request, &app) {
        return forbidden();
    }
    match app.registry.server(&name) {
        Some(server) => HttpResponse::Ok().json(report::tools(&server)),
        None => unknown_server(),
    }
}

/// The position of a reader of audit events.
#[derive(Deserialize)]
struct Position {
    #[serde(default)]
    after: u64,
}

/// Returns the audit events after the position.
async fn audit(
    request: HttpRequest,
    app: Data<AppState>,
    position: Query<Position>,
) -> HttpResponse {
    if !is_allowed(&request, &app) {
        return forbidden();
    }
    let page = app.registry.settings.audit.ring().map(|ring| ring.after(position.after));
    let Page { after, lost, lines } = page.unwrap_or_default();
    // Each line is a JSON object already.
    let events = String::from_utf8(lines).unwrap_or_default().trim_end().replace('\n', ",");
    let body = format!(r#"{{"after":{after},"lost":{lost},"events":[{events}]}}"#);
    HttpResponse::Ok().content_type("application/json").body(body)
}

/// Checks a server. The check continues if the caller disconnects, so that the next caller finds its outcome.
async fn checked(request: HttpRequest, app: Data<AppState>, name: Path<String>) -> HttpResponse {
    if !is_allowed(&request, &app) {
        return forbidden();
    }
    let Some(server) = app.registry.server(&name) else { return unknown_server() };
    let registry = app.registry.clone();
    let checking = tokio::spawn(async move {
        let _report = check(&registry, &server).await;
        report::server(&registry, &server)
    });
    match checking.await {
        Ok(report) => HttpResponse::Ok().json(report),
        Err(_) => refusal(StatusCode::SERVICE_UNAVAILABLE, "the check was not finished"),
    }
}

/// Returns `true` for a program of the operator, as opposed to a user of the gateway or a page in a browser.
///
/// A page that uses DNS rebinding sends its own name as `Host`. Names of the inner network have no dot, or
/// are allowed by the operator.
fn is_allowed(request: &HttpRequest, app: &AppState) -> bool {
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_page = headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site");
    !is_of_user(request) && !is_page && (is_inner(host) || app.guard.allows_host(host))
}

/// Returns `true` if `host` is an address or a name without a dot.
fn is_inner(host: &str) -> bool {
    let is_address = host.parse::<std::net::SocketAddr>().is_ok()
        || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok();
    is_address || !host.is_empty() && !host.contains('.')
}

fn unknown_server() -> HttpResponse {
    refusal(StatusCode::NOT_FOUND, "no server has this name")
}

fn forbidden() -> HttpResponse {
    refusal(StatusCode::FORBIDDEN, "this interface is only for programs of the operator")
}

async fn not_found() -> HttpResponse {
    refusal(StatusCode::NOT_FOUND, "not found; see /servers")
}

fn refusal(status: StatusCode, why: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": why }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_names_without_a_dot_are_inner() {
        for host in ["proxy", "proxy:3001", "10.0.0.7:3001", "10.0.0.7", "[::1]:80", "[fd00::7]"] {
            assert!(is_inner(host), "{host}");
        }
        for host in ["", "evil.com", "evil.com:3001", "10.0.0.7.evil.com", "proxy."] {
            assert!(!is_inner(host), "{host}");
        }
    }
}
