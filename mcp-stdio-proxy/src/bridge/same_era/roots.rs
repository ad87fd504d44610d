//! Roots of the sessions that share a process. A server has a single list of roots and requests it at
//! startup, when possibly no client is connected to answer (MCP "Roots").

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::futures::Notified;

use super::legacy::LegacyBridge;
use crate::instances::session::Session;
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::Envelope;
use crate::messages::object::value;

/// The method with which a server requests the roots.
pub(super) const LIST: &str = "roots/list";
const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#;
/// The time that a request waits for a new process to ask for the known roots, since it may need them.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(500);

impl LegacyBridge {
    /// Answers a request for roots on behalf of sessions that reported theirs to the previous process.
    /// Returns `false` if a client has to be asked.
    pub(super) fn answer_roots(&self, envelope: &Envelope<'_>) -> bool {
        let (process, clients) = (&self.connection.process, &self.connection.clients);
        // Within a client's request, that client can be asked directly.
        let is_asked = process.calls.streams().iter().any(|(session, _)| *session != 0);
        if envelope.method != LIST || is_asked {
            return false;
        }
        clients.roots_requested_at_start.store(true, Ordering::Relaxed);
        let sessions = clients.sessions().clone();
        let known: Vec<_> = sessions.iter().filter_map(|session| session.roots()).collect();
        let is_new = known.iter().all(|(generation, _)| *generation != process.generation);
        let is_outdated =
            sessions.iter().any(|one| one.has_changed_roots() && one.roots().is_none());
        let can_ask = !self.declares_changes() && sessions.iter().any(|one| one.standing.is_read());
        if known.is_empty() || !is_new || is_outdated || can_ask {
            return false;
        }
        let all = merged(known.iter().map(|(_, roots)| &**roots));
        let id = envelope.id;
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[{all}]}}}}"#);
        process.post(JsonEdit::of(&answer).input());
        self.roots.restored.notify_waiters();
        true
    }

    /// Returns `true` if the clients declare that they notify of changed roots.
    fn declares_changes(&self) -> bool {
        let roots = value(self.connection.key.declared(), "roots");
        roots.and_then(|roots| value(roots, "listChanged")) == Some("true")
    }

    /// Records the roots that `session` reports in the response `read`. Returns `edit` with those of the other
    /// sessions added, if they have reported any.
    pub(super) fn with_other_roots<'a>(
        &self,
        session: &Session,
        edit: JsonEdit<'a>,
        read: &Envelope<'_>,
    ) -> JsonEdit<'a> {
        let Some(roots) = read.result.and_then(|result| value(result, "roots")) else {
            return edit;
        };
        session.set_roots(self.connection.process.generation, roots);
        let sessions = self.connection.clients.sessions().clone();
        let others = sessions.iter().filter(|one| one.serial != session.serial);
        let others: Vec<_> = others.filter_map(|one| one.roots()).collect();
        if others.is_empty() {
            return edit;
        }
        let all = merged(std::iter::once(roots).chain(others.iter().map(|(_, roots)| &**roots)));
        edit.replace(roots, format!("[{all}]"))
    }

    /// Starts waiting for a new process to request roots. Returns `None` if no roots are known, or if the
    /// server does not request them at startup.
    pub(super) fn roots_wanted(&self) -> Option<Notified<'_>> {
        let restored = self.roots.restored.notified();
        let clients = &self.connection.clients;
        let is_known = || clients.sessions().iter().any(|session| session.roots().is_some());
        let is_usual = clients.roots_requested_at_start.load(Ordering::Relaxed);
        (is_usual && is_known()).then_some(restored)
    }

    /// Waits until a new process has requested roots, for a limited time.
    pub(super) async fn wait_for_roots(wanted: Option<Notified<'_>>) {
        if let Some(wanted) = wanted {
            let _asks_later = tokio::time::timeout(REQUEST_TIMEOUT, wanted).await;
        }
    }

    /// Notifies a new process that roots have changed, if a session has sent that notification before.
    pub(super) fn tell_roots_changed(&self) {
        let has_changed = |session: &Arc<Session>| session.has_changed_roots();
        let connection = &self.connection;
        if !connection.key.is_shared() && connection.clients.sessions().iter().any(has_changed) {
            connection.process.post_notification(JsonEdit::of(CHANGED).input());
        }
    }
}
/// Merges several lists of roots; each URI appears once.
fn merged<'a>(lists: impl Iterator<Item = &'a str>) -> String {
    #[derive(Deserialize)]
    struct Root {
        uri: String,
    }
    let mut seen = HashSet::new();
    let mut all: Vec<&str> = Vec::new();
    for list in lists {
        let roots: Vec<&RawValue> = serde_json::from_str(list).unwrap_or_default();
        all.extend(roots.into_iter().map(RawValue::get).filter(|root| {
            let uri = serde_json::from_str::<Root>(root).map(|root| root.uri);
            uri.is_ok_and(|uri| seen.insert(uri))
        }));
    }
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_of_several_sessions_are_one_list() {
        let lists =
            [r#"[{"uri":"file:///a","name":"A"}]"#, r#"[{"uri":"file:///b"},{"uri":"file:///a"}]"#];
        let all = merged(lists.into_iter());
        assert_eq!(all, r#"{"uri":"file:///a","name":"A"},{"uri":"file:///b"}"#);
        assert_eq!(merged(["{}", "[1]"].into_iter()), "");
    }
}
