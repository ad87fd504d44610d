//! The domain types. This lowest layer imports no other layer of the crate.

mod actor;
mod authority;
mod authorization_request;
mod caller;
mod catalogue;
mod chain;
mod client;
mod clock;
mod credential;
mod draft;
mod facts_record;
mod flow;
mod generation;
mod grant;
mod last_use;
mod listing;
mod membership;
mod predecessor;
mod provider;
mod provider_token;
mod request_id;
mod scope;
mod server;
mod server_scopes;
mod sighting;
mod traefik_rule;
mod uri;
mod user;

pub use actor::Actor;
pub use authority::{canonical_authority, canonical_host, host_of};
pub use authorization_request::{AuthorizationRequest, Device, Redirect, Reply};
pub use caller::{Caller, SignInPlace};
pub use catalogue::Catalogue;
pub use chain::Chain;
pub use client::{
    AuthMethod, Client, ClientId, ClientMetadata, DocumentRecord, KeysRecord, OwnAccess,
};
pub use clock::{Clock, SystemClock, UnixTime, in_words};
pub use credential::{
    AuthorizationCode, BrowserSession, ClientAssertion, ClientSecret, CsrfToken, DeviceCode,
    Fingerprint, Identifier, LoginCode, LoginSession, LoginState, RandomError, RefreshToken,
    RegistrationToken, SealedAuthorization, UserCode,
};
pub use draft::Draft;
pub use facts_record::FactsRecord;
pub use flow::{
    AnswerRecord, ConsentRecord, DeviceDecision, DeviceRecord, NoMarks, PendingAuthorization,
    Prompt, ProviderLogin, SessionRecord, Stage,
};
pub use generation::Generation;
pub use grant::{AccessRecord, CodeRecord, Grant, RefreshRecord};
pub use last_use::{InvalidUse, LastUse, minute};
pub use listing::{Listing, Mistake, Offer, Route, Source};
pub use membership::{Membership, Memberships, WantedFacts};
pub use predecessor::{OldClient, OldRefresh};
pub use provider::{InvalidProviderName, ProviderName, stable_id};
pub use provider_token::ProviderToken;
pub use request_id::{current_request, with_request};
pub use scope::{InvalidScope, Scopes};
pub use server::{AllowList, Enforcer, McpServer, ServerName};
pub use server_scopes::{ScopeDetail, ServerScopes, ToolScope};
pub use sighting::{Groups, Sighting};
pub use traefik_rule::TraefikRule;
pub use uri::{InvalidUri, Issuer, RedirectUri, ResourceUri};
pub use user::{CLIENT_PROVIDER, Person, User, provider_of};
