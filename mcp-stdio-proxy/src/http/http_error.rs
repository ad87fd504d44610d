//! Errors for rejected requests: an HTTP status with a JSON-RPC error, never an HTML page.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use gateway_contract::revision::MODERN;

use crate::instances::unavailable::Unavailable;
use crate::messages::error::{self, RpcError};
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::{self, Malformed};
use crate::messages::object::value;
use crate::messages::spelling::Doubt;

/// A rejected request.
#[derive(Debug)]
pub(super) struct HttpError {
    status: StatusCode,
    code: i32,
    message: Cow<'static, str>,
    retry: bool,
    /// The member `data` of the error.
    data: Option<Box<serde_json::Value>>,
    /// The id of the request as JSON text.
    id: String,
    /// The error response of the server, if the server rejected the request.
    answer: Option<String>,
    /// The value of `WWW-Authenticate`, if the gateway can grant what is missing.
    challenge: Option<String>,
    /// `true` if the body has a `Content-Encoding`.
    coded: bool,
}

impl HttpError {
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

    /// Returns 415, with the content codings that are supported.
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

    /// Returns 404: "The client MUST start a new session by sending a new `InitializeRequest`".
    pub(super) fn no_session() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            error::NOT_FOUND,
            "there is no such session; send initialize",
        )
    }

    /// Returns 401 with a challenge, as RFC 9110 §15.5.2 requires. Only the gateway can satisfy it.
    pub(super) fn past_the_gateway() -> Self {
        let why = "this server is reached through its gateway only";
        let refusal = Self::new(StatusCode::UNAUTHORIZED, error::TRANSPORT, why);
        Self { challenge: Some("MCP-Identity".to_owned()), ..refusal }
    }

    /// Returns 401 with the gateway's challenge to log in again (RFC 6750 §3.1).
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

    /// Returns 400 without an error of 2026-07-28, so that clients of either era fall back to `initialize`.
    pub(super) fn legacy_only() -> Self {
        Self::bad_request("this server is served to clients that send initialize")
    }

    /// Returns 400 with the supported revision (`-32022`). `params` are those of the request.
    pub(super) fn modern_only(params: Option<&str>) -> Self {
        let requested = params.and_then(|params| value(params, "protocolVersion"));
        let requested = requested.and_then(|text| serde_json::from_str(text).ok());
        let requested = requested.unwrap_or(serde_json::Value::Null);
        let data = serde_json::json!({ "supported": [MODERN], "requested": requested });
        let why = "this server is served to clients of 2026-07-28";
        Self::new(StatusCode::BAD_REQUEST, error::UNSUPPORTED_VERSION, why).with_data(data)
    }

    pub(super) fn no_keys_yet() -> Self {
        let why = "identity keys are not available yet; retry";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, error::TRANSPORT, why);
        Self { retry: true, ..refusal }
    }

    /// Returns an error that is the response to a request, with HTTP status 200.
    pub(super) fn answer(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::OK, code, message)
    }

    /// Returns the gateway's challenge to request more scopes (MCP 2025-11-25, "Runtime Insufficient Scope
    /// Errors"). Without a gateway, no scopes can be granted.
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

    /// Returns 403 without a challenge, since no other token of the same person would help. The message does
    /// not reveal whether the server has such a tool.
    pub(super) fn denied_tool() -> Self {
        Self::forbidden("the access policy does not let this user call a tool of this name")
    }

    pub(super) fn with_data(self, data: serde_json::Value) -> Self {
        Self { data: Some(Box::new(data)), ..self }
    }

    /// Adapts the status for a client that probes for the era, which gives up on a 5xx.
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

    /// Returns the error as a JSON-RPC message.
    pub(super) fn text(&self) -> String {
        if let Some(answer) = &self.answer
            && let Ok(envelope) = message::parse(answer)
        {
            return JsonEdit::of(answer).replace(envelope.id, &*self.id).apply();
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
            // The rest of the body may still arrive.
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

impl From<Unavailable> for HttpError {
    /// Converts the failure of a server to a response with status 200, because clients that probe for the era
    /// give up on a 5xx. Only temporary failures are 503.
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

impl From<RpcError> for HttpError {
    fn from(why: RpcError) -> Self {
        Self::answer(why.code, why.message)
    }
}

impl From<Doubt> for HttpError {
    fn from(why: Doubt) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error::INVALID_REQUEST, why.to_string())
    }
}

impl From<Malformed> for HttpError {
    fn from(why: Malformed) -> Self {
        let code = match why {
            Malformed::Json => error::PARSE,
            Malformed::Message | Malformed::Batch => error::INVALID_REQUEST,
        };
        Self::new(StatusCode::BAD_REQUEST, code, why.to_string())
    }
}
