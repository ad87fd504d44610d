//! The list of clients, and one client.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::grants::GrantRow;
use crate::{
    http::page::{
        Frame,
        account::{Chrome, ListOf, When},
        html,
    },
    model::ClientId,
    oauth::{Viewer, publisher},
    store::{GrantedClient, ListedGrant},
};

struct Row<'a> {
    of: &'a GrantedClient,
    id: String,
    publisher: Option<String>,
    last_grant: Option<When>,
}

fn row<'a, T>(of: &'a GrantedClient, list: &ListOf<T>) -> Row<'a> {
    Row {
        id: encoded(&of.id),
        publisher: publisher(&of.id),
        last_grant: (of.grants > 0).then(|| When::seen(of.last_grant, list.now)),
        of,
    }
}

fn encoded(id: &ClientId) -> String {
    url::form_urlencoded::byte_serialize(id.as_str().as_bytes()).collect()
}

#[derive(Template)]
#[template(path = "admin/clients.html")]
struct ClientsPage<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
    next: Option<String>,
    search: &'a str,
    /// The refused clients, each with its id for a URL.
    refused: Vec<(&'a ClientId, String)>,
}

/// Renders the list of clients, and that of those that are refused.
pub(in crate::http) fn clients(
    request: &HttpRequest,
    viewer: &Viewer,
    list: &ListOf<GrantedClient>,
    (search, refused): (&str, &[ClientId]),
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "clients", notice: list.notice.clone() };
    let rows = list.page.entries.iter().map(|of| row(of, list)).collect();
    let refused = refused.iter().map(|id| (id, encoded(id))).collect();
    let page = ClientsPage { frame, chrome, rows, next: list.next(), search, refused };
    html(frame, StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "admin/client.html")]
struct ClientPage<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    of: Row<'a>,
    grants: Vec<GrantRow<'a>>,
    next: Option<String>,
}

/// Renders a client with its grants.
pub(in crate::http) fn client(
    request: &HttpRequest,
    viewer: &Viewer,
    client: &GrantedClient,
    list: &ListOf<ListedGrant>,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "clients", notice: list.notice.clone() };
    let grants = list.page.entries.iter().map(|of| GrantRow::of(of, list.now)).collect();
    let page = ClientPage { frame, chrome, of: row(client, list), grants, next: list.next() };
    html(frame, StatusCode::OK, &page)
}
