//! The operator at the command line, as audit events name them.

use gateway_contract::audit::EventKind;

use crate::{
    model::{Actor, Client, Draft},
    store::{AuditEntry, Error, Selection, Store},
};

/// Returns the operator: the user id of this process, and the name of the host.
pub(super) fn actor() -> Actor {
    let (uid, host) = (rustix::process::getuid().as_raw(), rustix::system::uname());
    Actor::Operator(format!("operator:{uid}@{}", host.nodename().to_string_lossy()))
}

/// Returns a draft of an act of the operator.
pub(super) fn draft(store: &Store, kind: EventKind) -> Draft<'_> {
    store.audit.draft(kind).by(&actor())
}

/// Returns the event of an act of the operator on a client.
pub(super) fn on_client(store: &Store, kind: EventKind, client: &Client) -> Option<AuditEntry> {
    store.audit.entry(draft(store, kind).client(&client.id, client.display_name()))
}

/// Returns the event of a revocation by the operator.
pub(super) async fn revocation(
    store: &Store,
    what: &Selection,
    now: crate::model::UnixTime,
) -> Result<Option<AuditEntry>, Error> {
    let all = draft(store, EventKind::GrantsRevoked);
    let draft = match what {
        Selection::User(name) => all.target_named(name),
        Selection::Client(id) => all.client(id, ""),
        Selection::UserAtClient(name, id) => all.target_named(name).client(id, ""),
        Selection::Server(resource) => all.servers(resource.as_str()),
        Selection::Before(moment) => all.reason(&format!("before {}", moment.0)),
        Selection::All => all.reason("all"),
        Selection::Grant(id) => {
            let one = draft(store, EventKind::GrantEnded).grant_id(id);
            match store.grants.grant(id, now).await? {
                Some(grant) => {
                    let urls: Vec<&str> = grant.resources.iter().map(|url| url.as_str()).collect();
                    one.about(&grant).servers(&urls.join(" "))
                }
                None => one,
            }
        }
        Selection::Jti(jti) => {
            let one = draft(store, EventKind::TokenRevoked);
            match jti.grant_of_token() {
                Some(grant) => one.grant_id(&grant),
                None => one,
            }
        }
    };
    Ok(store.audit.entry(draft))
}
