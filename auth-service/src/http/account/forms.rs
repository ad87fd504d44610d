//! Forms of the pages: each has the CSRF token of its person, and is submitted by a page of this server.

use actix_web::HttpRequest;

use super::guard::{Checked, signed_in};
use crate::{
    http::{body::Body, error::TokenError, navigation},
    oauth::{AuthServer, Error, Params, Viewer},
};

/// The error for a form of another site, or of another sign-in.
pub(in crate::http) const FOREIGN: Error = Error::InvalidRequest(
    "this form was not submitted by this page, or the sign-in has changed; open the page again",
);

/// Returns the person who is signed in, and the fields of the form that they submitted.
pub(super) async fn form_of_person(
    server: &AuthServer,
    request: &HttpRequest,
    body: Result<Body, TokenError>,
) -> Checked<(Viewer, Params)> {
    let viewer = signed_in(server, request).await?;
    let form = fields(server, request, &viewer, body)?;
    Ok((viewer, form))
}

/// Returns the fields of a form, if a page of this server submitted it for the person who is signed in.
pub(in crate::http) fn fields(
    server: &AuthServer,
    request: &HttpRequest,
    viewer: &Viewer,
    body: Result<Body, TokenError>,
) -> Checked<Params> {
    let form = own_form(server, request, body)?;
    if !viewer.is_own_form(form.one("csrf")?.unwrap_or("")) {
        return Err(FOREIGN.into());
    }
    Ok(form)
}

/// Returns the fields of a form, if a page of this server submitted it.
pub(in crate::http) fn own_form(
    server: &AuthServer,
    request: &HttpRequest,
    body: Result<Body, TokenError>,
) -> Checked<Params> {
    if navigation::is_foreign_form(server, request.headers()) {
        return Err(FOREIGN.into());
    }
    Ok(Params::parse(&body?.0))
}
