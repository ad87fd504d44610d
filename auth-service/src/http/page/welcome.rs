//! The pages at the address of a server and at the root of the login host.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Frame, html};
use crate::{http::client_links::ClientLinks, oauth::ServerPage};

#[derive(Template)]
#[template(path = "server.html")]
struct AddServer<'a> {
    frame: &'a Frame,
    server: &'a ServerPage,
    clients: &'a ClientLinks,
    /// Whether all ways are unfolded.
    open: bool,
}

#[derive(Template)]
#[template(path = "gateway.html")]
struct Gateway<'a> {
    frame: &'a Frame,
    example: &'a str,
    devices: bool,
}

/// Renders the page that explains how to add a server to an MCP client.
pub(in crate::http) fn server(request: &HttpRequest, server: &ServerPage) -> HttpResponse {
    let frame = &Frame::of(request);
    let clients = &ClientLinks::of(&server.name, &server.title, &server.url);
    html(frame, StatusCode::OK, &AddServer { frame, server, clients, open: true })
}

/// Renders the page that explains the purpose of the login host. `example` is the URL of a server. If `devices` is
/// `true`, the page links to the form for device codes.
pub(in crate::http) fn gateway(
    request: &HttpRequest,
    example: &str,
    devices: bool,
) -> HttpResponse {
    let frame = &Frame::of(request);
    html(frame, StatusCode::OK, &Gateway { frame, example, devices })
}
