//! The list of audit events.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use crate::{
    http::page::{Frame, account::Chrome, events::EventRow, html},
    model::UnixTime,
    oauth::Viewer,
    store::AuditPage,
};

/// The events that are searched for. An empty text selects all.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct AuditSearch {
    /// The kind, as a pattern such as `grant.*`.
    pub(in crate::http) kind: String,
    /// The person, by subject or login name.
    pub(in crate::http) user: String,
    /// The client, by id or name.
    pub(in crate::http) client: String,
    /// The name of the server.
    pub(in crate::http) server: String,
    /// The outcome.
    pub(in crate::http) outcome: String,
}

impl AuditSearch {
    /// Returns the search as a query.
    fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let fields = [
            ("kind", &self.kind),
            ("user", &self.user),
            ("client", &self.client),
            ("server", &self.server),
            ("outcome", &self.outcome),
        ];
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            query.append_pair(name, value);
        }
        query.finish()
    }
}

#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditList<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    rows: Vec<EventRow<'a>>,
    next: Option<&'a str>,
    search: &'a AuditSearch,
}

/// Renders the list of events.
pub(in crate::http) fn audit(
    request: &HttpRequest,
    viewer: &Viewer,
    page: &AuditPage,
    (search, now): (&AuditSearch, UnixTime),
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "audit", notice: None };
    let rows = page.events.iter().map(|event| EventRow::of(event, frame.t, now)).collect();
    let next = page.next.as_deref();
    html(frame, StatusCode::OK, &AuditList { frame, chrome, rows, next, search })
}
