//! Every key this program writes. `docs/STORAGE.md` lists them with type, TTL and example.

use std::fmt;

use crate::model::{ClientId, Fingerprint, Identifier};

/// The prefix of all keys.
pub(super) const PREFIX: &str = "mcpgw:";

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
    /// An authorization request on the consent page.
    Consent(&'a Fingerprint),
    /// An authorization request at the login provider, by `state`.
    Login(&'a Fingerprint),
    /// A login code of the operator.
    LoginCode(&'a Fingerprint),
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
    /// A refresh token.
    Refresh(&'a Fingerprint),
    /// The mark that a refresh token was used.
    SpentRefresh(&'a Fingerprint),
    /// A counter: of what and for whom, and the number of its window.
    Limit(&'a str, i64),
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        match self {
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Clients => f.write_str("clients"),
            Self::SameRegistration(metadata) => write!(f, "same-registration:{metadata}"),
            Self::Assertion(jti) => write!(f, "assertion:{jti}"),
            Self::ClientKeys(url) => write!(f, "client-keys:{url}"),
            Self::ClientDocument(url) => write!(f, "client-document:{url}"),
            Self::Consent(flow) => write!(f, "consent:{flow}"),
            Self::Login(state) => write!(f, "login:{state}"),
            Self::LoginCode(code) => write!(f, "login-code:{code}"),
            Self::Session(cookie) => write!(f, "session:{cookie}"),
            Self::Approval(of) => write!(f, "approval:{of}"),
            Self::Device(code) => write!(f, "device:{code}"),
            Self::UserCode(code) => write!(f, "user-code:{code}"),
            Self::DeviceDecision(code) => write!(f, "device-decision:{code}"),
            Self::DevicePoll(code) => write!(f, "device-poll:{code}"),
            Self::Code(code) => write!(f, "code:{code}"),
            Self::Redeemed(grant) => write!(f, "redeemed:{{{grant}}}"),
            Self::Grant(grant) => write!(f, "grant:{{{grant}}}"),
            Self::Access(grant, jti) => write!(f, "access:{{{grant}}}:{jti}"),
            Self::Refresh(token) => write!(f, "refresh:{token}"),
            Self::SpentRefresh(token) => write!(f, "spent-refresh:{token}"),
            Self::Limit(what, window) => write!(f, "limit:{what}:{window}"),
        }
    }
}
