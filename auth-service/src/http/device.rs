//! Handlers of `POST /device_authorization` and of the page `/device` (RFC 8628 §3.1, §3.3).

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};

use super::{
    authorize::shown, browser, client_form::ClientForm, error::BrowserError, error::TokenError,
    not_found, page,
};
use crate::{
    model::UserCode,
    oauth::{AuthServer, Endpoint, Error, Params},
};

/// Issues the device code and user code. Answers 404 if the operator has turned the grant off.
pub(super) async fn authorize(
    server: Data<AuthServer>,
    form: Result<ClientForm, TokenError>,
) -> Result<HttpResponse, TokenError> {
    if !server.core.config.device_grant {
        return Ok(not_found().await);
    }
    let form = form?;
    let client =
        server.clients.authenticate(&form.credentials, Endpoint::DeviceAuthorization).await?;
    let codes = server.flow.authorize_device(client, &form.params).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(codes))
}

/// Shows the form for the user code. With a `user_code`, shows the consent page of that device.
pub(super) async fn show(
    server: Data<AuthServer>,
    request: HttpRequest,
) -> Result<HttpResponse, BrowserError> {
    if !server.core.config.device_grant {
        return Ok(page::devices_off(&request));
    }
    let params = Params::parse(request.query_string().as_bytes());
    let Some(typed) = params.one("user_code")? else { return Ok(page::device(&request, false)) };
    let browser = browser::browser(&server, &request).map_err(Error::from)?;
    match server.flow.begin_device(&UserCode::typed(typed), &browser).await? {
        Some(consent) => Ok(shown(&request, &consent, &browser.session)),
        None => Ok(page::device(&request, true)),
    }
}
