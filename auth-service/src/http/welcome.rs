//! The pages at the address of a server and at the root of the login host. MCP is not for browsers, so they
//! say how to add the server to a client.

use actix_web::{HttpRequest, HttpResponse, http::Method, web::Data};

use super::{navigation::accepts_html, not_found, page, requested_host::RequestedHost};
use crate::oauth::AuthServer;

/// Answers what no endpoint takes: a browser by a page, a program by JSON.
pub(super) async fn show(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read || !accepts_html(request.headers()) {
        return not_found().await;
    }
    let host = RequestedHost::read(&server, &request);
    let is_root = request.path() == "/";
    if is_root && !host.is_of_a_server(&server) {
        return page::gateway(&server.discovery.example_url(), server.core.config.device_grant);
    }
    match server.discovery.server_page(host.authority(), request.path()) {
        Some(there) => page::server(&there),
        None => page::nothing_here(),
    }
}
