//! Access log: one log line and one metric observation per POST, without the content.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::display::log_safe;

use super::{headers, origin::REQUEST_ID};
use crate::operations::metrics::Metrics;

/// The log record of a request that is being served.
pub(super) struct RequestLog {
    started: Instant,
    request: Option<String>,
    pub(super) server: Option<Arc<str>>,
    /// The user, as named by the gateway.
    pub(super) principal: Option<Arc<str>>,
    /// The method of the message, in a log-safe form.
    pub(super) method: String,
    /// The tool of `tools/call`.
    pub(super) tool: Option<String>,
}

impl RequestLog {
    pub(super) fn new(request: &HttpRequest) -> Self {
        let id = headers::text(request.headers(), REQUEST_ID);
        Self {
            started: Instant::now(),
            request: id.map(|id| log_safe(id).into_owned()),
            server: None,
            principal: None,
            method: String::new(),
            tool: None,
        }
    }

    /// Records the method and the tool.
    pub(super) fn asks(&mut self, method: &str, tool: Option<Cow<'_, str>>) {
        self.method = log_safe(method).into_owned();
        self.tool = tool.map(|tool| log_safe(&tool).into_owned());
    }

    /// Logs the request: immediately, or when its response stream ends.
    pub(super) fn follow(self, metrics: &Arc<Metrics>, response: HttpResponse) -> HttpResponse {
        let status = response.status();
        if response.body().size() != BodySize::Stream {
            self.end(metrics, status);
            return response;
        }
        let visit = Some((self, Arc::clone(metrics), status));
        response.map_body(|_, body| BoxBody::new(Followed { body, visit }))
    }

    fn end(self, metrics: &Metrics, status: StatusCode) {
        let elapsed = self.started.elapsed();
        let server = self.server.as_deref().unwrap_or("-");
        metrics.served(server, &self.method, status.as_u16(), elapsed);
        if !log::log_enabled!(target: "access", log::Level::Info) {
            return;
        }
        let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let request = or_dash(self.request.as_deref());
        let principal = or_dash(self.principal.as_deref());
        let what = match self.tool {
            Some(tool) => format!("{} {tool}", self.method),
            None => self.method,
        };
        let status = status.as_u16();
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        log::info!(
            target: "access",
            server, request, principal, status, micros;
            "{server} {what} {status}"
        );
    }
}

/// A stream whose request is logged when it ends or the client disconnects.
struct Followed {
    body: BoxBody,
    visit: Option<(RequestLog, Arc<Metrics>, StatusCode)>,
}

impl MessageBody for Followed {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some((visit, metrics, status)) = self.visit.take() {
            visit.end(&metrics, status);
        }
    }
}
