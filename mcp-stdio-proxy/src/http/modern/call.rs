//! A request of 2026-07-28 on its way to the server and its answer on the way back. Its stream is its
//! own, and to leave it is to cancel it (Streamable HTTP, "Receiving Messages", "Cancellation").

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use gateway_contract::revision::Era;

use super::super::http_error::HttpError;
use super::super::{AppState, answer, caller, origin, sse, tools};
use super::check;
use crate::access::grants::Admission;
use crate::instances::instance::{ServerInstance, handler};
use crate::instances::unavailable::Unavailable;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::{self, Envelope};
use crate::messages::meta::Asked;
use crate::messages::param_headers::ParamHeaders;
use crate::messages::splice::Payload;
use crate::messages::stream::{First, Stream};
use crate::messages::translate::{log, request as requests};
use crate::process::Process;
use crate::process::call::{Call, Input, ResponseOptions};
use crate::process::calls::Refused;
use crate::process::submit::{self, Pending};
use crate::process::time::Time;

/// The session of calls that have none; zero is the proxy itself.
const NO_SESSION: u64 = u64::MAX;
/// A longer answer is not looked at for what its status should be: errors are short.
const ERROR_LENGTH: usize = 64 << 10;
/// The requests that may run long: they call into what the server's author wrote. Their answer may also be
/// that input of the client is needed first ("Supported Requests").
const ASKABLE: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];

/// The patience with other requests, in times of `--stream-after`. A refusal of the method has the status
/// 404, which an open stream could not have any more.
const PATIENCE: u32 = 10;

/// Serves one request.
pub(super) async fn call(
    request: &HttpRequest,
    app: &AppState,
    instance: &Arc<ServerInstance>,
    asked: &Asked<'_>,
    message: (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    let pending = place(request, app, instance, asked, message).await?;
    let may_run_long = ASKABLE.contains(&&*message.1.method);
    let settings = &app.registry.settings;
    let patience = settings.timeouts.stream_after * if may_run_long { 1 } else { PATIENCE };
    Ok(respond(app, pending, caller::admission(request), patience).await)
}

async fn place(
    request: &HttpRequest,
    app: &AppState,
    instance: &Arc<ServerInstance>,
    asked: &Asked<'_>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<Pending, HttpError> {
    let listed = tools::check(request, (app, &instance.server), envelope)?;
    let admission = caller::admission(request);
    let principal = caller::principal(request)?;
    let record = origin::tool_call(request, app, &instance.server.name, envelope);
    // A second time if the server ended in the very moment.
    for _ in 0..2 {
        let process = app.registry.process(instance).await?;
        let stream = Stream::answers(1);
        let token = envelope.params.and_then(message::asked_progress);
        if envelope.method == "tools/call" {
            mirrored(request, instance, &process, asked).await?;
        }
        caller::check_admission(admission.as_ref())?;
        let call = Call {
            id: envelope.id.into(),
            token: token.map(Into::into),
            stream: Arc::clone(&stream),
            session: NO_SESSION,
            time: Time::default(),
            tools: listed.clone(),
            handler: handler(instance, &envelope.method, principal.clone()),
            options: options(instance, envelope, asked),
            admission: admission.clone(),
            record: record.clone(),
        };
        let (log, may_ask) = (call.options.log, call.options.input.is_some());
        let submitted = process.submit(call, |id| {
            if may_ask && instance.ask_first(&process, id) {
                return None;
            }
            if let (Some(level), Era::Legacy) = (log, instance.pairing.server) {
                instance.want_level(&process, level);
            }
            let line = line(instance, id, (text, envelope));
            Some(instance.tasked(&process, id, envelope, line))
        });
        match submitted {
            Ok(id) => return Ok(Pending { process, id, stream }),
            Err(Refused::Gone) => {}
            Err(Refused::Full) => {
                let what = "too many requests are in flight";
                return Err(Unavailable::Busy { what }.into());
            }
        }
    }
    let why = format!("server \"{}\" ended before it could be asked", instance.server.name);
    Err(HttpError::answer(error::INTERNAL, why))
}

/// The request as the server gets it, under the id `id`.
pub(super) fn line(
    instance: &ServerInstance,
    id: u64,
    (text, envelope): (&str, &Envelope<'_>),
) -> Bytes {
    let token = envelope.params.and_then(message::asked_progress);
    submit::renumbered(edit(instance, text, envelope), (envelope.id, token), id)
}

fn options(
    instance: &ServerInstance,
    envelope: &Envelope<'_>,
    asked: &Asked<'_>,
) -> ResponseOptions {
    let may_ask = instance.pairing.server == Era::Legacy && ASKABLE.contains(&&*envelope.method);
    let input = may_ask.then(|| {
        let (method, params) = (&*envelope.method, envelope.params.unwrap_or_default());
        Arc::new(Input { method: method.into(), params: params.into() })
    });
    ResponseOptions { log: asked.log_level().and_then(log::level), input, parked: false }
}

/// Refuses a call of a tool whose parameters are not repeated in headers as the tool wants it.
pub(super) async fn mirrored(
    request: &HttpRequest,
    instance: &ServerInstance,
    process: &Process,
    asked: &Asked<'_>,
) -> Result<(), HttpError> {
    let name = asked.name().unwrap_or_default();
    let check = |param_headers: Arc<ParamHeaders>| match param_headers.get(&*name) {
        Some(param_headers) => {
            check::param_headers(request.headers(), param_headers, asked.arguments())
        }
        None => Ok(()),
    };
    // What is known of the tool may be out of date.
    match check(instance.param_headers(process, false).await) {
        Ok(()) => Ok(()),
        Err(_) => check(instance.param_headers(process, true).await),
    }
}

/// Returns the changes that translate a message for the server of `instance`.
pub(super) fn edit<'a>(
    instance: &ServerInstance,
    text: &'a str,
    envelope: &Envelope<'_>,
) -> JsonEdit<'a> {
    match instance.pairing.server {
        Era::Legacy => requests::to_legacy(text, envelope),
        Era::Modern => JsonEdit::of(text),
    }
}

/// Answers as JSON if the answer comes first and within `patience`, else with a stream.
pub(super) async fn respond(
    app: &AppState,
    pending: Pending,
    admission: Option<Admission>,
    patience: Duration,
) -> HttpResponse {
    let settings = &app.registry.settings;
    let stream = Arc::clone(&pending.stream);
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

/// An answer with nothing before it, with the status that its error has.
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
