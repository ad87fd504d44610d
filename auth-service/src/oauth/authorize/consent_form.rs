//! The form of the consent page.

use crate::model::{CsrfToken, LoginCode, SealedAuthorization};

/// The decision of a person on the consent page.
#[derive(Debug)]
pub enum Decision {
    /// Deny the request of the client.
    Deny,
    /// Allow the request as the person who is logged in.
    LoggedIn,
    /// Allow the request after a login at the provider with this name.
    Provider(String),
    /// Allow the request after a login with this code from the operator.
    Local(LoginCode),
    /// Select the server with this URL from the offered ones.
    Server(String),
}

impl Decision {
    /// Returns a text that identifies the decision, with a fingerprint instead of the login code.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Deny => "deny".to_owned(),
            Self::LoggedIn => "allow".to_owned(),
            Self::Provider(name) => format!("provider {name}"),
            Self::Local(code) => format!("local {}", code.fingerprint()),
            Self::Server(chosen) => format!("server {chosen}"),
        }
    }
}

/// A submitted consent form.
#[derive(Debug)]
pub struct ConsentForm {
    /// The pending authorization of the form.
    pub pending: SealedAuthorization,
    /// The CSRF token of the form.
    pub csrf: CsrfToken,
    /// The button that was pressed.
    pub decision: Decision,
}
