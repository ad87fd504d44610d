//! Translation of the requests of legacy clients for a modern server, and requests that the proxy answers in its
//! place.

use std::borrow::Cow;

use super::bridge::LegacyToModern;
use crate::bridge::watched::{resource, watchable};
use crate::instances::bridge::{ClientRequest, Prepared};
use crate::instances::session::Session;
use crate::messages::error::{self, RpcError};
use crate::messages::json_edit::JsonEdit;
use crate::messages::message;
use crate::messages::object::value;
use crate::messages::translate::{log, request, tasks};
use crate::process::call::ResponseOptions;

impl LegacyToModern {
    /// Translates a request for the process, or answers it.
    pub(super) async fn translate<'a>(
        &self,
        request: &ClientRequest<'a>,
    ) -> Result<Prepared<'a>, RpcError> {
        let (envelope, session) = (request.envelope, request.session);
        let params = envelope.params.unwrap_or("{}");
        let answered = match (&*envelope.method, session) {
            ("ping", _) => Some(()),
            ("logging/setLevel", Some(session)) => Some(self.set_level(session, params)?),
            ("resources/subscribe", Some(session)) => Some(self.watch(session, params).await?),
            ("resources/unsubscribe", Some(session)) => Some(self.unwatch(session, params).await?),
            // Tasks of a modern server are of another kind, and were not declared to the client.
            (method, _) if method.starts_with(tasks::METHODS) => Some(self.requires("/tasks")?),
            _ => None,
        };
        if answered.is_some() {
            return Ok(Prepared::Done);
        }
        let level = session.and_then(|session| session.log_level());
        let text = request::to_modern(request.text, envelope, &self.envelope(level))
            .map_err(|why| RpcError::invalid_params(why.to_string()))?;
        let handler = Some(self.handler(&envelope.method, &text));
        let options = ResponseOptions::default();
        Ok(Prepared::Request { text: Cow::Owned(text), handler, options })
    }

    /// Returns the `_meta` members that each request of this instance carries.
    pub(super) fn envelope(&self, level: Option<usize>) -> String {
        let level = level.and_then(|level| log::LEVELS.get(level));
        level.map_or_else(
            || self.envelope.clone(),
            |level| request::with_level(&self.envelope, level),
        )
    }

    /// Rejects a request for a capability that the server has not declared.
    fn requires(&self, pointer: &str) -> Result<(), RpcError> {
        let why = "the server has not declared this";
        let is_offered = self.connection.info.offers(pointer);
        is_offered.then_some(()).ok_or_else(|| RpcError::new(error::METHOD_NOT_FOUND, why))
    }

    fn set_level(&self, session: &Session, params: &str) -> Result<(), RpcError> {
        self.requires("/logging")?;
        let level = value(params, "level").and_then(log::level);
        let level = level.ok_or_else(|| RpcError::invalid_params("invalid log level"))?;
        session.set_log_level(level);
        Ok(())
    }

    async fn watch(&self, session: &Session, params: &str) -> Result<(), RpcError> {
        self.requires("/resources/subscribe")?;
        let uri = watchable(session, params)?;
        if !session.watch(&uri) {
            return Ok(());
        }
        self.subscribe().await.inspect_err(|_| {
            session.unwatch(&uri);
        })
    }

    async fn unwatch(&self, session: &Session, params: &str) -> Result<(), RpcError> {
        self.requires("/resources/subscribe")?;
        let uri = resource(params)?;
        if !session.unwatch(&uri) {
            return Ok(());
        }
        self.subscribe().await
    }
}

/// Returns the request `text` of a call under the id `id`, with the ids of the proxy.
pub(super) fn numbered(text: &str, id: u64) -> Option<bytes::Bytes> {
    let read = message::parse(text).ok()?;
    let token = read.params.and_then(message::asked_progress);
    Some(crate::process::submit::renumbered(JsonEdit::of(text), (read.id, token), id))
}
