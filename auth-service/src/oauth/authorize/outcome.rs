//! Outcomes of the steps of the authorization flow.

use super::{consent_page::ConsentPage, request};
use crate::{
    model::{AuthorizationCode, Issuer, LoginSession, LoginState, Reply, SealedAuthorization},
    oauth::Error,
};

/// The response to a step of the flow.
#[derive(Debug)]
pub enum Next {
    /// Show the consent page.
    Page(Box<ConsentPage>),
    /// Redirect to the login provider.
    Provider(ProviderVisit),
    /// Finish the flow with this outcome.
    Done(AuthorizationOutcome),
}

/// A redirect to the login provider.
#[derive(Debug)]
pub struct ProviderVisit {
    /// The authorization URL of the provider.
    pub url: String,
    /// The `state` that the provider returns.
    pub state: LoginState,
    /// The pending authorization, which the browser keeps in cookies until the callback.
    pub pending: SealedAuthorization,
}

/// The authorization outcome: the end of a flow.
#[derive(Debug)]
pub struct AuthorizationOutcome {
    /// The redirect target of the browser.
    pub target: RedirectTarget,
    /// The cookie of a new login session.
    pub login: Option<LoginSession>,
}

/// The redirect target at the end of a flow.
#[derive(Debug)]
pub enum RedirectTarget {
    /// Redirects to the client with this URL.
    Client(String),
    /// No redirect: the device continues automatically.
    Device,
}

/// Returns the redirect target for `code`, issued for a request with this `reply`.
pub(in crate::oauth) fn target(
    issuer: &Issuer,
    reply: &Reply,
    code: &AuthorizationCode,
) -> Result<RedirectTarget, Error> {
    let Reply::Redirect(redirect) = reply else { return Ok(RedirectTarget::Device) };
    let state = redirect.state.as_deref();
    let parameters = [("code", code.reveal())];
    request::response(issuer, &redirect.uri, state, &parameters)
        .map(RedirectTarget::Client)
        .ok_or(Error::InvalidRequest("redirect_uri is not a valid URI"))
}
