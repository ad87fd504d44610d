//! `GET /authorize` (RFC 6749 §3.1) and the form of its consent page.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use url::form_urlencoded;

use super::{
    body::Body,
    browser,
    error::{BrowserError, log_refusal},
    page,
};
use crate::{
    model::{BrowserSession, CsrfToken, FlowId, LoginCode},
    oauth::{AuthServer, AuthorizeError, Decision, Endpoint, Error, Next, Params},
};

/// Shows the consent page. On the host of an MCP server, where clients of MCP 2025-03-26 look for
/// this endpoint, sends the browser to the issuer: cookies belong to one host.
pub(super) async fn show(
    server: Data<AuthServer>,
    request: HttpRequest,
) -> Result<HttpResponse, BrowserError> {
    let issuer = &server.config.issuer;
    if request.connection_info().host() != issuer.authority() {
        let mut query = request.query_string().to_owned();
        // Such a client may not know of `resource`; the host it asked at says what it means.
        if Params::parse(query.as_bytes()).many("resource").next().is_none()
            && let Some(resource) = server.only_resource(request.connection_info().host())
        {
            let pair = form_urlencoded::Serializer::new(String::new())
                .append_pair("resource", resource.as_str())
                .finish();
            query = [query, pair].join("&");
        }
        let path = format!("{}?{query}", Endpoint::Authorize.path());
        return Ok(page::redirect(&issuer.at(&path)));
    }
    let params = Params::parse(request.query_string().as_bytes());
    let session = browser::session_or_new(&request).map_err(Error::from)?;
    let consent = server.begin(&params, &session).await?;
    Ok(with_cookie(page::consent(&consent), &session))
}

/// Takes the decision of the consent page.
pub(super) async fn decide(
    server: Data<AuthServer>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, BrowserError> {
    let form = Params::parse(&body.0);
    let stale = "the form is incomplete; start again in your application";
    let flow = FlowId::presented(form.required("flow", stale)?);
    let csrf = CsrfToken::presented(form.required("csrf", stale)?);
    let session = browser::session(&request).ok_or(Error::InvalidRequest(
        "this browser sent no cookie; allow cookies for this site and start again",
    ))?;
    let decision = match form.one("decision")? {
        Some("github") => Decision::GitHub,
        Some("local") => Decision::Local(LoginCode::typed(form.one("login_code")?.unwrap_or(""))),
        Some("deny") => Decision::Deny,
        _ => return Err(Error::InvalidRequest(stale).into()),
    };
    match server.decide((&flow, &csrf), &session, decision).await {
        Ok(Next::Again(consent)) => Ok(page::consent(&consent)),
        Ok(Next::Go(url)) => Ok(page::go_on(&url)),
        // After a form an error reaches the client as a success does: by a page of its own.
        Err(AuthorizeError::Redirect(url, error)) => {
            log_refusal(&error);
            Ok(page::go_on(&url))
        }
        Err(error) => Err(error.into()),
    }
}

fn with_cookie(mut response: HttpResponse, session: &BrowserSession) -> HttpResponse {
    match response.add_cookie(&browser::cookie(session)) {
        Ok(()) => response,
        Err(error) => {
            log::error!("cookie not set: {error}");
            HttpResponse::InternalServerError().finish()
        }
    }
}
