//! Every key this program writes. `docs/STORAGE.md` lists them with type, TTL and example.

use crate::model::{ClientId, Fingerprint, Identifier, ResourceUri};

/// The prefix of all keys.
pub(super) const PREFIX: &str = "mcpgw:";

/// The sorted sets among the keys.
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

/// A key. What belongs to one grant carries its id as hash tag, so that a script may touch all of
/// it in a cluster.
pub(super) enum Key<'a> {
    /// A registration.
    Client(&'a ClientId),
    /// The index of registrations, by their end.
    Clients,
    /// Which registration those with the same metadata are given.
    SameRegistration(&'a Fingerprint),
    /// The mark that an assertion of a client was used.
    Assertion(&'a Fingerprint),
    /// Keys of a client, by their URL.
    ClientKeys(&'a Fingerprint),
    /// A client metadata document, by its URL.
    ClientDocument(&'a Fingerprint),
    /// The pool of registrations that nobody has consented to.
    UnusedClients,
    /// The registrations of that pool which their clients deleted.
    DeletedClients,
    /// The pool of names for registrations with equal metadata.
    SameRegistrations,
    /// The pool of client metadata documents that nobody has consented to.
    UnusedDocuments,
    /// The pool of client metadata documents that somebody consented to.
    UsedDocuments,
    /// The pool of key sets of clients that nobody has consented to.
    UnusedKeys,
    /// The pool of key sets of clients that somebody consented to.
    UsedKeys,
    /// The pool of assertions of clients that nobody has consented to.
    UnusedAssertions,
    /// The pool of devices that wait for an answer.
    Devices,
    /// The mark of the latest revocation of everything.
    RevokedAll,
    /// The mark of the latest revocation of a client.
    RevokedClient(&'a ClientId),
    /// The mark of the latest revocation of a server.
    RevokedServer(&'a ResourceUri),
    /// A login code of the operator.
    LoginCode(&'a Fingerprint),
    /// The lock of a login code that is being used.
    LoginLock(&'a Fingerprint),
    /// The steps that are being answered.
    Steps,
    /// The answer to a step.
    Answer(&'a Fingerprint),
    /// A person who is logged in.
    Session(&'a Fingerprint),
    /// What a person allowed a client before.
    Approval(&'a Fingerprint),
    /// What a device asks for.
    Device(&'a Fingerprint),
    /// The device that shows this user code.
    UserCode(&'a Fingerprint),
    /// What a person decided about a device.
    DeviceDecision(&'a Fingerprint),
    /// When a device asked last.
    DevicePoll(&'a Fingerprint),
    /// An authorization code.
    Code(&'a Fingerprint),
    /// The mark that the code of this grant was redeemed.
    Redeemed(&'a Identifier),
    /// A grant.
    Grant(&'a Identifier),
    /// An access token of a grant.
    Access(&'a Identifier, &'a Identifier),
    /// The feed of ended grants and access tokens.
    EndedGrants,
    /// A refresh token.
    Refresh(&'a Fingerprint),
    /// The mark that a refresh token was used.
    SpentRefresh(&'a Fingerprint),
    /// The counters of one kind, and the number of their window.
    Limit(&'a str, i64),
    /// What is written to see whether Redis takes it.
    Trial(&'a str),
}

impl Key<'_> {
    /// The key as Redis knows it. Joined and not formatted: `/verify` makes four for a new token.
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
            Self::Approval(of) => join("approval:", of.as_str()),
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
