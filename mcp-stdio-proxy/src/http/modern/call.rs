//! Requests of 2026-07-28 and their responses. Each has a stream of its own. A client that closes the stream cancels the
//! request (Streamable HTTP, "Receiving Messages", "Cancellation").

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};

use super::super::http_error::HttpError;
use super::super::submit::{Submission, submit};
use super::super::{AppState, answer, caller, sse, tools};
use crate::access::grants::Admission;
use crate::instances::bridge::ClientRequest;
use crate::instances::instance::ServerInstance;
use crate::messages::error;
use crate::messages::message::{self, Envelope};
use crate::messages::meta::Asked;
use crate::messages::payload::Payload;
use crate::messages::stream::{First, Stream};
use crate::process::submit::Pending;

/// The maximum length of a response whose status depends on its error. Errors are short.
const ERROR_LENGTH: usize = 64 << 10;
/// The requests that may run long, since they execute code of the server's author.
const LONG: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

/// The time until other requests are answered by a stream, in multiples of `--stream-after`. A rejected method has the
/// status 404, which an open stream cannot have any more.
const STREAM_FACTOR: u32 = 10;

/// Serves one request.
pub(super) async fn call(
    request: &HttpRequest,
    app: &AppState,
    instance: &Arc<ServerInstance>,
    asked: &Asked<'_>,
    message: (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    let tools = tools::check(request, (app, &instance.server), message.1)?;
    let stream = Stream::answers(1);
    let submission = Submission {
        http: request,
        request: ClientRequest {
            text: message.0,
            envelope: message.1,
            session: None,
            asked: Some(asked),
            principal: caller::principal(request)?,
        },
        stream: &stream,
        tools,
    };
    let sent = submit(app, instance, submission).await?;
    let pending = sent.map(|(process, id)| Pending { process, id, stream: Arc::clone(&stream) });
    let may_run_long = LONG.contains(&&*message.1.method);
    let settings = &app.registry.settings;
    let patience = settings.timeouts.stream_after * if may_run_long { 1 } else { STREAM_FACTOR };
    Ok(respond(app, (stream, pending), caller::admission(request), patience).await)
}

/// Returns the response as JSON if it comes first and within `patience`, otherwise a stream.
pub(super) async fn respond(
    app: &AppState,
    (stream, pending): (Arc<Stream>, Option<Pending>),
    admission: Option<Admission>,
    patience: Duration,
) -> HttpResponse {
    let settings = &app.registry.settings;
    let first = poll_fn(|cx| stream.poll_first(cx));
    match tokio::time::timeout(patience, first).await {
        Ok(First::Answer(payload)) => alone(payload),
        Ok(First::Withdrawn | First::Nothing) => {
            HttpError::answer(error::INTERNAL, "the server was ended").response()
        }
        Ok(First::More) | Err(_) => {
            let until = admission.map(|admission| admission.until_answered());
            sse::once(stream.reader(), settings.timeouts.keep_alive, until, Box::new(pending))
        }
    }
}

/// Returns a response that no message precedes, with the status of its error.
pub(super) fn alone(payload: Payload) -> HttpResponse {
    let status = if payload.len() < ERROR_LENGTH { status(&payload) } else { StatusCode::OK };
    let mut response = answer::json(payload);
    *response.status_mut() = status;
    response
}

fn status(payload: &Payload) -> StatusCode {
    let bytes = payload.to_bytes();
    if memchr::memmem::find(&bytes, b"\"error\"").is_none() {
        return StatusCode::OK;
    }
    let code = std::str::from_utf8(&bytes).ok().and_then(|text| message::parse(text).ok());
    let code = code.and_then(|envelope| message::error_code(envelope.error?));
    match code.and_then(|code| i32::try_from(code).ok()) {
        Some(error::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(error::HEADER_MISMATCH | error::MISSING_CAPABILITY | error::UNSUPPORTED_VERSION) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_an_error_is_that_of_its_code() {
        let of = |rest: &str| status(&format!(r#"{{"jsonrpc":"2.0","id":1,{rest}}}"#).into());
        assert_eq!(of(r#""error":{"code":-32601,"message":""}"#), 404);
        for code in [-32020, -32021, -32022] {
            assert_eq!(of(&format!(r#""error":{{"message":"","code":{code}}}"#)), 400);
        }
        assert_eq!(of(r#""error":{"code":-32602,"message":""}"#), 200);
        assert_eq!(of(r#""result":{"error":{"code":-32601}}"#), 200);
    }
}
