//! The servers that auth-service is a client of: login providers, the hosts of client ID metadata
//! documents and client keys, and the proxies and servers whose state it reports.

mod client_documents;
mod fetch_slots;
mod github;
mod json;
pub(crate) mod jwt;
mod key_strength;
mod lazy_client;
mod login_provider;
mod oidc;
mod provider_http;
mod provider_resolver;
mod public_address;
mod public_resolver;
mod refresh_error;
mod server_reports;
mod text;
mod tokens;

pub use client_documents::{ClientDocuments, FAILURE_KEPT};
pub use github::{GitHub, GithubError, Refusal, github_error};
pub use key_strength::weakness;
pub use login_provider::{Blame, LoginProvider, LoginProviders, ProviderError, RenewedToken};
pub use oidc::{LoginRequest, LoginStart, Logout, OidcClient, OidcError, OidcSummary, Renewed};
pub use public_address::is_public;
pub use public_resolver::PublicResolver;
pub use refresh_error::RefreshError;
pub use server_reports::{
    ProxyState, Reach, ReportError, ServerHealth, ServerReport, ServerReports,
};
