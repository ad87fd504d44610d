//! Handlers of `GET /authorize` (RFC 6749 §3.1) and of the consent form.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{ALLOW, HeaderValue},
    },
    web::Data,
};
use url::form_urlencoded;

use super::{
    body::Body,
    browser,
    error::{BrowserError, TokenError, log_refusal},
    method_not_allowed, navigation, page,
    requested_host::RequestedHost,
};
use crate::{
    model::{BrowserSession, CsrfToken, LoginCode, SealedAuthorization},
    oauth::{
        AuthServer, AuthorizationOutcome, AuthorizeError, ConsentForm, ConsentPage, Decision,
        Endpoint, Error, Next, Params, RedirectTarget, Remark, StepFault,
    },
};

/// The query parameter that marks a request as redirected to the login host. If such a request arrives under the
/// host of a server, the proxy in front forwards a wrong host name: another redirect would loop endlessly.
const SENT_ON: &str = "sent_on";

/// Starts an authorization: shows the consent page, or redirects to the login provider or the client.
///
/// Clients of MCP 2025-03-26 look for this endpoint on the host of the MCP server. There, it redirects the browser to
/// the login host, because cookies belong to one host.
pub(super) async fn show(
    server: Data<AuthServer>,
    request: HttpRequest,
) -> Result<HttpResponse, BrowserError> {
    let params = Params::parse(request.query_string().as_bytes());
    let host = RequestedHost::read(&server, &request);
    if host.is_of_a_server(&server) {
        if params.many(SENT_ON).next().is_some() {
            log::warn!(
                "a request to the login host arrived as {}: check Host and X-Forwarded-Host of the proxy",
                host.authority()
            );
            return Err(Error::Step(StepFault::WrongHost).into());
        }
        let url = at_login_host(&server, &host, request.query_string(), &params);
        return Ok(page::redirect(&url));
    }
    let browser = browser::browser(&server, &request).map_err(Error::from)?;
    match server.flow.begin(&params, &browser).await? {
        Next::Page(consent) => Ok(shown(&request, &consent, &browser.session)),
        Next::Provider(visit) => {
            let response = page::redirect(&visit.url);
            Ok(browser::set_pending(response, &request, &visit))
        }
        Next::Done(outcome) => {
            Ok(finish(&server, &request, &outcome, |_, url| page::redirect(url)))
        }
    }
}

/// Returns the URL of the same request at the login host.
fn at_login_host(
    server: &AuthServer,
    host: &RequestedHost,
    query: &str,
    params: &Params,
) -> String {
    let mut added = form_urlencoded::Serializer::new(String::new());
    // Such a client may not know `resource` (RFC 8707): the requested host identifies the server.
    if params.many("resource").next().is_none()
        && let Some(resource) = server.core.only_resource(host.authority())
    {
        added.append_pair("resource", resource.as_str());
    }
    let added = added.append_pair(SENT_ON, "1").finish();
    let path = Endpoint::Authorize.path();
    server.core.config.issuer.at(&format!("{path}?{query}&{added}"))
}

/// Handles `POST /authorize/consent`: applies the person's decision.
pub(super) async fn decide(
    server: Data<AuthServer>,
    request: HttpRequest,
    body: Result<Body, TokenError>,
) -> Result<HttpResponse, BrowserError> {
    let form = Params::parse(&body?.0);
    if navigation::is_foreign_form(&server, request.headers()) {
        return Err(Error::Step(StepFault::ForeignForm).into());
    }
    let decision = match form.one("decision")? {
        Some("allow") => Decision::LoggedIn,
        Some("local") => Decision::Local(LoginCode::typed(form.one("login_code")?.unwrap_or(""))),
        Some("server") => Decision::Server(form.one("server")?.ok_or_else(incomplete)?.to_owned()),
        Some("deny") => Decision::Deny,
        Some("github") => Decision::Provider("github".to_owned()),
        Some(other) => match other.strip_prefix("login:") {
            Some(name) => Decision::Provider(name.to_owned()),
            None => return Err(incomplete().into()),
        },
        None => return Err(incomplete().into()),
    };
    let form = ConsentForm {
        pending: SealedAuthorization::presented(form.one("flow")?.ok_or_else(incomplete)?),
        csrf: CsrfToken::presented(form.one("csrf")?.ok_or_else(incomplete)?),
        decision,
    };
    let declined = matches!(form.decision, Decision::Deny);
    let browser = browser::browser(&server, &request).map_err(Error::from)?;
    let session = browser.session.clone();
    let decider = server.clone();
    match to_the_end(async move { decider.flow.decide(form, &browser).await }).await? {
        Ok(Next::Page(consent)) => Ok(shown(&request, &consent, &session)),
        Ok(Next::Provider(visit)) => {
            let response = page::go_on(&request, &visit.url);
            Ok(browser::set_pending(response, &request, &visit))
        }
        Ok(Next::Done(outcome)) => Ok(finish(&server, &request, &outcome, page::go_on)),
        // A device polls for the result: there is no client to redirect to.
        Err(AuthorizeError::Page(Error::AccessDenied(_))) if declined => {
            Ok(page::device_declined(&request))
        }
        // After a form, errors reach the client as successes do: by an intermediate page (see `page::go_on`).
        Err(AuthorizeError::Redirect(url, error)) => {
            log_refusal(&error);
            Ok(page::go_on(&request, &url))
        }
        Err(error) => Err(error.into()),
    }
}

fn incomplete() -> Error {
    Error::Step(StepFault::UnknownForm)
}

/// Answers `GET /authorize/consent` with 405. Browsers send it when they restore a tab that showed the form's result.
pub(super) async fn reopened(request: HttpRequest) -> HttpResponse {
    if !navigation::wants_page(request.headers()) {
        return method_not_allowed("POST");
    }
    let error = Error::Step(StepFault::Reopened);
    let mut page = page::error(&request, StatusCode::METHOD_NOT_ALLOWED, &error, None);
    page.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    page
}

/// Runs a step of a flow to completion, even if the browser closes the connection. A second click aborts the first
/// request, and the step may not be repeatable.
pub(super) async fn to_the_end<T: 'static>(
    step: impl Future<Output = T> + 'static,
) -> Result<T, Error> {
    actix_web::rt::spawn(step).await.map_err(|error| Error::Internal(error.into()))
}

/// Renders a consent page and sets the cookie that binds it to its browser.
pub(super) fn shown(
    request: &HttpRequest,
    consent: &ConsentPage,
    session: &BrowserSession,
) -> HttpResponse {
    let response = browser::set_session(page::consent(request, consent), session);
    match consent.remark {
        Some(Remark::Refused) => browser::set_refused(response),
        _ => response,
    }
}

/// Ends a flow. Sends the browser to the client by `send`, or shows that the device is connected, and sets the login
/// cookie.
pub(super) fn finish(
    server: &AuthServer,
    request: &HttpRequest,
    outcome: &AuthorizationOutcome,
    send: fn(&HttpRequest, &str) -> HttpResponse,
) -> HttpResponse {
    let response = match &outcome.target {
        RedirectTarget::Client(url) => send(request, url),
        RedirectTarget::Device => page::device_allowed(request),
    };
    let response = browser::forget_refused(response, request);
    match &outcome.login {
        Some(login) => {
            browser::set_login(response, login, server.core.config.lifetimes.login_session)
        }
        None => response,
    }
}
