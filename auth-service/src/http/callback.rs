//! `GET /callback`: the browser is back from the login provider.

use actix_web::{HttpRequest, HttpResponse, ResponseError, web::Data};

use super::{authorize::finish, browser, error::BrowserError, page};
use crate::oauth::{AuthServer, Params, ProviderAnswer, ProviderReturn};

/// Finishes the login. The pending authorization leaves the browser with the answer.
pub(super) async fn callback(
    server: Data<AuthServer>,
    request: HttpRequest,
) -> Result<HttpResponse, BrowserError> {
    let params = Params::parse(request.query_string().as_bytes());
    let (state, answer) = ProviderAnswer::read(&params)?;
    let pending = browser::pending(&request, &state);
    let visitor = browser::visitor(&request);
    let back = ProviderReturn { state: state.clone(), answer, pending };
    let response = match server.finish_login(back, visitor.as_ref()).await {
        Ok(outcome) => finish(&server, &outcome, page::redirect),
        Err(error) => BrowserError::from(error).error_response(),
    };
    Ok(browser::forget_pending(response, &request, &state))
}
