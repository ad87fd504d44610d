//! Subscriptions of clients of 2026-07-28 at a legacy server, which has one subscription for each resource (MCP
//! "Subscriptions").

use std::time::Duration;

use super::bridge::ModernToLegacy;
use crate::bridge::modern_clients;
use crate::bridge::requests::{post_uri, uri_params};
use crate::instances::listener::Listener;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::stream::Weight;
use crate::messages::translate::subscription::{self, Filter};

/// The maximum time that a server may take to acknowledge a subscription to a resource.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

impl ModernToLegacy {
    /// Subscribes to the resources of `filter`. Returns the part that the server supports, without the resources that
    /// it refuses.
    pub(super) async fn subscribe(&self, filter: Filter) -> Filter {
        let mut offered = filter.offered(&self.connection.info);
        let asked = offered.uris.iter().map(|uri| async move {
            let process = &self.connection.process;
            let answer = process
                .request("resources/subscribe", &uri_params(uri), SUBSCRIBE_TIMEOUT)
                .await
                .ok();
            let agreed = answer.as_ref().and_then(|answer| message::parse(answer.text()).ok());
            agreed.is_some_and(|envelope| envelope.result.is_some())
        });
        let mut agreed = futures_util::future::join_all(asked).await.into_iter();
        offered.uris.retain(|_| agreed.next() == Some(true));
        offered
    }

    /// Sends the acknowledgement of a subscription, "as the first message".
    pub(super) fn acknowledge(listener: &Listener) {
        let first = subscription::acknowledged(&listener.id, &listener.filter);
        listener.stream.push(first.into(), Weight::Heavy);
    }

    /// Ends the subscription of the process to the resources that only `listener` needed, which has ended.
    pub(super) fn unsubscribe(&self, listener: &Listener) {
        let listeners = self.connection.clients.listeners();
        let is_needed = |uri: &String| listeners.iter().any(|one| one.filter.uris.contains(uri));
        for uri in listener.filter.uris.iter().filter(|uri| !is_needed(uri)) {
            post_uri(&self.connection.process, "resources/unsubscribe", uri);
        }
    }

    /// Subscribes a new process to the resources of the clients: "streams must also be re-established after
    /// restart".
    pub(super) fn restore_subscriptions(&self) {
        for listener in self.connection.clients.listeners().iter() {
            for uri in &listener.filter.uris {
                post_uri(&self.connection.process, "resources/subscribe", uri);
            }
        }
    }

    /// Forwards a change to the subscriptions that select it.
    pub(super) fn tell_listeners(&self, line: &Line, envelope: &Envelope<'_>) {
        for listener in self.connection.clients.listeners().iter() {
            if listener.filter.wants(envelope) {
                modern_clients::tell_listener(&self.connection, listener, line, envelope);
            }
        }
    }
}
