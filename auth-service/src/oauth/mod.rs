//! The OAuth protocol, split into wings by endpoint.
//!
//! - `client`: registration, metadata and authentication of clients
//! - `authorize`: the authorization endpoint, login and consent
//! - `token`: the token endpoint, revocation and introspection
//! - `verify`: access decisions for the reverse proxy
//! - `accounts`: the pages of a person
//! - `administration`: the acts of administrators
//! - `discovery`: metadata documents
//!
//! Each wing has an owner type, and [`AuthServer`] composes the owners. The module contains no HTTP
//! framework, Redis command or HTTP client. The one exception is `HeaderValue`: `/verify` caches its
//! response headers in that form, because converting them on every request is too slow.

mod accounts;
mod administration;
mod authorize;
mod client;
mod derived;
mod discovery;
mod endpoint;
mod error;
mod events;
mod legible;
mod packed_strings;
mod params;
mod people;
#[cfg(test)]
mod proptests;
mod proxy_events;
mod quoted;
mod rate_limits;
mod resource;
mod step_fault;
mod token;
mod verify;

use std::sync::{Arc, atomic::AtomicBool};

use aws_lc_rs::hmac;
use tokio::sync::watch;

use self::verify::{identity::Identities, token_cache::TokenCache, uses::Uses};
pub use self::{
    accounts::{
        Accounts, Connection, Disconnection, PendingSignIn, ReturnPath, SEAL as SIGN_IN_SEAL,
        SignIn, SignInReturn, SignedIn, TokenServer, TokenWish, UsableServer, Viewer,
    },
    administration::{Administration, Blocking, Reach},
    authorize::consent_form::{ConsentForm, Decision},
    authorize::consent_page::{
        ClientOrigin, ConsentPage, Destination, LoginWay, LoginWays, Remark, ScopeLabel,
        ServerLabel,
    },
    authorize::device::DeviceAuthorization,
    authorize::login::{ProviderAnswer, ProviderReturn},
    authorize::login_session::BrowserContext,
    authorize::outcome::{AuthorizationOutcome, Next, ProviderVisit, RedirectTarget},
    authorize::pending::SEAL as PENDING_SEAL,
    authorize::request::AuthorizeError,
    authorize::{ConsentFlow, Pending, Requests, Sessions},
    client::Clients,
    client::authentication::ClientCredentials,
    client::id_document::publisher,
    client::metadata::DEVICE_CODE,
    client::preregistration::NewClient,
    client::registration::Registered,
    discovery::Discovery,
    discovery::protected_resource::{ResourceMetadata, ServerPage},
    discovery::server_metadata::ServerMetadata,
    endpoint::{Endpoint, callback_path},
    error::{Error, ErrorCode, GrantFault},
    params::Params,
    people::{FactsCache, LogoutError, People, SEAL as PROVIDER_SEAL},
    step_fault::StepFault,
    token::TokenIssuer,
    token::import::{Counts, ImportOptions, ImportReport},
    token::introspection::Introspection,
    token::personal_access::{NewToken, PERSONAL},
    token::response::TokenResponse,
    verify::Verifier,
    verify::challenge::{Challenge, ChallengeError},
    verify::decision::{BearerError, RequestTarget},
    verify::identity::Identity,
    verify::operation::Operation,
    verify::uses::Origin,
};
use crate::{
    admission::AccessPolicy,
    config::Config,
    keys::{Seal, SigningKeys},
    metrics::Metrics,
    model::{Catalogue, Clock, UnixTime},
    store::{Store, Trial},
    upstream::{ClientDocuments, LoginProviders, ServerReports},
};

/// Shared dependencies of all wings: settings, storage, keys, upstream clients, catalogue and clock.
pub struct Core {
    /// The parsed configuration of the process.
    pub config: Config,
    /// The Redis-backed store of all protocol state.
    pub store: Store,
    /// The keys that sign and verify tokens.
    pub keys: SigningKeys,
    /// The cipher that seals pending authorizations.
    pub pending_seal: Seal,
    /// The cipher that seals pending sign-ins.
    pub sign_in_seal: Seal,
    /// The HMAC key of the CSRF tokens in forms.
    pub forms_key: hmac::Key,
    /// The HMAC key that maps a rate-limited subject to its counters.
    pub limits_key: hmac::Key,
    /// The Prometheus metrics of the process.
    pub metrics: Metrics,
    /// The cipher that seals the tokens of login providers.
    pub provider_seal: Seal,
    /// The login providers.
    pub providers: LoginProviders,
    /// The access policy, replaced on each reload.
    pub access: watch::Receiver<Arc<AccessPolicy>>,
    /// The facts about people that Redis has not reported as changed.
    pub facts: FactsCache,
    /// The fetcher of client metadata documents and client keys.
    pub documents: ClientDocuments,
    /// The catalogue of protected servers, replaced on each reload.
    pub catalogue: watch::Receiver<Arc<Catalogue>>,
    /// The state of the servers, asked of their proxies.
    pub reports: ServerReports,
    /// The source of the current time.
    pub clock: Arc<dyn Clock>,
}

impl Core {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Returns the current catalogue of protected servers.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.borrow())
    }

    /// Checks that the store accepts writes.
    pub async fn ready(&self) -> Result<Trial, Error> {
        Ok(self.store.try_to_write().await?)
    }
}

/// The authorization server, composed of one owner per wing.
pub struct AuthServer {
    /// The dependencies that all owners share.
    pub core: Arc<Core>,
    /// The registry of clients.
    pub clients: Clients,
    /// The flow behind the authorization endpoint.
    pub flow: ConsentFlow,
    /// The issuer behind the token endpoint.
    pub tokens: TokenIssuer,
    /// The operations of people on their own connections.
    pub accounts: Accounts,
    /// The operations of administrators.
    pub administration: Administration,
    /// The keeper of facts about people.
    pub people: People,
    /// The verifier behind `/verify`.
    pub verifier: Verifier,
    /// The builder of discovery documents.
    pub discovery: Discovery,
    /// `true` after a stop signal: the process still serves, but gets no new requests.
    pub is_draining: Arc<AtomicBool>,
}

impl AuthServer {
    /// Builds the owners around `core`.
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
        let accounts = Accounts {
            core: Arc::clone(&core),
            sessions: sessions.clone(),
            tokens: TokenIssuer { core: Arc::clone(&core), clients: clients.clone() },
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
            accounts,
            administration: Administration { core: Arc::clone(&core) },
            people: People::of(&core),
            tokens: TokenIssuer { core: Arc::clone(&core), clients },
            verifier: Verifier {
                core: Arc::clone(&core),
                cache: TokenCache::default(),
                identities: Identities::default(),
                uses: Uses::default(),
            },
            discovery: Discovery { core: Arc::clone(&core) },
            is_draining: Arc::default(),
            core,
        }
    }
}
