//! What a step of the authorization flow leads to.

use super::consent_page::ConsentPage;
use crate::model::{LoginSession, LoginState, SealedAuthorization};

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
