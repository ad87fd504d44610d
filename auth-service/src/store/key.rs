//! All Redis keys of this program. `docs/STORAGE.md` lists them with type, TTL and example.

use crate::model::{ClientId, Fingerprint, Identifier, ResourceUri};

/// The common prefix of all keys of this program.
pub(super) const PREFIX: &str = "mcpgw:";

/// The keys whose values are sorted sets, for backup and restore.
pub(super) const SORTED_SETS: [Key<'static>; 11] = [
    Key::Clients,
    Key::UnusedClients,
    Key::DeletedClients,
    Key::SameRegistrations,
    Key::UnusedDocuments,
    Key::UsedDocuments,
    Key::UnusedKeys,
    Key::UsedKeys,
    Key::UnusedAssertions,
    Key::Devices,
    Key::Steps,
];

/// A key. The keys of one grant share its id as hash tag, so that a script may access all of them
/// in a Redis Cluster.
pub(super) enum Key<'a> {
    /// A client registration (RFC 7591), by client id.
    Client(&'a ClientId),
    /// The index of registrations in use, sorted by expiry.
    Clients,
    /// The client id that repeated registrations with the same metadata receive.
    SameRegistration(&'a Fingerprint),
    /// The replay marker of a client assertion (RFC 7523 `jti`).
    Assertion(&'a Fingerprint),
    /// The cached key set of a client, by its `jwks_uri`.
    ClientKeys(&'a Fingerprint),
    /// A cached client metadata document, by its URL.
    ClientDocument(&'a Fingerprint),
    /// The pool of unused registrations: without any consent so far.
    UnusedClients,
    /// The pool of unused registrations that their clients have deleted.
    DeletedClients,
    /// The pool that bounds the `SameRegistration` keys.
    SameRegistrations,
    /// The pool of client metadata documents without any consent so far.
    UnusedDocuments,
    /// The pool of client metadata documents of clients in use.
    UsedDocuments,
    /// The pool of key sets of clients without any consent so far.
    UnusedKeys,
    /// The pool of key sets of clients in use.
    UsedKeys,
    /// The pool of replay markers of clients without any consent so far.
    UnusedAssertions,
    /// The pool of pending device authorizations (RFC 8628).
    Devices,
    /// The marker of the latest revocation of all grants.
    RevokedAll,
    /// The marker of the latest revocation of a client.
    RevokedClient(&'a ClientId),
    /// The marker of the latest revocation of a server.
    RevokedServer(&'a ResourceUri),
    /// A single-use login code that the operator issued.
    LoginCode(&'a Fingerprint),
    /// The lock on a login code that a login flow is using.
    LoginLock(&'a Fingerprint),
    /// The set of authorization steps in progress, sorted by the expiry of their claims.
    Steps,
    /// The recorded outcome of an authorization step, for retries of the browser.
    Answer(&'a Fingerprint),
    /// A login session, by its cookie.
    Session(&'a Fingerprint),
    /// A remembered consent of a person for a client.
    Consent(&'a Fingerprint),
    /// A device authorization request (RFC 8628), by device code.
    Device(&'a Fingerprint),
    /// The device code that belongs to a user code.
    UserCode(&'a Fingerprint),
    /// The decision of a person about a device authorization request.
    DeviceDecision(&'a Fingerprint),
    /// The time of the latest token request of a device.
    DevicePoll(&'a Fingerprint),
    /// An authorization code (RFC 6749 §4.1), by its fingerprint.
    Code(&'a Fingerprint),
    /// The marker that the authorization code of a grant was redeemed.
    Redeemed(&'a Identifier),
    /// A grant, by its id.
    Grant(&'a Identifier),
    /// An access token, by grant id and `jti`.
    Access(&'a Identifier, &'a Identifier),
    /// The stream of ended grants and access tokens.
    EndedGrants,
    /// A refresh token, by its fingerprint.
    Refresh(&'a Fingerprint),
    /// The marker that a refresh token was spent, with the salt of its successor.
    SpentRefresh(&'a Fingerprint),
    /// The rate-limit counters of one kind, by the number of their window.
    Limit(&'a str, i64),
    /// A probe key, to check that Redis accepts writes.
    Trial(&'a str),
}

impl Key<'_> {
    /// Returns the complete Redis key. Concatenates instead of formatting, because `/verify` builds
    /// four keys for each new token.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Client(id) => join("client:", id.as_str()),
            Self::Clients => join("clients", ""),
            Self::SameRegistration(metadata) => join("same-registration:", metadata.as_str()),
            Self::Assertion(jti) => join("assertion:", jti.as_str()),
            Self::ClientKeys(url) => join("client-keys:", url.as_str()),
            Self::ClientDocument(url) => join("client-document:", url.as_str()),
            Self::UnusedClients => join("unused-clients", ""),
            Self::DeletedClients => join("deleted-clients", ""),
            Self::SameRegistrations => join("same-registrations", ""),
            Self::UnusedDocuments => join("unused-documents", ""),
            Self::UsedDocuments => join("used-documents", ""),
            Self::UnusedKeys => join("unused-keys", ""),
            Self::UsedKeys => join("used-keys", ""),
            Self::UnusedAssertions => join("unused-assertions", ""),
            Self::Devices => join("devices", ""),
            Self::RevokedAll => join("revoked:all", ""),
            Self::RevokedClient(id) => join("revoked:client:", id.as_str()),
            Self::RevokedServer(uri) => {
                join("revoked:server:", Fingerprint::of(uri.as_str()).as_str())
            }
            Self::LoginCode(code) => join("login-code:", code.as_str()),
            Self::LoginLock(code) => join("login-lock:", code.as_str()),
            Self::Steps => join("steps", ""),
            Self::Answer(step) => join("answer:", step.as_str()),
            Self::Session(cookie) => join("session:", cookie.as_str()),
            Self::Consent(of) => join("approval:", of.as_str()),
            Self::Device(code) => join("device:", code.as_str()),
            Self::UserCode(code) => join("user-code:", code.as_str()),
            Self::DeviceDecision(code) => join("device-decision:", code.as_str()),
            Self::DevicePoll(code) => join("device-poll:", code.as_str()),
            Self::Code(code) => join("code:", code.as_str()),
            Self::Redeemed(grant) => [PREFIX, "redeemed:{", grant.as_str(), "}"].concat(),
            Self::Grant(grant) => [PREFIX, "grant:{", grant.as_str(), "}"].concat(),
            Self::Access(grant, jti) => {
                [PREFIX, "access:{", grant.as_str(), "}:", jti.as_str()].concat()
            }
            Self::EndedGrants => join("ended-grants", ""),
            Self::Refresh(token) => join("refresh:", token.as_str()),
            Self::SpentRefresh(token) => join("spent-refresh:", token.as_str()),
            Self::Limit(what, window) => format!("{PREFIX}limit:{what}:{window}"),
            Self::Trial(name) => join("trial:", name),
        }
    }
}

fn join(kind: &str, name: &str) -> String {
    [PREFIX, kind, name].concat()
}
