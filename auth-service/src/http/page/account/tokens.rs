//! Personal access tokens: the list, the form for a new one, and the new one.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use super::{
    Chrome,
    connections::{ListOf, Row},
};
use crate::{
    http::page::{Frame, html},
    oauth::{Connection, Error, TokenServer, TokenWish, Viewer},
};

#[derive(Template)]
#[template(path = "me/tokens.html")]
struct Tokens<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
    next: Option<String>,
    are_on: bool,
}

/// Renders the list of tokens. `are_on` tells whether the person may create new ones.
pub(in crate::http) fn tokens(
    request: &HttpRequest,
    viewer: &Viewer,
    list: &ListOf<Connection>,
    are_on: bool,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "tokens", notice: list.notice.clone() };
    let rows = list.page.entries.iter().map(|of| Row::of(of, list.now)).collect();
    html(frame, StatusCode::OK, &Tokens { frame, chrome, rows, next: list.next(), are_on })
}

/// The data of the form for a new token.
pub(in crate::http) struct TokenForm {
    /// The servers that the token may be for.
    pub(in crate::http) servers: Vec<TokenServer>,
    /// The lifetimes in days.
    pub(in crate::http) lifetimes: Vec<u32>,
    /// A value that creates one token only, however often the form is sent.
    pub(in crate::http) once: String,
    /// The values that the person entered.
    pub(in crate::http) wish: TokenWish,
    /// The fault in these values.
    pub(in crate::http) problem: Option<Error>,
}

impl TokenForm {
    fn has_server(&self, resource: &str) -> bool {
        self.wish.resources.iter().any(|one| one == resource)
    }

    fn has_scope(&self, scope: &str) -> bool {
        self.wish.scopes.iter().any(|one| one == scope)
    }

    /// Returns `true` for the lifetime that is chosen: that of the person, else the second one.
    fn is_chosen(&self, days: u32) -> bool {
        let usual = self.lifetimes.get(1).or(self.lifetimes.first());
        if self.lifetimes.contains(&self.wish.days) {
            self.wish.days == days
        } else {
            usual == Some(&days)
        }
    }
}

#[derive(Template)]
#[template(path = "me/new_token.html")]
struct NewToken<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    form: &'a TokenForm,
}

/// Renders the form for a new token.
pub(in crate::http) fn new_token(
    request: &HttpRequest,
    viewer: &Viewer,
    form: &TokenForm,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "tokens", notice: None };
    let status = match form.problem {
        None => StatusCode::OK,
        Some(Error::NotAllowed(_)) => StatusCode::FORBIDDEN,
        Some(_) => StatusCode::BAD_REQUEST,
    };
    html(frame, status, &NewToken { frame, chrome, form })
}

#[derive(Template)]
#[template(path = "me/created_token.html")]
struct CreatedToken<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    wish: &'a TokenWish,
    token: &'a str,
}

/// Renders a token that has just been created. It is shown this once.
pub(in crate::http) fn created_token(
    request: &HttpRequest,
    viewer: &Viewer,
    wish: &TokenWish,
    token: &str,
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "tokens", notice: None };
    html(frame, StatusCode::OK, &CreatedToken { frame, chrome, wish, token })
}
