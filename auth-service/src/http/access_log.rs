//! The access log: one line per request. Query strings are left out, since they carry codes and states.

use std::time::Instant;

use actix_web::{
    dev::{RequestHead, Response},
    http::{Method, Version},
};

/// The log line of a request in progress.
pub(super) struct Line {
    method: Method,
    path: String,
    version: Version,
    begun: Instant,
}

impl Line {
    /// Starts the line of a request. Returns `None` unless the target `access` is logged at debug level.
    pub(super) fn begin(head: &RequestHead) -> Option<Self> {
        log::log_enabled!(target: "access", log::Level::Debug).then(|| Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            version: head.version,
            begun: Instant::now(),
        })
    }

    /// Awaits `answer`, then logs method, path, version, status and duration.
    pub(super) async fn around<B, E>(
        self,
        answer: impl Future<Output = Result<Response<B>, E>>,
    ) -> Result<Response<B>, E> {
        let response = answer.await?;
        let Self { method, path, version, begun } = self;
        let (status, duration) = (response.status().as_u16(), begun.elapsed());
        log::debug!(target: "access", status, duration:?; "{method} {path} {version:?}");
        Ok(response)
    }
}
