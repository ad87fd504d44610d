//! Subscriptions of legacy clients at a modern server: one for all sessions of an instance (MCP "Subscriptions").

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::ServerInstance;
use super::refused::Refused;
use crate::instances::session::Session;
use crate::messages::message::{self, Envelope, Kind};
use crate::messages::splice::Payload;
use crate::messages::translate::subscription::{self, Filter, UPDATED};
use crate::messages::{error, ids, object};
use crate::process::Process;
use crate::process::submit;

impl ServerInstance {
    /// Restores the subscriptions in a new process: "Active streams must also be re-established after restart".
    pub(super) fn watch_again(&self, process: &Arc<Process>) {
        let (Some(instance), process) = (self.me.upgrade(), Arc::clone(process)) else { return };
        tokio::spawn(async move {
            if let Err((_, why)) = instance.watch_all(&process).await {
                log::warn!("{}: changes are not reported: {why}", process.server);
            }
        });
    }

    /// Subscribes to everything that `process` offers and the sessions need, in place of the subscription before. Returns
    /// when the server has acknowledged it.
    pub(super) async fn watch_all(&self, process: &Arc<Process>) -> Result<(), Refused> {
        let _turn = self.to_modern.watching.turn.lock().await;
        let before = self.to_modern.watching.state.lock().heard;
        let Some(greeting) = self.greeting() else { return Ok(()) };
        let filter = Filter::of_everything(self.watched().into_iter().collect());
        let filter = filter.offered(&greeting);
        if filter.is_empty() {
            self.to_modern.watching.state.lock().heard = None;
        } else {
            self.ask_for(process, &filter).await?;
        }
        // Only now, so that nothing is missed between the two.
        if let Some(before) = before {
            process.cancel(before, "replaced");
        }
        Ok(())
    }

    async fn ask_for(&self, process: &Process, filter: &Filter) -> Result<(), Refused> {
        let params = format!(
            r#"{{"_meta":{{{}}},"notifications":{}}}"#,
            self.envelope(None),
            filter.stated()
        );
        let (waiting, told) = oneshot::channel();
        let id = process.submit_unregistered(|id| {
            self.to_modern.watching.state.lock().asked = Some((id, waiting));
            submit::request(id, "subscriptions/listen", &params)
        });
        let told = tokio::time::timeout(self.server.probe_timeout(), told).await;
        told.ok().and_then(Result::ok).unwrap_or_else(|| {
            self.to_modern.watching.state.lock().asked = None;
            process.cancel(id, "not acknowledged");
            Err((error::INTERNAL, "the server does not acknowledge the subscription".into()))
        })
    }

    /// Returns the resources that any session has subscribed to.
    pub(super) fn watched(&self) -> BTreeSet<String> {
        self.sessions.lock().iter().flat_map(|session| session.watched()).collect()
    }

    /// Handles a server-initiated message, or an answer to no call, of a process without a handshake.
    pub(super) fn heard_upgraded(&self, process: &Arc<Process>, line: &Bytes, read: &Envelope<'_>) {
        let tag = read.params.and_then(subscription::tag);
        let tag = tag.map(|tag| ids::number(tag).unwrap_or_default());
        match (read.kind, &*read.method, tag) {
            // "The server MUST NOT write JSON-RPC requests to stdout."
            (Kind::Request, ..) => log::debug!("{}: a request, in 2026-07-28", process.server),
            (Kind::Response, ..) => self.unsubscribed(read.id, read.error),
            (_, "notifications/cancelled", _) => {
                let id = read.params.and_then(message::cancelled_request);
                self.unsubscribed(id.unwrap_or_default(), None);
            }
            (_, "notifications/subscriptions/acknowledged", tag) => {
                self.to_modern.watching.acknowledged(tag.unwrap_or_default());
            }
            // No legacy client has asked for it.
            (_, "notifications/tasks", _) => log::debug!("{}: news of a task", process.server),
            (_, _, Some(tag)) => self.tell_of_change(process, tag, line, read),
            (_, _, None) => self.tell(process, line, read),
        }
    }

    fn unsubscribed(&self, id: &str, failure: Option<&str>) {
        let code = failure.and_then(message::error_code);
        let code = code.and_then(|code| i32::try_from(code).ok()).unwrap_or(error::INTERNAL);
        let said = failure.and_then(|failure| object::value(failure, "message"));
        let said = said.and_then(|said| serde_json::from_str::<String>(said).ok());
        let why = said.map_or_else(|| "the server has ended the subscription".into(), Into::into);
        self.to_modern.watching.ended(ids::number(id).unwrap_or_default(), (code, why));
    }

    /// Forwards a change: of a list to all sessions, of a resource to its subscribers.
    fn tell_of_change(&self, process: &Process, tag: u64, line: &Bytes, read: &Envelope<'_>) {
        // While one subscription replaces another, both tell of everything.
        if self.to_modern.watching.state.lock().heard != Some(tag) {
            return;
        }
        let (Ok(text), Some(params)) = (std::str::from_utf8(line), read.params) else { return };
        let payload = Payload::from(subscription::untagged(text, params));
        let uri = (read.method == UPDATED).then(|| subscription::uri(params));
        // "This may be a sub-resource of the one that the client actually subscribed to."
        let known = uri.clone().flatten().is_some_and(|uri| self.watched().contains(&uri));
        let is_meant = |session: &Session| match &uri {
            Some(Some(uri)) if known => session.watched().contains(uri),
            Some(uri) if self.is_shared() => uri.as_ref().is_some_and(|uri| session.watches(uri)),
            Some(_) => !session.watched().is_empty(),
            None => true,
        };
        self.tell_sessions(process, &process.calls.streams(), &payload, is_meant);
    }
}
