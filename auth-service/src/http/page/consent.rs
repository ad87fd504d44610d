//! The consent page, and the page that asks which server an application may use.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Frame, html};
use crate::oauth::{ConsentPage, Destination, Remark};

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent<'a> {
    frame: &'a Frame,
    page: &'a ConsentPage,
}

#[derive(Template)]
#[template(path = "choose.html")]
struct ChooseServer<'a> {
    frame: &'a Frame,
    page: &'a ConsentPage,
}

/// Renders the consent page. If a server must be chosen first, renders the page for that choice.
pub(in crate::http) fn consent(request: &HttpRequest, page: &ConsentPage) -> HttpResponse {
    let status = match page.remark {
        None | Some(Remark::Stale) => StatusCode::OK,
        Some(Remark::WrongCode | Remark::Interrupted) => StatusCode::BAD_REQUEST,
        Some(Remark::Refused) => StatusCode::FORBIDDEN,
    };
    let frame = &Frame::of(request);
    if !page.choices.is_empty() {
        return html(frame, status, &ChooseServer { frame, page });
    }
    html(frame, status, &Consent { frame, page })
}
