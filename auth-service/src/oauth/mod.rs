//! The protocol: one `impl AuthServer` block a file, each named by what its RFC is about. No HTTP
//! framework, no Redis command and no HTTP client below this line; of HTTP there is the value of a
//! header, which `/verify` is asked for too often to make it anew.

mod access_token;
mod approval;
mod asker;
mod audit;
mod authorization;
mod bearer;
mod client_assertion;
mod client_auth;
mod client_credentials;
mod client_document;
mod client_keys;
mod client_members;
mod client_metadata;
mod code_grant;
mod consent;
mod consent_page;
mod derived;
mod device;
mod device_grant;
mod endpoint;
mod error;
mod identity;
mod introspection;
mod key_strength;
mod legible;
mod limits;
mod login;
mod management;
mod metadata;
mod operation;
mod params;
mod pending;
mod personal_token;
mod pinned_documents;
mod pkce;
mod policy;
mod predecessor;
mod preregistration;
mod prompt;
#[cfg(test)]
mod properties;
mod protected_resource;
mod quoted;
mod recent_tokens;
mod redirect_uri;
mod refresh_grant;
mod registration;
mod repeat;
mod resource;
mod revocation;
mod seen_token;
mod server_choice;
mod session;
mod texts;
mod token_response;

use std::sync::Arc;

use aws_lc_rs::hmac;
use tokio::sync::watch;

pub use self::{
    authorization::AuthorizeError,
    bearer::{BearerError, Challenge},
    client_auth::ClientCredentials,
    consent::{ConsentForm, Decision, Next, ProviderVisit},
    consent_page::{ConsentPage, Destination, LoginWays, Remark},
    device::{DEVICE_CODE, DeviceAuthorization},
    endpoint::Endpoint,
    error::{Error, ErrorCode, GrantFault},
    identity::{Identities, Identity},
    introspection::Introspection,
    login::{AuthorizationOutcome, ProviderAnswer, ProviderReturn, RedirectTarget},
    metadata::ServerMetadata,
    operation::Operation,
    params::Params,
    pending::SEAL as PENDING_SEAL,
    personal_token::{NewToken, PERSONAL},
    predecessor::{Counts, ImportOptions, ImportReport},
    preregistration::NewClient,
    protected_resource::{ResourceMetadata, ServerPage},
    registration::Registered,
    seen_token::SeenTokens,
    session::Visitor,
    token_response::TokenResponse,
};
use crate::{
    config::Config,
    metrics::Metrics,
    model::{Catalogue, Clock, UnixTime},
    ports::{ClientDocuments, GitHub, Seal, SigningKeys},
    store::{Store, Trial},
};

/// The authorization server.
pub struct AuthServer {
    /// Settings.
    pub config: Config,
    /// State.
    pub store: Store,
    /// What signs and verifies tokens.
    pub keys: SigningKeys,
    /// What seals pending authorizations.
    pub pending_seal: Seal,
    /// What chooses the counters of a subject.
    pub limits_key: hmac::Key,
    /// Tokens that were verified.
    pub seen: SeenTokens,
    /// What was said to servers about who asks.
    pub identities: Identities,
    /// Counters.
    pub metrics: Metrics,
    /// Login with GitHub, if it is configured.
    pub github: Option<GitHub>,
    /// Where client metadata documents come from.
    pub documents: ClientDocuments,
    /// The protected servers, as they are now.
    pub catalogue: watch::Receiver<Arc<Catalogue>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl AuthServer {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// The protected servers now.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.borrow())
    }

    /// Tries whether the store takes what is written.
    pub async fn ready(&self) -> Result<Trial, Error> {
        Ok(self.store.try_to_write().await?)
    }
}
