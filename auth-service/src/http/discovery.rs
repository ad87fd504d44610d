//! Handlers of the well-known documents: RFC 8414, OpenID Connect Discovery, RFC 9728.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Path},
};
use serde_json::json;

use super::requested_host::RequestedHost;
use crate::oauth::AuthServer;

/// The `Cache-Control` of the documents. Clients fetch them before every login, and they change only with the
/// configuration.
const CACHE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=60");

/// Answers `GET /.well-known/oauth-authorization-server` and its variants with the metadata (RFC 8414 §2).
pub(super) async fn server(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    let host = RequestedHost::read(&server, &request);
    HttpResponse::Ok().insert_header(CACHE).json(server.discovery.metadata(host.authority()))
}

/// Answers `GET /.well-known/oauth-protected-resource`, with or without the path of the server (RFC 9728 §3.1).
pub(super) async fn resource(
    server: Data<AuthServer>,
    request: HttpRequest,
    path: Option<Path<String>>,
) -> HttpResponse {
    let path = path.map_or_else(String::new, |path| format!("/{path}"));
    let host = RequestedHost::read(&server, &request);
    match server.discovery.resource_metadata(host.authority(), &path) {
        Some(metadata) => HttpResponse::Ok().insert_header(CACHE).json(metadata),
        None => HttpResponse::NotFound().json(json!({
            "error": "not_found",
            "error_description": "no MCP server is published at this address; check its URL",
        })),
    }
}
