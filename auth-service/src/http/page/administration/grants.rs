//! The list of grants, and the question before the end of one.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use crate::{
    http::page::{
        Frame,
        account::{Chrome, ListOf, When},
        html,
    },
    model::{Grant, ResourceUri, UnixTime},
    oauth::Viewer,
    store::ListedGrant,
};

/// The grants that are searched for.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct GrantSearch {
    /// The person, by subject or login name.
    pub(in crate::http) user: String,
    /// The client id.
    pub(in crate::http) client: String,
    /// The name of the server.
    pub(in crate::http) server: String,
}

impl GrantSearch {
    /// Returns the search as a query.
    fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("user", &self.user).append_pair("client", &self.client);
        query.append_pair("server", &self.server).finish()
    }
}

/// A grant with its times in words.
pub(super) struct GrantRow<'a> {
    pub(super) of: &'a Grant,
    pub(super) person: String,
    pub(super) client: String,
    pub(super) created: When,
    pub(super) ends: When,
    pub(super) used: Option<When>,
}

impl<'a> GrantRow<'a> {
    pub(super) fn of(listed: &'a ListedGrant, now: UnixTime) -> Self {
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let grant = &listed.grant;
        Self {
            of: grant,
            person: encoded(&grant.user.subject),
            client: encoded(grant.client_id.as_str()),
            created: When::seen(grant.created_at, now),
            ends: When::seen(grant.expires_at, now),
            used: listed.last_use.as_ref().map(|last| When::seen(last.at, now)),
        }
    }

    /// Returns the hosts and paths of the servers.
    pub(super) fn servers(&self) -> impl Iterator<Item = &str> {
        let short = |uri: &'a ResourceUri| uri.as_str().trim_start_matches("https://");
        self.of.resources.iter().map(short)
    }
}

#[derive(Template)]
#[template(path = "admin/grants.html")]
struct GrantsPage<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    grants: Vec<GrantRow<'a>>,
    next: Option<String>,
    search: &'a GrantSearch,
}

/// Renders the list of grants.
pub(in crate::http) fn grants(
    request: &HttpRequest,
    viewer: &Viewer,
    list: &ListOf<ListedGrant>,
    search: &GrantSearch,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "grants", notice: list.notice.clone() };
    let grants = list.page.entries.iter().map(|of| GrantRow::of(of, list.now)).collect();
    html(frame, StatusCode::OK, &GrantsPage { frame, chrome, grants, next: list.next(), search })
}

#[derive(Template)]
#[template(path = "admin/revoke.html")]
struct RevokePage<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    of: &'a Grant,
}

/// Renders the question whether to end a grant.
pub(in crate::http) fn revoke(
    request: &HttpRequest,
    viewer: &Viewer,
    grant: &Grant,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "grants", notice: None };
    html(frame, StatusCode::OK, &RevokePage { frame, chrome, of: grant })
}
