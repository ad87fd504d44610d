//! The pages at the address of a server and at the root of the login host.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Frame, html};
use crate::oauth::ServerPage;

#[derive(Template)]
#[template(path = "server.html")]
struct Server<'a> {
    frame: &'a Frame,
    server: &'a ServerPage,
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
    html(frame, StatusCode::OK, &Server { frame, server })
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
