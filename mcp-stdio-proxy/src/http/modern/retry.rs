//! Resumption of a call by a client of 2026-07-28 that brings the answers a legacy server asked for. The
//! original call continues (MCP "Multi Round-Trip Requests").

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use actix_web::{HttpRequest, HttpResponse};

use super::super::http_error::HttpError;
use super::super::{AppState, caller, tools};
use super::call::{alone, line, mirrored, respond};
use crate::access::grants::Admission;
use crate::instances::instance::{SETTLING, ServerInstance};
use crate::messages::error;
use crate::messages::message::{self, Envelope};
use crate::messages::meta::Asked;
use crate::messages::splice::{self, Payload, span};
use crate::messages::stream::{First, Stream};
use crate::messages::translate::input::{Question, required, response};
use crate::messages::translate::log;
use crate::parking::{Binding, Parked, Refused};
use crate::process::call::RetryRequest;
use crate::process::submit::Pending;

/// Serves a request with a `requestState`.
pub(super) async fn retry(
    request: &HttpRequest,
    app: &AppState,
    instance: &Arc<ServerInstance>,
    asked: &Asked<'_>,
    (text, envelope): (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    tools::check(request, (app, &instance.server), envelope)?;
    if let ("tools/call", Some(process)) = (&*envelope.method, instance.live()) {
        mirrored(request, instance, &process, asked).await?;
    }
    let state = asked.state().unwrap_or_default();
    let responses = asked.responses().unwrap_or("{}");
    let params = envelope.params.unwrap_or_default();
    let binding = Binding::new(instance.user.as_deref(), &envelope.method, params);
    let fits = |questions: &[Question]| {
        questions.iter().all(|one| {
            response(responses, &one.key).is_none_or(|answer| one.kind.is_answered_by(answer))
        })
    };
    let parking = &instance.server.parking;
    let mut parked = parking.redeem(&state, &binding, fits).map_err(refusal)?;
    let (answered, open): (Vec<_>, Vec<_>) = std::mem::take(&mut parked.questions)
        .into_iter()
        .partition(|one| response(responses, &one.key).is_some());
    if !open.is_empty() {
        pass(&parked, &answered, responses);
        let asking = open.clone();
        parked.questions = open;
        let again = parking.park(parked).map_err(|parked| {
            parked.give_up();
            HttpError::answer(error::INTERNAL, "too many requests wait for their clients")
        })?;
        return Ok(alone(required(envelope.id, &asking, Some(&again)).into()));
    }
    let admission = caller::admission(request);
    if let Err(over) = caller::check_admission(admission.as_ref()) {
        parked.give_up();
        return Err(over);
    }
    let (id, process, stream) = (parked.call, Arc::clone(&parked.process), Stream::answers(1));
    if !process.calls.resume(id, resumed(asked, envelope, &stream, admission.as_ref())) {
        return ended(&parked, envelope.id);
    }
    // Its stream is left to cancel it (Streamable HTTP, "Cancellation").
    let pending = Pending { process, id, stream };
    pass(&parked, &answered, responses);
    if parked.held {
        tokio::time::sleep(SETTLING).await;
        let line = line(instance, id, (text, envelope));
        pending.process.post(instance.tasked(&pending.process, id, envelope, line));
    }
    pending.process.settle(id, admission.as_ref());
    Ok(respond(app, pending, admission, app.registry.settings.stream_after).await)
}

fn resumed(
    asked: &Asked<'_>,
    envelope: &Envelope<'_>,
    stream: &Arc<Stream>,
    admission: Option<&Admission>,
) -> RetryRequest {
    RetryRequest {
        id: envelope.id.into(),
        token: envelope.params.and_then(message::asked_progress).map(Into::into),
        stream: Arc::clone(stream),
        log: asked.log_level().and_then(log::level),
        admission: admission.cloned(),
    }
}

fn refusal(why: Refused) -> HttpError {
    HttpError::answer(error::INVALID_PARAMS, why.to_string())
}

/// Forwards the answers to the server that asked for them.
fn pass(parked: &Parked, answered: &[Question], responses: &str) {
    for question in answered {
        let Some(answer) = response(responses, &question.key) else { continue };
        let text = format!(r#"{{"jsonrpc":"2.0","id":{},"result":{answer}}}"#, question.id);
        parked.process.post(splice::line(&text, &mut []));
    }
}

/// Returns the response to a call that completed while it was suspended.
fn ended(parked: &Parked, id: &str) -> Result<HttpResponse, HttpError> {
    let first = parked.stream.poll_first(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(First::Answer(payload)) = first else { return Err(refusal(Refused::Lost)) };
    let line = payload.to_bytes();
    let text = std::str::from_utf8(&line).unwrap_or_default();
    let place = message::parse(text).ok().and_then(|envelope| span(text, envelope.id));
    Ok(alone(place.map_or_else(|| payload, |place| Payload::spliced(&line, place, id))))
}
