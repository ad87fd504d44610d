//! `GET /callback`: the browser is back from the login provider.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::{authorize::arrive, browser, error::BrowserError, page};
use crate::oauth::{AuthServer, Params, ProviderAnswer};

/// Finishes the login.
pub(super) async fn callback(
    server: Data<AuthServer>,
    request: HttpRequest,
) -> Result<HttpResponse, BrowserError> {
    let params = Params::parse(request.query_string().as_bytes());
    let (state, answer) = ProviderAnswer::read(&params)?;
    let session = browser::session(&request);
    let arrival = server.finish_login(&state, answer, session.as_ref()).await?;
    Ok(arrive(&server, &arrival, page::redirect))
}
