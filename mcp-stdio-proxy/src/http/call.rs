//! Requests of legacy clients. The answer is JSON if it comes first and soon, and an SSE stream otherwise
//! (Streamable HTTP, "Sending Messages to the Server" §5, §6).

use std::future::poll_fn;
use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::revision::Era;

use super::http_error::HttpError;
use super::{AppState, answer, caller, origin, sse, tools};
use crate::access::audit::ToolCall;
use crate::access::grants::Admission;
use crate::config::catalogue::tool_view::ToolView;
use crate::instances::instance::upgrade;
use crate::instances::unavailable::Unavailable;
use crate::messages::error;
use crate::messages::json_edit::JsonEdit;
use crate::messages::message::{self, Envelope};
use crate::messages::stream::{First, Stream};
use crate::messages::translate::{shared, tasks};
use crate::process::Process;
use crate::process::call::{Call, ResponseHandler, ResponseOptions};
use crate::process::calls::Refused;
use crate::process::submit;
use crate::process::time::Time;
use crate::sessions::SessionBinding;

/// Serves one request.
pub(super) async fn call(
    request: &HttpRequest,
    app: &AppState,
    binding: &SessionBinding,
    message: (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    // First of all, since later its status may be that of an open stream.
    let listed = tools::check(request, (app, &binding.instance.server), message.1)?;
    let stream = Stream::answers(1);
    let asked = binding.instance.deliver(&binding.session, &stream);
    let way = (&stream, listed);
    if !asked.is_empty() || binding.instance.is_settling() {
        place_after(asked, request, binding, message.0, way);
    } else if binding.instance.live().is_some() {
        let placed = place(request, app, binding, message, way).await;
        placed.inspect_err(|_| binding.instance.take_back(&binding.session, &stream))?;
    } else {
        let placed = place_apart(request, binding, message.0, way).await;
        placed.inspect_err(|_| binding.instance.take_back(&binding.session, &stream))?;
    }
    // What came while the request was not yet in flight.
    binding.instance.deliver(&binding.session, &stream);
    Ok(respond(app, binding, stream, caller::admission(request)).await)
}

/// Serves the requests of a batch, all on one stream.
pub(super) async fn calls(
    request: &HttpRequest,
    app: &AppState,
    binding: &SessionBinding,
    messages: &[(&str, Envelope<'_>)],
) -> Result<HttpResponse, HttpError> {
    let stream = Stream::answers(messages.len());
    binding.instance.deliver(&binding.session, &stream);
    for (text, envelope) in messages {
        let placed = match tools::check(request, (app, &binding.instance.server), envelope) {
            Ok(listed) => place(request, app, binding, (text, envelope), (&stream, listed)).await,
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = placed {
            stream.answer(refusal.with_id(envelope.id).text().into());
        }
    }
    Ok(respond(app, binding, stream, caller::admission(request)).await)
}

/// Places a request while there is no process yet, in a task of its own: "Disconnection SHOULD NOT be interpreted as
/// the client cancelling its request".
async fn place_apart(
    request: &HttpRequest,
    binding: &SessionBinding,
    text: &str,
    (stream, listed): Way<'_>,
) -> Result<(), HttpError> {
    let (request, binding) = (request.clone(), binding.clone());
    let (text, stream) = (text.to_owned(), Arc::clone(stream));
    let placed = actix_web::rt::spawn(async move {
        let app = request.app_data::<Data<AppState>>().ok_or_else(HttpError::no_session)?;
        let envelope = message::parse(&text)?;
        place(&request, app, &binding, (&text, &envelope), (&stream, listed)).await
    });
    placed.await.map_err(|_| HttpError::from(Unavailable::Closed))?
}

/// Places a request once the client has answered the requests `asked`, which it receives on the same stream. Without a
/// GET stream it could not answer earlier, and the server may need the answers.
fn place_after(
    asked: Vec<u64>,
    request: &HttpRequest,
    binding: &SessionBinding,
    text: &str,
    (stream, listed): Way<'_>,
) {
    let (request, binding) = (request.clone(), binding.clone());
    let (text, stream) = (text.to_owned(), Arc::clone(stream));
    actix_web::rt::spawn(async move {
        binding.instance.answered(&asked).await;
        let Ok(envelope) = message::parse(&text) else { return };
        let placed = match request.app_data::<Data<AppState>>() {
            Some(app) => {
                place(&request, app, &binding, (&text, &envelope), (&stream, listed)).await
            }
            None => Err(HttpError::no_session()),
        };
        if let Err(refusal) = placed {
            stream.answer(refusal.with_id(envelope.id).text().into());
        }
    });
}

/// Sends a request to the server, whose answer comes on `stream`. Waits only if there is no process yet.
async fn place(
    request: &HttpRequest,
    app: &AppState,
    binding: &SessionBinding,
    message: (&str, &Envelope<'_>),
    (stream, listed): Way<'_>,
) -> Result<(), HttpError> {
    let basis = Basis {
        admission: caller::admission(request),
        record: origin::tool_call(request, app, &binding.instance.server.name, message.1),
    };
    let instance = &binding.instance;
    if instance.withholds(&message.1.method) {
        let why = "a server that several users share does not offer this";
        return Err(HttpError::answer(error::METHOD_NOT_FOUND, why));
    }
    let changed = match &listed {
        _ if instance.is_shared() => shared::request(message.0, message.1, Era::Legacy),
        // The result of a task would be the whole list.
        Some(_) => tasks::without_task(message.0, message.1),
        None => None,
    };
    let read = changed.as_deref().map(message::parse).transpose()?;
    let message = changed.as_deref().zip(read.as_ref()).unwrap_or(message);
    // Retries once if the server exited between the lookup and the send.
    for _ in 0..2 {
        let process = app.registry.process(&binding.instance).await?;
        let way = ((stream, listed.clone()), basis.clone());
        let placed = if instance.is_upgraded() {
            Box::pin(upgraded(&process, binding, message, way)).await?
        } else {
            match instance.keep(&binding.session, message.1) {
                Ok(handler) => write(&process, binding, message, way, handler),
                Err(answer) => {
                    stream.answer(answered(message.1, answer).into());
                    Ok(())
                }
            }
        };
        match placed {
            Ok(()) => return Ok(()),
            Err(Refused::Gone) => {}
            Err(Refused::Full) => {
                let what = "too many requests are in flight";
                return Err(Unavailable::Busy { what }.into());
            }
        }
    }
    let why = format!("server \"{}\" ended before it could be asked", binding.instance.server.name);
    Err(HttpError::answer(error::INTERNAL, why))
}

/// The stream of an answer, and the filter for a list of tools in it.
type Way<'a> = (&'a Arc<Stream>, Option<Arc<ToolView>>);

/// The access that a request depends on, and its audit record.
#[derive(Clone)]
struct Basis {
    admission: Option<Admission>,
    record: Option<Arc<ToolCall>>,
}

fn write(
    process: &Process,
    binding: &SessionBinding,
    (text, envelope): (&str, &Envelope<'_>),
    ((stream, tools), Basis { admission, record }): (Way<'_>, Basis),
    handler: Option<Arc<dyn ResponseHandler>>,
) -> Result<(), Refused> {
    // Revoked while the process was started: the server never hears of it.
    if let Some(over) = admission.as_ref().and_then(Admission::over) {
        stream.answer(error::answer(envelope.id, error::TRANSPORT, &over.to_string()).into());
        return Ok(());
    }
    let token = envelope.params.and_then(message::asked_progress);
    let call = Call {
        id: envelope.id.into(),
        token: token.map(Into::into),
        stream: Arc::clone(stream),
        session: binding.session.serial,
        time: Time::default(),
        tools,
        handler,
        options: ResponseOptions::default(),
        admission,
        record,
    };
    process.submit(call, |id| {
        Some(submit::renumbered(JsonEdit::of(text), (envelope.id, token), id))
    })?;
    Ok(())
}

/// Returns the answer of the proxy in place of a server.
fn answered(envelope: &Envelope<'_>, answer: Result<(), upgrade::Refused>) -> String {
    match answer {
        Ok(()) => format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{}}}}"#, envelope.id),
        Err((code, why)) => error::answer(envelope.id, code, &why),
    }
}

/// Sends a request to a server without a handshake, or answers it in place of the server.
async fn upgraded(
    process: &Arc<Process>,
    binding: &SessionBinding,
    (text, envelope): (&str, &Envelope<'_>),
    ((stream, tools), basis): (Way<'_>, Basis),
) -> Result<Result<(), Refused>, HttpError> {
    let instance = &binding.instance;
    if let Some(answer) = instance.answer_here(process, &binding.session, envelope).await {
        stream.answer(answered(envelope, answer).into());
        return Ok(Ok(()));
    }
    let text = instance.upgrade(&binding.session, text, envelope);
    let text = text.map_err(|why| HttpError::answer(error::INVALID_PARAMS, why.to_string()))?;
    let envelope = message::parse(&text)?;
    let handler = instance.legacy_taker(process, &envelope.method, &text);
    Ok(write(process, binding, (&text, &envelope), ((stream, tools), basis), Some(handler)))
}

/// A client that waits for the first message of its stream. Dropping it before that abandons the stream.
struct Waiting<'a> {
    stream: &'a Stream,
    served: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.served {
            self.stream.abandon();
        }
    }
}

async fn respond(
    app: &AppState,
    binding: &SessionBinding,
    stream: Arc<Stream>,
    admission: Option<Admission>,
) -> HttpResponse {
    let settings = &app.registry.settings;
    let mut waiting = Waiting { stream: &stream, served: false };
    let first = poll_fn(|cx| stream.poll_first(cx));
    let first = tokio::time::timeout(settings.timeouts.stream_after, first).await;
    waiting.served = true;
    drop(waiting);
    match first {
        Ok(First::Answer(payload)) => answer::json(payload),
        Ok(First::Withdrawn) => sse::empty(),
        Ok(First::Nothing) => HttpError::no_session().response(),
        // Long silent requests get a stream too: it can be kept alive, and resumed.
        Ok(First::More) | Err(_) => {
            binding.session.keep(&stream);
            let priming = binding.session.revision.has_priming();
            let until = admission.map(|admission| admission.until_answered());
            sse::response(stream.reader(), priming, settings.timeouts.keep_alive, until)
        }
    }
}
