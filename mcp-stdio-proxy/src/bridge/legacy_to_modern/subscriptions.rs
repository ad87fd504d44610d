//! Subscriptions of legacy clients at a modern server: one for all sessions of an instance (MCP "Subscriptions").

use super::bridge::LegacyToModern;
use crate::bridge::delivery::tell_sessions;
use crate::instances::session::Session;
use crate::messages::error::{self, RpcError};
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::payload::Payload;
use crate::messages::translate::subscription::{self, Filter, UPDATED};
use crate::messages::{ids, object};
use crate::process::submit;

impl LegacyToModern {
    /// Opens the subscription at a new process: "Active streams must also be re-established after restart".
    pub(super) fn subscribe_in_background(&self) {
        let Some(bridge) = self.me.upgrade() else { return };
        tokio::spawn(async move {
            if let Err(why) = bridge.subscribe().await {
                let server = &bridge.connection.process.server;
                log::warn!("{server}: changes are not reported: {why}");
            }
        });
    }

    /// Subscribes to everything that the server offers and the sessions need, in place of the subscription before.
    /// Returns when the server has acknowledged it.
    pub(super) async fn subscribe(&self) -> Result<(), RpcError> {
        let _turn = self.subscription.turn.lock().await;
        let before = self.subscription.current();
        let watched = self.connection.clients.watched();
        let filter = Filter::of_everything(watched.into_iter().collect());
        let filter = filter.offered(&self.connection.info);
        if filter.is_empty() {
            self.subscription.clear();
        } else {
            self.open_subscription(&filter).await?;
        }
        // Only now, so that nothing is missed between the two.
        if let Some(before) = before {
            self.connection.process.cancel(before, "replaced");
        }
        Ok(())
    }

    async fn open_subscription(&self, filter: &Filter) -> Result<(), RpcError> {
        let params = format!(
            r#"{{"_meta":{{{}}},"notifications":{}}}"#,
            self.envelope(None),
            filter.stated()
        );
        let mut opened = None;
        let process = &self.connection.process;
        let id = process.submit_unregistered(|id| {
            opened = Some(self.subscription.open(id));
            submit::request(id, "subscriptions/listen", &params)
        });
        let outcome = async { opened?.await.ok() };
        let outcome = tokio::time::timeout(self.connection.probe_timeout, outcome).await;
        outcome.ok().flatten().unwrap_or_else(|| {
            self.subscription.abandon();
            process.cancel(id, "not acknowledged");
            Err(RpcError::internal("the server does not acknowledge the subscription"))
        })
    }

    /// Records that the server has ended the subscription `id`, by a response or by a cancellation.
    pub(super) fn unsubscribed(&self, id: &str, failure: Option<&str>) {
        let code = failure.and_then(message::error_code);
        let code = code.and_then(|code| i32::try_from(code).ok()).unwrap_or(error::INTERNAL);
        let said = failure.and_then(|failure| object::value(failure, "message"));
        let said = said.and_then(|said| serde_json::from_str::<String>(said).ok());
        let why = said.unwrap_or_else(|| "the server has ended the subscription".to_owned());
        self.subscription.ended(ids::number(id).unwrap_or_default(), RpcError::new(code, why));
    }

    /// Forwards a change: of a list to all sessions, of a resource to its subscribers.
    pub(super) fn tell_of_change(&self, tag: u64, line: &Line, read: &Envelope<'_>) {
        // While one subscription replaces another, both tell of everything.
        if self.subscription.current() != Some(tag) {
            return;
        }
        let connection = &self.connection;
        let Some(params) = read.params else { return };
        let payload = Payload::from(subscription::untagged(line.text(), params));
        let uri = (read.method == UPDATED).then(|| subscription::uri(params));
        // "This may be a sub-resource of the one that the client actually subscribed to."
        let watched = |uri: &String| connection.clients.watched().contains(uri);
        let is_known = uri.as_ref().and_then(Option::as_ref).is_some_and(watched);
        let is_shared = connection.key.is_shared();
        let is_meant = |session: &Session| match &uri {
            Some(Some(uri)) if is_known => session.watched().contains(uri),
            Some(uri) if is_shared => uri.as_ref().is_some_and(|uri| session.watches(uri)),
            Some(_) => !session.watched().is_empty(),
            None => true,
        };
        tell_sessions(connection, &connection.process.calls.streams(), &payload, is_meant);
    }
}
