//! All Redis keys of this program. `docs/STORAGE.md` lists them with type, TTL and example.

use crate::model::{ClientId, Fingerprint, Identifier, ResourceUri};

/// The common prefix of all keys of this program.
pub(super) const PREFIX: &str = "mcpgw:";

/// The keys whose values are sorted sets, for backup and restore.
pub(super) const SORTED_SETS: [Key<'static>; 13] = [
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
    Key::BlockedPeople,
    Key::RefusedClients,
];

/// The prefix of the keys that hold generations. Every instance is notified of changes to them.
pub(super) const GENERATIONS: &str = "mcpgw:gen:";

/// The beginnings of keys that a backup lacks: counters that expire within minutes, the feed of the proxies
/// that run now, last uses, locks, and what is derived from the records.
const DERIVED: [&str; 19] = [
    "audit",
    "checks",
    "granted-clients",
    "outbox",
    "people",
    "person:",
    "facts-lock:",
    "logout-token:",
    "uses:",
    "limit:",
    "ended-grants",
    "grants:",
    "others:",
    "tokens:",
    "jti:",
    "subjects:",
    "sweep",
    "indexed",
    "operator-clients",
];

/// Returns `true` for a key that a backup lacks.
pub(super) fn is_derived(key: &str) -> bool {
    let name = key.strip_prefix(PREFIX).unwrap_or(key);
    DERIVED.iter().any(|kind| name.starts_with(kind))
}

/// The prefix of those of servers.
pub(super) const SERVER_GENERATIONS: &str = "mcpgw:gen:server:";

/// The owner of the records in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner<'a> {
    /// A person, or a client that acts on its own behalf, by subject.
    User(&'a str),
    /// A client.
    Client(&'a ClientId),
    /// A server.
    Server(&'a ResourceUri),
    /// A day, in days since 1970. It bounds the size of the index of all records.
    Day(i64),
}

impl Owner<'_> {
    fn key(self, kind: &str) -> String {
        match self {
            Self::User(subject) => [PREFIX, kind, "user:", hash(subject).as_str()].concat(),
            Self::Client(id) => [PREFIX, kind, "client:", id.as_str()].concat(),
            Self::Server(uri) => [PREFIX, kind, "server:", hash(uri.as_str()).as_str()].concat(),
            Self::Day(day) => format!("{PREFIX}{kind}day:{day}"),
        }
    }
}

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
    /// The counter of revocations, from which each takes its generation.
    Generation,
    /// The generation of the latest revocation of everything.
    GenerationOfAll,
    /// The latest time before which all grants are revoked.
    RevokedBefore,
    /// The generation of the latest revocation that ended everything but grants.
    GenerationOfFlows,
    /// The generation of the latest revocation of a person, by subject or login name.
    GenerationOfUser(&'a str),
    /// The generation of the latest revocation of a client.
    GenerationOfClient(&'a ClientId),
    /// The generation of the latest revocation of a server.
    GenerationOfServer(&'a ResourceUri),
    /// The generation of the latest revocation of a person's grants to one client.
    GenerationOfPair(&'a str, &'a ClientId),
    /// The index of the grants of an owner, sorted by creation.
    Grants(Owner<'a>),
    /// The index of the days with grants.
    GrantDays,
    /// The index of the other revocable records of an owner, sorted by expiry.
    Others(Owner<'a>),
    /// The index of the days on which other revocable records expire.
    OtherDays,
    /// The index of the access tokens of a grant, sorted by expiry.
    Tokens(&'a Identifier),
    /// The grant of an access token whose `jti` does not name it.
    GrantOfToken(&'a Identifier),
    /// The index of the subjects with a login name.
    Subjects(&'a str),
    /// The last uses of the grants of a person.
    Uses(&'a str),
    /// The index of the registrations that the operator made, sorted by creation.
    OperatorClients,
    /// The queue of revocations whose records are still to be deleted, sorted by generation.
    Sweeps,
    /// The lease of the instance that deletes or indexes records in the background.
    SweepLease,
    /// The marker that all records are indexed.
    Indexed,
    /// A single-use login code that the operator issued.
    LoginCode(&'a Fingerprint),
    /// The lock on a login code that a login flow is using.
    LoginLock(&'a Fingerprint),
    /// The set of authorization steps in progress, sorted by the expiry of their claims.
    Steps,
    /// The recorded outcome of an authorization step, for retries of the browser.
    Answer(&'a Fingerprint),
    /// The marker that a form was used.
    UsedForm(&'a Fingerprint),
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
    /// The facts about a person, by subject.
    Facts(&'a str),
    /// The lock on the check of a person's facts, by subject.
    FactsLock(&'a str),
    /// The sealed token of a person's login provider, by subject.
    ProviderToken(&'a str),
    /// The people whose facts are to be checked, sorted by the time at which that is due.
    Checks,
    /// The index of clients with grants, sorted by the latest of these.
    GrantedClients,
    /// The index of people, sorted by their latest login or consent.
    People,
    /// The name and the e-mail address of a person at the latest login or consent, by subject.
    Person(&'a str),
    /// The people whom an administrator has blocked, sorted by the time of that.
    BlockedPeople,
    /// The clients that an administrator has refused, sorted by the time of that.
    RefusedClients,
    /// The marker of a used logout token (OpenID Connect Back-Channel Logout).
    LogoutToken(&'a Fingerprint),
    /// The person of a login session at a provider.
    ProviderSession(&'a Fingerprint),
    /// The issuer of a provider at its first login, by name.
    ProviderIssuer(&'a str),
    /// The audit events of changes to the record of a key, which the relay has not moved yet.
    Outbox(&'a str),
    /// The announcements of the events in outboxes, sorted by their time.
    Outboxes,
    /// The number of events that found too many announcements.
    LostEvents,
    /// The lease of the instance that moves events out of the outboxes.
    RelayLease,
    /// The number of the last event that was read of each proxy.
    FeedPositions,
    /// The lease of the instance that reads the events of proxies.
    FeedLease,
    /// The stream of audit events.
    Audit,
    /// The places in the stream of the latest events, by id.
    AuditIds,
    /// The ids of the latest events, in the order in which they were added.
    AuditIdsByAge,
    /// The index of the audit events of a person, by subject.
    AuditOf(&'a str),
    /// A probe key, to check that Redis accepts writes.
    Trial(&'a str),
}

impl Key<'_> {
    /// Returns the complete Redis key. Concatenates instead of formatting, because `/verify` builds
    /// four keys for each new token.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Client(id) => join("client:", id.as_str()),
            Self::SameRegistration(metadata) => join("same-registration:", metadata.as_str()),
            Self::Assertion(jti) => join("assertion:", jti.as_str()),
            Self::ClientKeys(url) => join("client-keys:", url.as_str()),
            Self::ClientDocument(url) => join("client-document:", url.as_str()),
            Self::GenerationOfUser(person) => join("gen:user:", hash(person).as_str()),
            Self::GenerationOfClient(id) => join("gen:client:", id.as_str()),
            Self::GenerationOfServer(uri) => join("gen:server:", hash(uri.as_str()).as_str()),
            Self::GenerationOfPair(person, client) => {
                join("gen:pair:", hash(&[person, "\n", client.as_str()].concat()).as_str())
            }
            Self::Grants(owner) => owner.key("grants:"),
            Self::Others(owner) => owner.key("others:"),
            Self::Tokens(grant) => [PREFIX, "tokens:{", grant.as_str(), "}"].concat(),
            Self::GrantOfToken(jti) => join("jti:", jti.as_str()),
            Self::Uses(subject) => join("uses:", hash(subject).as_str()),
            Self::Subjects(login) => join("subjects:", hash(login).as_str()),
            Self::LoginCode(code) => join("login-code:", code.as_str()),
            Self::LoginLock(code) => join("login-lock:", code.as_str()),
            Self::Answer(step) => join("answer:", step.as_str()),
            Self::UsedForm(form) => join("used-form:", form.as_str()),
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
            Self::Refresh(token) => join("refresh:", token.as_str()),
            Self::SpentRefresh(token) => join("spent-refresh:", token.as_str()),
            Self::Limit(what, window) => format!("{PREFIX}limit:{what}:{window}"),
            Self::Person(subject) => join("person:", hash(subject).as_str()),
            Self::Facts(subject) => join("facts:", hash(subject).as_str()),
            Self::FactsLock(subject) => join("facts-lock:", hash(subject).as_str()),
            Self::ProviderToken(subject) => join("provider-token:", hash(subject).as_str()),
            Self::LogoutToken(token) => join("logout-token:", token.as_str()),
            Self::ProviderSession(session) => join("provider-session:", session.as_str()),
            Self::ProviderIssuer(provider) => join("provider-issuer:", provider),
            Self::Outbox(record) => [PREFIX, "outbox:{", tag_of(record), "}"].concat(),
            Self::AuditOf(subject) => join("audit-of:", hash(subject).as_str()),
            Self::Trial(name) => join("trial:", name),
            _ => join(self.fixed_name(), ""),
        }
    }

    /// Returns the name of a key that there is once.
    const fn fixed_name(&self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::UnusedClients => "unused-clients",
            Self::DeletedClients => "deleted-clients",
            Self::SameRegistrations => "same-registrations",
            Self::UnusedDocuments => "unused-documents",
            Self::UsedDocuments => "used-documents",
            Self::UnusedKeys => "unused-keys",
            Self::UsedKeys => "used-keys",
            Self::UnusedAssertions => "unused-assertions",
            Self::Devices => "devices",
            Self::Generation => "generation",
            Self::GenerationOfAll => "gen:all",
            Self::RevokedBefore => "gen:before",
            Self::GenerationOfFlows => "gen:flows",
            Self::GrantDays => "grants:days",
            Self::OtherDays => "others:days",
            Self::OperatorClients => "operator-clients",
            Self::Sweeps => "sweeps",
            Self::SweepLease => "sweeping",
            Self::Indexed => "indexed",
            Self::Steps => "steps",
            Self::Checks => "checks",
            Self::GrantedClients => "granted-clients",
            Self::People => "people",
            Self::BlockedPeople => "blocked-people",
            Self::RefusedClients => "refused-clients",
            Self::EndedGrants => "ended-grants",
            Self::Outboxes => "outboxes",
            // The hash tags put these keys beside the ones that they name.
            Self::LostEvents => "outboxes-lost:{mcpgw:outboxes}",
            Self::RelayLease => "outboxes-lease",
            Self::FeedPositions => "audit-feeds",
            Self::FeedLease => "audit-feeds-lease",
            Self::Audit => "audit",
            Self::AuditIds => "audit-ids:{mcpgw:audit}",
            Self::AuditIdsByAge => "audit-ids-by-age:{mcpgw:audit}",
            _ => "",
        }
    }
}

fn hash(text: &str) -> Fingerprint {
    Fingerprint::of(text)
}

fn join(kind: &str, name: &str) -> String {
    [PREFIX, kind, name].concat()
}

/// Returns the part of `key` that decides about its slot in a Redis Cluster.
fn tag_of(key: &str) -> &str {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    tag.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outbox_is_in_the_slot_of_its_record() {
        let grant = Key::Grant(&Identifier::parsed("G.7")).text();
        assert_eq!(Key::Outbox(&grant).text(), "mcpgw:outbox:{G.7}");
        let client = Key::Client(&ClientId::parsed("c1")).text();
        assert_eq!(Key::Outbox(&client).text(), "mcpgw:outbox:{mcpgw:client:c1}");
        assert_eq!(Key::Outbox(&Key::Outboxes.text()).text(), "mcpgw:outbox:{mcpgw:outboxes}");
    }
}
