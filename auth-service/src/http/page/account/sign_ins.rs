//! The sign-ins of a person.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{Chrome, When};
use crate::{
    http::{
        account::notice::Notice,
        page::{Frame, html},
    },
    model::UnixTime,
    oauth::{SignIn, Viewer},
};

/// A sign-in with its times in words.
struct Row<'a> {
    of: &'a SignIn,
    began: Option<When>,
    ends: When,
}

fn row(of: &SignIn, now: UnixTime) -> Row<'_> {
    let began = of.place.as_ref().map(|place| When::seen(place.at, now));
    Row { of, began, ends: When::seen(of.expires_at, now) }
}

#[derive(Template)]
#[template(path = "me/sign_ins.html")]
struct SignIns<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
}

/// Renders the list of sign-ins.
pub(in crate::http) fn sign_ins(
    request: &HttpRequest,
    viewer: &Viewer,
    all: &[SignIn],
    (notice, now): (Option<Notice>, UnixTime),
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "sign-ins", notice };
    let rows = all.iter().map(|of| row(of, now)).collect();
    html(frame, StatusCode::OK, &SignIns { frame, chrome, rows })
}

#[derive(Template)]
#[template(path = "me/sign_out_everywhere.html")]
struct SignOutEverywhere<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    count: usize,
}

/// Renders the question whether to end all `count` sign-ins.
pub(in crate::http) fn sign_out_everywhere(
    request: &HttpRequest,
    viewer: &Viewer,
    count: usize,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "sign-ins", notice: None };
    html(frame, StatusCode::OK, &SignOutEverywhere { frame, chrome, count })
}
