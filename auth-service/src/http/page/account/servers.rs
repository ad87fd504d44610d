//! The servers that the person may use.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::Chrome;
use crate::{
    http::{
        client_links::ClientLinks,
        page::{Frame, html},
    },
    oauth::{UsableServer, Viewer},
};

#[derive(Template)]
#[template(path = "me/servers.html")]
struct UsableServers<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    all: Vec<(UsableServer, ClientLinks)>,
}

/// Renders the list of servers. Those that the person may not use are left out.
pub(in crate::http) fn servers(
    request: &HttpRequest,
    viewer: &Viewer,
    servers: Vec<UsableServer>,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "servers", notice: None };
    let allowed = servers.into_iter().filter(|one| one.is_allowed);
    let all = allowed.map(|one| {
        let server = &one.server;
        let links = ClientLinks::of(server.name.as_str(), &server.title, server.resource.as_str());
        (one, links)
    });
    let all = all.collect();
    html(frame, StatusCode::OK, &UsableServers { frame, chrome, all })
}
