//! The administrator behind a request.

use actix_web::HttpRequest;

use crate::{
    http::{
        account::{
            forms,
            guard::{Checked, Refused, fresh, signed_in},
        },
        body::Body,
        error::TokenError,
    },
    oauth::{AuthServer, Params, Viewer},
};

/// Returns the administrator who is signed in. To everybody else who is, the pages do not exist.
pub(super) async fn administrator(server: &AuthServer, request: &HttpRequest) -> Checked<Viewer> {
    checked(request, signed_in(server, request).await?)
}

/// Returns the administrator, who signed in within the last minutes: for acts and for the questions before them.
pub(super) async fn acting_administrator(
    server: &AuthServer,
    request: &HttpRequest,
) -> Checked<Viewer> {
    fresh(request, administrator(server, request).await?)
}

/// Returns the administrator and the fields of the form that they submitted.
pub(super) async fn form_of_administrator(
    server: &AuthServer,
    request: &HttpRequest,
    body: Result<Body, TokenError>,
) -> Checked<(Viewer, Params)> {
    let viewer = acting_administrator(server, request).await?;
    let form = forms::fields(server, request, &viewer, body)?;
    Ok((viewer, form))
}

fn checked(request: &HttpRequest, viewer: Viewer) -> Checked<Viewer> {
    if viewer.is_administrator && viewer.may_log_in {
        return Ok(viewer);
    }
    Err(Refused::not_found(request))
}
