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

use self::verify::{identity::Identities, token_cache::SeenTokens};
pub use self::{
    authorize::consent::{ConsentForm, Decision},
    authorize::consent_page::{ConsentPage, Destination, LoginWays, Remark},
    authorize::device::DeviceAuthorization,
    authorize::login::{ProviderAnswer, ProviderReturn},
    authorize::login_session::Visitor,
    authorize::outcome::{AuthorizationOutcome, Next, ProviderVisit, RedirectTarget},
    authorize::pending::SEAL as PENDING_SEAL,
    authorize::request::AuthorizeError,
    authorize::{ConsentFlow, Pending, Requests, Sessions},
    client::Clients,
    client::authentication::ClientCredentials,
    client::metadata::DEVICE_CODE,
    client::preregistration::NewClient,
    client::registration::Registered,
    discovery::Discovery,
    discovery::protected_resource::{ResourceMetadata, ServerPage},
    discovery::server_metadata::ServerMetadata,
    endpoint::Endpoint,
    error::{Error, ErrorCode, GrantFault},
    params::Params,
    token::TokenIssuer,
    token::import::{Counts, ImportOptions, ImportReport},
    token::introspection::Introspection,
    token::personal_access::{NewToken, PERSONAL},
    token::response::TokenResponse,
    verify::Verifier,
    verify::challenge::Challenge,
    verify::decision::BearerError,
    verify::identity::Identity,
    verify::operation::Operation,
};
use crate::{
    config::Config,
    metrics::Metrics,
    model::{Catalogue, Clock, UnixTime},
    ports::{ClientDocuments, GitHub, Seal, SigningKeys},
    store::{Store, Trial},
};

/// What every wing needs: settings, state, keys, outgoing connections, the servers and the time.
pub struct Core {
    /// Settings.
    pub config: Config,
    /// State.
    pub store: Store,
    /// Keys that sign and verify tokens.
    pub keys: SigningKeys,
    /// The seal of pending authorizations.
    pub pending_seal: Seal,
    /// The key that chooses the counters of a subject.
    pub limits_key: hmac::Key,
    /// Counters.
    pub metrics: Metrics,
    /// Login with GitHub, if it is configured.
    pub github: Option<GitHub>,
    /// Fetcher of client metadata documents.
    pub documents: ClientDocuments,
    /// The protected servers, as they are now.
    pub catalogue: watch::Receiver<Arc<Catalogue>>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Core {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Returns the protected servers as they are now.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.borrow())
    }

    /// Tries whether the store takes what is written.
    pub async fn ready(&self) -> Result<Trial, Error> {
        Ok(self.store.try_to_write().await?)
    }
}

/// The authorization server: an owner for each wing.
pub struct AuthServer {
    /// What all of them need.
    pub core: Arc<Core>,
    /// Clients.
    pub clients: Clients,
    /// The authorization endpoint.
    pub flow: ConsentFlow,
    /// The token endpoint.
    pub tokens: TokenIssuer,
    /// `/verify`.
    pub verifier: Verifier,
    /// Discovery.
    pub discovery: Discovery,
}

impl AuthServer {
    /// Composes the owners around `core`.
    #[must_use]
    pub fn new(core: Core) -> Self {
        let core = Arc::new(core);
        let clients = Clients { core: Arc::clone(&core) };
        let sessions = Sessions { core: Arc::clone(&core) };
        let requests = Requests {
            core: Arc::clone(&core),
            clients: clients.clone(),
            sessions: sessions.clone(),
        };
        let flow = ConsentFlow {
            core: Arc::clone(&core),
            clients: clients.clone(),
            sessions,
            requests,
            pending: Pending { core: Arc::clone(&core) },
        };
        Self {
            clients: clients.clone(),
            flow,
            tokens: TokenIssuer { core: Arc::clone(&core), clients },
            verifier: Verifier {
                core: Arc::clone(&core),
                seen: SeenTokens::default(),
                identities: Identities::default(),
            },
            discovery: Discovery { core: Arc::clone(&core) },
            core,
        }
    }
}
