//! The pages at the address of a server and at the root of the login host. MCP is not for browsers, so they
//! say how to add the server to a client.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{ACCEPT, HeaderMap},
    },
    web::Data,
};

use super::{not_found, page, requested_host::RequestedHost};
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
        return page::gateway(&server.example_url(), server.config.device_grant);
    }
    match server.server_page(host.authority(), request.path()) {
        Some(there) => page::server(&there),
        None => page::nothing_here(),
    }
}

/// Returns `true` if `Accept` names HTML itself, as browsers do: `*/*` is what programs send.
fn accepts_html(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).filter_map(|line| line.to_str().ok());
    let mut ranges = lines.flat_map(|line| line.split(','));
    ranges.any(|range| {
        let kind = range.split(';').next().unwrap_or("").trim();
        kind.eq_ignore_ascii_case("text/html")
    })
}
