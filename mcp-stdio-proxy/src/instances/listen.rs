//! Subscriptions of clients of 2026-07-28: what they receive, whatever becomes of the process (MCP
//! "Subscriptions"; stdio transport, "Unexpected Termination").

use std::sync::Arc;

use super::bridge::Bridge;
use super::instance::ServerInstance;
use super::listener::Listener;
use super::unavailable::Unavailable;
use crate::messages::translate::subscription::Filter;

/// An open subscription. Dropping it ends the subscription.
pub struct Listening {
    instance: Arc<ServerInstance>,
    /// The subscription.
    pub listener: Arc<Listener>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        if !self.instance.clients.unlisten(&self.listener) {
            return;
        }
        if let Some(bridge) = self.instance.live() {
            bridge.unlisten(&self.listener);
        }
    }
}

impl ServerInstance {
    /// Opens a subscription to the changes that `filter` names, by the request `text` with the id `id`.
    pub async fn listen(
        self: &Arc<Self>,
        bridge: &Arc<dyn Bridge>,
        filter: Filter,
        (text, id): (&str, &str),
    ) -> Result<Listening, Unavailable> {
        let listener = Listener::new(id, bridge.supported(filter).await, text);
        self.clients.listen(&listener, || bridge.listen(&listener))?;
        Ok(Listening { instance: Arc::clone(self), listener })
    }
}
