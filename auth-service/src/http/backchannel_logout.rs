//! Handler of `POST /backchannel-logout/NAME` (OpenID Connect Back-Channel Logout 1.0 §2.5).

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, HeaderValue},
    web::Data,
};
use serde_json::json;

use super::{
    body::{Body, is_form},
    error::TokenError,
};
use crate::{
    model::Chain,
    oauth::{AuthServer, LogoutError, Params},
};

/// Carries out the logout that a provider announces. Answers 200 once it has taken effect, and 400 for an invalid
/// logout token (§2.8).
pub(super) async fn logout(
    server: Data<AuthServer>,
    request: HttpRequest,
    body: Result<Body, TokenError>,
) -> Result<HttpResponse, TokenError> {
    let body = body?;
    let params = Params::parse(&body.0);
    let token = params.one("logout_token")?.filter(|_| is_form(&request));
    let provider = request.match_info().get("provider").unwrap_or_default();
    let Some(token) = token else {
        let why = "the body must be a form with logout_token";
        return Ok(refused(HttpResponse::BadRequest(), why));
    };
    let done = server.people.backchannel_logout(provider, token).await;
    Ok(match done {
        Ok(()) => no_store(HttpResponse::Ok().finish()),
        Err(LogoutError::NoProvider) => {
            refused(HttpResponse::NotFound(), "there is no such login provider")
        }
        Err(error @ LogoutError::Invalid(_)) => {
            log::warn!(provider; "logout refused: {}", Chain(&error));
            refused(HttpResponse::BadRequest(), "the logout token is invalid")
        }
        Err(error @ LogoutError::Unavailable(_)) => {
            log::error!(provider; "{}", Chain(&error));
            refused(HttpResponse::ServiceUnavailable(), "the logout cannot be carried out now")
        }
    })
}

fn refused(mut status: actix_web::HttpResponseBuilder, why: &str) -> HttpResponse {
    no_store(status.json(json!({ "error": "invalid_request", "error_description": why })))
}

fn no_store(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
