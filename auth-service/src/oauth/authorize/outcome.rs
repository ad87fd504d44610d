//! What a step of the authorization flow leads to.

use super::{consent_page::ConsentPage, request};
use crate::{
    model::{AuthorizationCode, Issuer, LoginSession, LoginState, Reply, SealedAuthorization},
    oauth::Error,
};

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// The consent page.
    Page(Box<ConsentPage>),
    /// The login provider.
    Provider(ProviderVisit),
    /// The end.
    Done(AuthorizationOutcome),
}

/// A visit to the login provider.
#[derive(Debug)]
pub struct ProviderVisit {
    /// Where it begins.
    pub url: String,
    /// What the provider returns.
    pub state: LoginState,
    /// What the browser keeps until then.
    pub pending: SealedAuthorization,
}

/// The end of a flow.
#[derive(Debug)]
pub struct AuthorizationOutcome {
    /// Where the browser goes.
    pub target: RedirectTarget,
    /// The cookie of a login that has just taken place.
    pub login: Option<LoginSession>,
}

/// Where the browser goes at the end of a flow.
#[derive(Debug)]
pub enum RedirectTarget {
    /// To the client, by this URL.
    Client(String),
    /// Nowhere: the device continues automatically.
    Device,
}

/// Returns where the browser goes when `code` was issued for a request of this `reply`.
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
        .ok_or(Error::InvalidRequest("redirect_uri cannot be used"))
}
