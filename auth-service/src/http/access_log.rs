//! One line a request, without query strings: they carry codes and states.

use std::time::Instant;

use actix_web::{
    dev::{RequestHead, Response},
    http::{Method, Version},
};

/// The line of a request that is being served.
pub(super) struct Line {
    method: Method,
    path: String,
    version: Version,
    begun: Instant,
}

impl Line {
    /// `None` unless requests are logged.
    pub(super) fn begin(head: &RequestHead) -> Option<Self> {
        log::log_enabled!(target: "access", log::Level::Debug).then(|| Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            version: head.version,
            begun: Instant::now(),
        })
    }

    /// Logs method, path, version, status and duration when `answer` is there.
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
