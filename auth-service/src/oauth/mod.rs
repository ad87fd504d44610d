//! The protocol: one `impl AuthServer` block a file, each named by what its RFC is about. No HTTP
//! framework, no Redis command and no HTTP client below this line; of HTTP there is the value of a
//! header, which `/verify` is asked for too often to make it anew.

mod authorize;
mod client;
mod derived;
mod discovery;
mod endpoint;
mod error;
mod legible;
mod packed_strings;
mod params;
mod policy;
#[cfg(test)]
mod proptests;
mod quoted;
mod rate_limits;
mod resource;
mod token;
mod verify;

use std::sync::Arc;

use aws_lc_rs::hmac;
use tokio::sync::watch;

pub use self::{
    authorize::consent::{ConsentForm, Decision},
    authorize::consent_page::{ConsentPage, Destination, LoginWays, Remark},
    authorize::device::DeviceAuthorization,
    authorize::login::{ProviderAnswer, ProviderReturn},
    authorize::login_session::Visitor,
    authorize::outcome::{AuthorizationOutcome, Next, ProviderVisit, RedirectTarget},
    authorize::pending::SEAL as PENDING_SEAL,
    authorize::request::AuthorizeError,
    client::authentication::ClientCredentials,
    client::metadata::DEVICE_CODE,
    client::preregistration::NewClient,
    client::registration::Registered,
    discovery::protected_resource::{ResourceMetadata, ServerPage},
    discovery::server_metadata::ServerMetadata,
    endpoint::Endpoint,
    error::{Error, ErrorCode, GrantFault},
    params::Params,
    token::import::{Counts, ImportOptions, ImportReport},
    token::introspection::Introspection,
    token::personal_access::{NewToken, PERSONAL},
    token::response::TokenResponse,
    verify::challenge::Challenge,
    verify::decision::BearerError,
    verify::identity::{Identities, Identity},
    verify::operation::Operation,
    verify::token_cache::SeenTokens,
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
