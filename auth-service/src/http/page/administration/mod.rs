//! The pages of administrators, at `/admin`.

mod audit;
mod clients;
mod grants;
mod people;
mod question;
mod servers;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

pub(in crate::http) use self::{
    audit::{AuditSearch, audit},
    clients::{client, clients},
    grants::{GrantSearch, grants, revoke},
    people::{Person, people, person},
    question::{Question, Verb, ask},
    servers::{server, servers},
};
use super::{Frame, account::Chrome, html};
use crate::oauth::Viewer;

/// The state of the gateway.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct Overview {
    /// `true` if Redis takes writes.
    pub(in crate::http) is_writable: bool,
    /// `true` if revocations in other instances are noticed at once.
    pub(in crate::http) is_tracking: bool,
    /// The number of servers in the catalogue.
    pub(in crate::http) servers: usize,
}

#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewPage<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    state: Overview,
}

/// Renders the overview.
pub(in crate::http) fn overview(
    request: &HttpRequest,
    viewer: &Viewer,
    state: Overview,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "overview", notice: None };
    html(frame, StatusCode::OK, &OverviewPage { frame, chrome, state })
}
