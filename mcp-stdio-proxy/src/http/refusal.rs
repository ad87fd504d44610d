//! A request that is not served: an HTTP status with a JSON-RPC error, never a page of HTML.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use gateway_contract::revision::MODERN;

use crate::protocol::message::{self, Malformed};
use crate::protocol::object::value;
use crate::protocol::spelling::Doubt;
use crate::protocol::{error, splice};
use crate::unavailable::Unavailable;

/// Why a request is not served.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: i32,
    message: Cow<'static, str>,
    retry: bool,
    /// `data` of the error.
    data: Option<Box<serde_json::Value>>,
    /// The text of the id of the request.
    id: String,
    /// The answer of the server, if it is the server that refuses.
    answer: Option<String>,
    /// `WWW-Authenticate`, if the gateway can give what is missing.
    challenge: Option<String>,
    /// The body has a `Content-Encoding`.
    coded: bool,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        code: i32,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry: false,
            data: None,
            id: String::new(),
            answer: None,
            challenge: None,
            coded: false,
        }
    }

    /// 415, with the codings that are read.
    pub(super) fn coded() -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let why = "the body must be sent without a Content-Encoding";
        Self { coded: true, ..Self::new(status, error::TRANSPORT, why) }
    }

    pub(super) fn bad_request(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error::INVALID_REQUEST, message)
    }

    pub(super) fn forbidden(message: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, error::TRANSPORT, message)
    }

    /// 404: "The client MUST start a new session by sending a new `InitializeRequest`".
    pub(super) fn no_session() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            error::NOT_FOUND,
            "there is no such session; send initialize",
        )
    }

    /// 401, with a challenge as RFC 9110 §15.5.2 wants one: only the gateway can meet it.
    pub(super) fn past_the_gateway() -> Self {
        let why = "this server is reached through its gateway only";
        let refusal = Self::new(StatusCode::UNAUTHORIZED, error::TRANSPORT, why);
        Self { challenge: Some("MCP-Identity".to_owned()), ..refusal }
    }

    /// 401, with the gateway's challenge to log in again (RFC 6750 §3.1).
    pub(super) fn revoked(challenge: Option<&str>) -> Self {
        let why = "the access of this client was revoked; log in again";
        let challenge = challenge.map(|beginning| {
            format!(
                "{beginning}, error=\"invalid_token\", error_description=\"the token was revoked\""
            )
        });
        let challenge = challenge.or_else(|| Some("MCP-Identity".to_owned()));
        Self { challenge, ..Self::new(StatusCode::UNAUTHORIZED, error::TRANSPORT, why) }
    }

    /// 400 without an error of 2026-07-28: then a client of either era begins with `initialize`.
    pub(super) fn legacy_only() -> Self {
        Self::bad_request("this server is served to clients that send initialize")
    }

    /// 400, with the revision to speak (`-32022`). `params` are those of the request.
    pub(super) fn modern_only(params: Option<&str>) -> Self {
        let requested = params.and_then(|params| value(params, "protocolVersion"));
        let requested = requested.and_then(|text| serde_json::from_str(text).ok());
        let requested = requested.unwrap_or(serde_json::Value::Null);
        let data = serde_json::json!({ "supported": [MODERN], "requested": requested });
        let why = "this server is served to clients of 2026-07-28";
        Self::new(StatusCode::BAD_REQUEST, error::UNSUPPORTED_VERSION, why).with_data(data)
    }

    pub(super) fn no_keys_yet() -> Self {
        let why = "it cannot be checked now who asks; try again";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, error::TRANSPORT, why);
        Self { retry: true, ..refusal }
    }

    /// An error that is the answer to a request: HTTP has succeeded.
    pub(super) fn answer(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::OK, code, message)
    }

    /// The gateway's challenge to come back with more scopes (MCP 2025-11-25, "Runtime Insufficient
    /// Scope Errors"). Without a gateway nobody could give them.
    pub(super) fn needs_scopes(challenge: Option<&str>, scopes: &str) -> Self {
        let message = "this tool needs a scope that the access token lacks";
        let Some(beginning) = challenge else {
            return Self::answer(error::INVALID_PARAMS, message);
        };
        let challenge = format!(
            "{beginning}, scope=\"{scopes}\", error=\"insufficient_scope\", \
             error_description=\"{message}\""
        );
        Self { challenge: Some(challenge), ..Self::forbidden(message) }
    }

    /// 403 without a challenge: no other token of the same person would help. Says nothing of the server, which may
    /// have no such tool.
    pub(super) fn denied_tool() -> Self {
        Self::forbidden("the access policy does not let this user call a tool of this name")
    }

    /// Adds `data` to the error.
    pub(super) fn with_data(self, data: serde_json::Value) -> Self {
        Self { data: Some(Box::new(data)), ..self }
    }

    /// The same for a client that only asks what is here: it takes a 5xx for the end of the road.
    pub(super) fn for_probe(mut self) -> Self {
        if self.status.is_server_error() {
            self.status = StatusCode::TOO_MANY_REQUESTS;
        }
        self
    }

    pub(super) fn with_id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// The error as a message.
    pub(super) fn text(&self) -> String {
        if let Some(answer) = &self.answer
            && let Ok(envelope) = message::parse(answer)
            && let Some(range) = splice::span(answer, envelope.id)
        {
            let mut text = answer.clone();
            text.replace_range(range, &self.id);
            return text;
        }
        match &self.data {
            Some(data) if !self.id.is_empty() => {
                error::answer_with(&self.id, self.code, &self.message, data)
            }
            _ => error::answer(&self.id, self.code, &self.message),
        }
    }

    pub(super) fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, "application/json"));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response.insert_header((ALLOW, "POST"));
        }
        if self.status == StatusCode::REQUEST_TIMEOUT {
            // The rest of the body may still come.
            response.force_close();
        }
        if self.coded {
            response.insert_header((ACCEPT_ENCODING, "identity"));
        }
        if self.retry {
            response.insert_header((RETRY_AFTER, "5"));
        }
        if let Some(challenge) = &self.challenge {
            response.insert_header((WWW_AUTHENTICATE, challenge.as_str()));
        }
        response.body(self.text())
    }
}

impl From<Unavailable> for Refusal {
    /// A server that fails is an answer, not a failure of HTTP: clients that probe take a 5xx for
    /// the end of the road. Only what passes by itself is 503.
    fn from(why: Unavailable) -> Self {
        let message = why.to_string();
        match why {
            Unavailable::Busy { .. } => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self { retry: true, ..Self::new(status, error::TRANSPORT, message) }
            }
            Unavailable::Closed => Self::no_session(),
            Unavailable::Refused { answer, .. } => {
                Self { answer: Some(answer), ..Self::answer(error::INTERNAL, message) }
            }
            _ => Self::answer(error::INTERNAL, message),
        }
    }
}

impl From<Doubt> for Refusal {
    fn from(why: Doubt) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error::INVALID_REQUEST, why.to_string())
    }
}

impl From<Malformed> for Refusal {
    fn from(why: Malformed) -> Self {
        let code = match why {
            Malformed::Json => error::PARSE,
            Malformed::Message | Malformed::Batch => error::INVALID_REQUEST,
        };
        Self::new(StatusCode::BAD_REQUEST, code, why.to_string())
    }
}
