//! The access log: one line per request. Query strings are left out, since they carry codes and states.

use std::time::Instant;

use actix_web::{
    dev::{RequestHead, Response},
    http::{Method, Version},
};
use gateway_contract::audit::Id;

/// The log line of a request in progress.
pub(super) struct Line {
    method: Method,
    path: String,
    version: Version,
    id: Id,
    begun: Instant,
}

impl Line {
    /// Starts the line of a request. Returns `None` unless the target `access` is logged at debug level.
    pub(super) fn begin(head: &RequestHead, id: Id) -> Option<Self> {
        log::log_enabled!(target: "access", log::Level::Debug).then(|| Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            version: head.version,
            id,
            begun: Instant::now(),
        })
    }

    /// Awaits `answer`, then logs method, path, version, request id, status and duration.
    pub(super) async fn around<B, E>(
        self,
        answer: impl Future<Output = Result<Response<B>, E>>,
    ) -> Result<Response<B>, E> {
        let response = answer.await?;
        let Self { method, path, version, id, begun } = self;
        let (status, duration) = (response.status().as_u16(), begun.elapsed());
        let request = id.as_str();
        log::debug!(target: "access", request, status, duration:?; "{method} {path} {version:?}");
        Ok(response)
    }
}
