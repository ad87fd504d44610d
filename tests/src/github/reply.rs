//! Answers of the API that a test writes itself.

use std::time::Duration;

use actix_web::{HttpResponse, http::StatusCode};
use serde_json::{Value, json};

/// An answer in place of the usual one.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    pub(super) pause: Duration,
}

impl Reply {
    /// A status and a body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), pause: Duration::ZERO }
    }

    /// A status and a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string()).with("Content-Type", "application/json; charset=utf-8")
    }

    /// An error in GitHub's form.
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "message": message, "status": status.to_string() }))
    }

    /// The limit of requests in an hour, which ends at this time. The status is 403 or 429.
    pub fn limit(status: u16, reset: i64) -> Self {
        Self::error(status, "API rate limit exceeded for user ID 583231.")
            .with("X-RateLimit-Limit", "5000")
            .with("X-RateLimit-Remaining", "0")
            .with("X-RateLimit-Reset", reset)
    }

    /// A secondary limit, which states no end.
    pub fn secondary_limit(status: u16) -> Self {
        let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you \
            try again.";
        Self::error(status, message).with("X-RateLimit-Remaining", 4999)
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// Answers only after this time.
    pub fn after(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    pub(super) fn response(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).expect("a status");
        let mut response = HttpResponse::build(status);
        for header in self.headers {
            response.insert_header(header);
        }
        response.body(self.body)
    }
}
