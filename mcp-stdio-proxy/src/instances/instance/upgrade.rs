//! Legacy clients on a modern server: rewrites requests, and answers those that the server cannot
//! (MCP "Compatibility Matrix", legacy client and modern server).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::ServerInstance;
pub use super::refused::Refused;
use crate::instances::session::Session;
use crate::messages::error;
use crate::messages::message::Envelope;
use crate::messages::object::value;
use crate::messages::translate::{log, request, subscription, tasks};
use crate::process::Process;

/// The maximum number of resources that a session may subscribe to.
const WATCHED: usize = 1024;

/// Returns `true` for notifications that a modern server does not accept. `ClientNotification` of 2026-07-28
/// has only the cancellation.
#[must_use]
pub fn is_withdrawn(notification: &str) -> bool {
    matches!(
        notification,
        "notifications/initialized"
            | "notifications/progress"
            | "notifications/roots/list_changed"
            | "notifications/tasks/status"
    )
}

impl ServerInstance {
    /// Returns `true` if the clients have a handshake and the process has none.
    pub fn is_upgraded(&self) -> bool {
        self.to_modern.upgraded.load(Ordering::Relaxed)
    }

    /// Translates the request `text` of a client for a modern process.
    pub fn upgrade(
        &self,
        session: &Session,
        text: &str,
        read: &Envelope<'_>,
    ) -> Result<String, request::Malformed> {
        request::to_modern(text, read, &self.envelope(session.log_level()))
    }

    /// Returns the `_meta` members that each request of this instance carries.
    pub(super) fn envelope(&self, level: Option<usize>) -> String {
        let initialize = || self.initialize.as_ref().map_or("{}", |initialize| &initialize.params);
        let all = self.to_modern.envelope.get_or_init(|| request::envelope_of(initialize()));
        let level = level.and_then(|level| log::LEVELS.get(level));
        level.map_or_else(|| all.clone(), |level| request::with_level(all, level))
    }

    /// Answers requests that a server without sessions cannot answer. Returns `None` if the request is meant
    /// for the process.
    pub async fn answer_here(
        &self,
        process: &Arc<Process>,
        session: &Session,
        read: &Envelope<'_>,
    ) -> Option<Result<(), Refused>> {
        let params = read.params.unwrap_or("{}");
        match &*read.method {
            "ping" => Some(Ok(())),
            "logging/setLevel" => Some(self.set_level(session, params)),
            "resources/subscribe" => Some(self.watch(process, session, params).await),
            "resources/unsubscribe" => Some(self.unwatch(process, session, params).await),
            // Tasks of a modern server are of another kind, and were not declared to the client.
            method if method.starts_with(tasks::METHODS) => Some(self.offers("/tasks")),
            _ => None,
        }
    }

    fn offers(&self, pointer: &str) -> Result<(), Refused> {
        let offers = self.greeting().is_some_and(|greeting| greeting.offers(pointer));
        let why = (error::METHOD_NOT_FOUND, "the server has not declared this".into());
        offers.then_some(()).ok_or(why)
    }

    fn set_level(&self, session: &Session, params: &str) -> Result<(), Refused> {
        self.offers("/logging")?;
        let level = value(params, "level").and_then(log::level);
        let level = level.ok_or((error::INVALID_PARAMS, "invalid log level".into()))?;
        session.set_log_level(level);
        Ok(())
    }

    /// Returns the resource that `params` name, unless `session` has reached its maximum of subscriptions.
    pub(super) fn watchable(session: &Session, params: &str) -> Result<String, Refused> {
        let uri = resource(params)?;
        if session.watched().len() >= WATCHED {
            return Err((error::INVALID_PARAMS, "too many resources are watched".into()));
        }
        Ok(uri)
    }

    async fn watch(
        &self,
        process: &Arc<Process>,
        session: &Session,
        params: &str,
    ) -> Result<(), Refused> {
        self.offers("/resources/subscribe")?;
        let uri = Self::watchable(session, params)?;
        if !session.watch(&uri) {
            return Ok(());
        }
        self.watch_all(process).await.inspect_err(|_| {
            session.unwatch(&uri);
        })
    }

    async fn unwatch(
        &self,
        process: &Arc<Process>,
        session: &Session,
        params: &str,
    ) -> Result<(), Refused> {
        self.offers("/resources/subscribe")?;
        let uri = resource(params)?;
        if !session.unwatch(&uri) {
            return Ok(());
        }
        self.watch_all(process).await
    }
}

fn resource(params: &str) -> Result<String, Refused> {
    let uri = subscription::uri(params).filter(|uri| uri.len() <= subscription::URI);
    uri.ok_or((error::INVALID_PARAMS, "uri is missing, or too long".into()))
}
