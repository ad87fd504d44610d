//! The page of the acts done in the name of a person.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::Chrome;
use crate::{
    http::page::{Frame, events::EventRow, html},
    model::UnixTime,
    oauth::Viewer,
    store::AuditPage,
};

#[derive(Template)]
#[template(path = "me/activity.html")]
struct Activity<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    rows: Vec<EventRow<'a>>,
    next: Option<&'a str>,
    only_refusals: bool,
}

/// Renders the events of a person.
pub(in crate::http) fn activity(
    request: &HttpRequest,
    viewer: &Viewer,
    page: &AuditPage,
    (only_refusals, now): (bool, UnixTime),
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "activity", notice: None };
    let rows = page.events.iter().map(|event| EventRow::of(event, frame.t, now)).collect();
    let next = page.next.as_deref();
    html(frame, StatusCode::OK, &Activity { frame, chrome, rows, next, only_refusals })
}
