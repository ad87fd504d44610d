//! Settings of login providers: the tables `[provider.NAME]` of the access file, and the variables for
//! one OpenID provider.

mod oidc;
mod secret;
mod table;
#[cfg(test)]
mod tests;

use secrecy::SecretString;
use url::Url;

pub(crate) use self::oidc::is_protected;
pub use self::{
    oidc::{ClientAuth, OfflineAccess, OidcProvider},
    secret::SecretSource,
    table::ProviderTable,
};
use crate::model::ProviderName;

/// A login provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The name in subjects, rules and the callback URL.
    pub name: ProviderName,
    /// The name for people, as on the login button.
    pub title: String,
    /// The protocol of the provider and its settings.
    pub kind: ProviderKind,
}

/// The protocol of a login provider, with the settings of its client.
#[derive(Clone, Debug)]
pub enum ProviderKind {
    /// An OpenID provider (OpenID Connect Core 1.0).
    Oidc(Box<OidcProvider>),
    /// GitHub Enterprise Server, or a second OAuth app of GitHub.
    Github(Box<GithubProvider>),
}

/// The settings of a client of GitHub or a GitHub Enterprise Server.
#[derive(Clone, Debug)]
pub struct GithubProvider {
    /// The client id of the OAuth app.
    pub client_id: String,
    /// The client secret of the OAuth app.
    pub client_secret: SecretString,
    /// The URL of the web pages.
    pub base_url: Url,
    /// The URL of the REST API.
    pub api_url: Url,
    /// `true` if the operator vouches for the e-mail addresses. An Enterprise Server does not prove
    /// them.
    pub trust_email: bool,
}
