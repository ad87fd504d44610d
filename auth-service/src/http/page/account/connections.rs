//! The list of connections, and the question before their end.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Chrome, When};
use crate::{
    http::{
        account::notice::Notice,
        page::{Frame, html},
    },
    model::UnixTime,
    oauth::{Connection, Disconnection, PERSONAL, Viewer},
    store::Page,
};

/// A part of a list, as it is shown.
pub(in crate::http) struct ListOf<T> {
    /// The entries and the position after them.
    pub(in crate::http) page: Page<T>,
    /// The outcome of the form before this page.
    pub(in crate::http) notice: Option<Notice>,
    /// The current time.
    pub(in crate::http) now: UnixTime,
}

impl<T> ListOf<T> {
    /// Returns the query of the next part.
    pub(in crate::http) fn next(&self) -> Option<String> {
        let cursor = self.page.next.as_ref()?.to_string();
        Some(url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect())
    }
}

/// A connection with its times in words.
pub(in crate::http) struct Row<'a> {
    pub(in crate::http) of: &'a Connection,
    pub(in crate::http) created: When,
    pub(in crate::http) ends: When,
    pub(in crate::http) used: Option<When>,
}

impl<'a> Row<'a> {
    pub(in crate::http) fn of(of: &'a Connection, now: UnixTime) -> Self {
        let listed = &of.listed;
        Self {
            created: When::seen(listed.grant.created_at, now),
            ends: When::seen(listed.grant.expires_at, now),
            used: listed.last_use.as_ref().map(|last| When::seen(last.at, now)),
            of,
        }
    }
}

#[derive(Template)]
#[template(path = "me/connections.html")]
struct Connections<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
    next: Option<String>,
}

/// Renders the list of connections.
pub(in crate::http) fn connections(
    request: &HttpRequest,
    viewer: &Viewer,
    list: &ListOf<Connection>,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "connections", notice: list.notice.clone() };
    let rows = list.page.entries.iter().map(|of| Row::of(of, list.now)).collect();
    let page = Connections { frame, chrome, rows, next: list.next() };
    html(frame, StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "me/disconnect.html")]
struct Disconnect<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    of: &'a Connection,
    others: usize,
    is_token: bool,
}

/// Renders the question whether to end a connection or a personal token.
pub(in crate::http) fn disconnect(
    request: &HttpRequest,
    viewer: &Viewer,
    what: &Disconnection,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let is_token = what.connection.listed.grant.client_id.as_str() == PERSONAL;
    let section = if is_token { "tokens" } else { "connections" };
    let chrome = Chrome { viewer, section, notice: None };
    let page = Disconnect { frame, chrome, of: &what.connection, others: what.others, is_token };
    html(frame, StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "me/disconnect_all.html")]
struct DisconnectAll<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    count: usize,
    is_more: bool,
}

/// Renders the question whether to end all connections: `count` of them, or more.
pub(in crate::http) fn disconnect_all(
    request: &HttpRequest,
    viewer: &Viewer,
    (count, is_more): (usize, bool),
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "connections", notice: None };
    html(frame, StatusCode::OK, &DisconnectAll { frame, chrome, count, is_more })
}
