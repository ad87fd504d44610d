//! The servers that the person may use.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::Chrome;
use crate::{
    http::page::{Frame, html},
    oauth::{UsableServer, Viewer},
};

#[derive(Template)]
#[template(path = "me/servers.html")]
struct UsableServers<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    all: Vec<UsableServer>,
}

/// Renders the list of servers. Those that the person may not use are left out.
pub(in crate::http) fn servers(
    request: &HttpRequest,
    viewer: &Viewer,
    mut servers: Vec<UsableServer>,
) -> HttpResponse {
    servers.retain(|one| one.is_allowed);
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "servers", notice: None };
    html(frame, StatusCode::OK, &UsableServers { frame, chrome, all: servers })
}
