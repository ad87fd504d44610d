//! The page with the ways to sign in.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;

use crate::{
    http::page::{Frame, html},
    oauth::{LoginWays, ReturnPath},
};

/// The data of the sign-in page.
pub(in crate::http) struct SignInPage {
    /// The CSRF token of the form.
    pub(in crate::http) csrf: String,
    /// The login methods.
    pub(in crate::http) ways: LoginWays,
    /// The page to show next.
    pub(in crate::http) return_to: ReturnPath,
    /// `true` if the person is signed in, and the next page needs a fresh sign-in.
    pub(in crate::http) is_again: bool,
    /// `true` if the person has just signed out.
    pub(in crate::http) signed_out: bool,
    /// The account that the policy denied.
    pub(in crate::http) refused: Option<String>,
    /// `true` if the login code is wrong.
    pub(in crate::http) wrong_code: bool,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    frame: &'a Frame,
    page: &'a SignInPage,
}

/// Renders the sign-in page.
pub(in crate::http) fn sign_in(request: &HttpRequest, page: &SignInPage) -> HttpResponse {
    let status = match page {
        SignInPage { refused: Some(_), .. } => StatusCode::FORBIDDEN,
        SignInPage { wrong_code: true, .. } => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    let frame = &Frame::of(request);
    html(frame, status, &SignIn { frame, page })
}
