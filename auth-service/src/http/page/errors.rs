//! The pages for errors that must not or cannot be sent to a client.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Frame, html};
use crate::oauth::{self, ErrorCode};

#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct Failure<'a> {
    pub(super) frame: &'a Frame,
    pub(super) title: &'a str,
    pub(super) message: String,
    pub(super) code: &'a str,
    pub(super) back: Option<ReturnLink<'a>>,
}

/// A link by which the person reports an error to the application.
#[derive(Clone, Copy)]
pub(in crate::http) struct ReturnLink<'a> {
    pub(in crate::http) url: &'a str,
    /// The name of the host that the link leads to.
    pub(in crate::http) destination: &'a str,
}

/// Renders the 404 page for a path that is neither a page nor a server.
pub(in crate::http) fn nothing_here(request: &HttpRequest) -> HttpResponse {
    let frame = &Frame::of(request);
    let title = "Page not found";
    let message = "This address is neither a page nor an MCP server. Check the name of the server; its URL \
                   ends in /mcp.";
    let message = message.to_owned();
    let page = Failure { frame, title, message, code: "not_found", back: None };
    html(frame, StatusCode::NOT_FOUND, &page)
}

/// Renders an error. With `back`, the person can report it to the client by a link.
pub(in crate::http) fn error(
    request: &HttpRequest,
    status: StatusCode,
    error: &oauth::Error,
    back: Option<ReturnLink<'_>>,
) -> HttpResponse {
    let (title, message) = match (error, error.code()) {
        (oauth::Error::DocumentNotAccepted(host), _) => (
            "This application is not accepted",
            format!(
                "This gateway does not accept client metadata from {host}. Remove the connection in \
                 the application and add it again, so that it registers here. If that does not help, \
                 ask the operator of this gateway."
            ),
        ),
        (oauth::Error::ClientDocument(host), _) => (
            "This application cannot be looked up",
            format!(
                "This gateway cannot fetch or use the client metadata that the application publishes at \
                 {host}. Try again in a minute. If that does not help, tell the operator of this \
                 gateway: its log has the reason and the remedy."
            ),
        ),
        (_, ErrorCode::InvalidClient) => (
            "This application is not registered here",
            "Its registration is unknown or has expired. Remove the connection in the application \
             and add it again; it then registers itself."
                .to_owned(),
        ),
        (oauth::Error::TooManyRequests(_), _) => ("Too many requests", error.to_string()),
        (_, ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError) => {
            ("Something went wrong", error.to_string())
        }
        _ => ("This request was refused", error.to_string()),
    };
    let frame = &Frame::of(request);
    let code = error.code().as_str();
    html(frame, status, &Failure { frame, title, message, code, back })
}
