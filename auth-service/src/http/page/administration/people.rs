//! The list of people, and one person.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::grants::GrantRow;
use crate::{
    http::page::{
        Frame,
        account::{Chrome, ListOf, When},
        html,
    },
    model::{Fingerprint, SessionRecord},
    oauth::Viewer,
    store::{ListedGrant, ListedPerson},
};

struct Row<'a> {
    of: &'a ListedPerson,
    id: String,
    last_login: When,
    last_use: Option<When>,
}

#[derive(Template)]
#[template(path = "admin/people.html")]
struct PeoplePage<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
    next: Option<String>,
    search: &'a str,
}

/// Renders the list of people.
pub(in crate::http) fn people(
    request: &HttpRequest,
    viewer: &Viewer,
    list: &ListOf<ListedPerson>,
    search: &str,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "people", notice: list.notice.clone() };
    let row = |of| row(of, list);
    let rows = list.page.entries.iter().map(row).collect();
    html(frame, StatusCode::OK, &PeoplePage { frame, chrome, rows, next: list.next(), search })
}

fn row<'a, T>(of: &'a ListedPerson, list: &ListOf<T>) -> Row<'a> {
    Row {
        id: url::form_urlencoded::byte_serialize(of.user.subject.as_bytes()).collect(),
        last_login: When::seen(of.last_login, list.now),
        last_use: of.last_use.as_ref().map(|last| When::seen(last.at, list.now)),
        of,
    }
}

/// A person with their sign-ins.
pub(in crate::http) struct Person {
    /// The person.
    pub(in crate::http) listed: ListedPerson,
    /// The sign-ins.
    pub(in crate::http) sessions: Vec<(Fingerprint, SessionRecord)>,
    /// `true` if `ADMIN_USERS` names the person.
    pub(in crate::http) is_administrator: bool,
}

#[derive(Template)]
#[template(path = "admin/person.html")]
struct PersonPage<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    of: Row<'a>,
    shown: &'a Person,
    grants: Vec<GrantRow<'a>>,
    next: Option<String>,
}

/// Renders a person with their grants.
pub(in crate::http) fn person(
    request: &HttpRequest,
    viewer: &Viewer,
    shown: &Person,
    list: &ListOf<ListedGrant>,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "people", notice: list.notice.clone() };
    let grants = list.page.entries.iter().map(|of| GrantRow::of(of, list.now)).collect();
    let of = row(&shown.listed, list);
    let page = PersonPage { frame, chrome, of, shown, grants, next: list.next() };
    html(frame, StatusCode::OK, &page)
}
