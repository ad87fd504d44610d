//! The pages at the address of a server and at the root of the login host. Browsers do not speak MCP, so the pages
//! explain how to add the server to a client.

use actix_web::{HttpRequest, HttpResponse, http::Method, web::Data};

use super::{navigation::accepts_html, not_found, page, requested_host::RequestedHost};
use crate::oauth::AuthServer;

/// Answers requests without a route: browsers with a page, programs with 404 in JSON.
pub(super) async fn show(server: Data<AuthServer>, request: HttpRequest) -> HttpResponse {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read || !accepts_html(request.headers()) {
        return not_found().await;
    }
    let host = RequestedHost::read(&server, &request);
    let is_root = request.path() == "/";
    if is_root && !host.is_of_a_server(&server) {
        return page::gateway(
            &request,
            &server.discovery.example_url(),
            server.core.config.device_grant,
        );
    }
    match server.discovery.server_page(host.authority(), request.path()) {
        Some(there) => page::server(&request, &there),
        None => page::nothing_here(&request),
    }
}
