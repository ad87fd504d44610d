//! Requests of legacy clients. The answer is JSON if it comes first and soon, and an SSE stream otherwise
//! (Streamable HTTP, "Sending Messages to the Server" §5, §6).

use std::future::poll_fn;
use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::BoxFuture;
use gateway_contract::revision::Era;

use super::http_error::HttpError;
use super::submit::{Submission, submit};
use super::{AppState, answer, caller, sse, tools};
use crate::access::grants::Admission;
use crate::config::catalogue::tool_view::ToolView;
use crate::instances::bridge::{Bridge, ClientRequest};
use crate::instances::session::Session;
use crate::instances::unavailable::Unavailable;
use crate::messages::error;
use crate::messages::message::{self, Envelope};
use crate::messages::stream::{First, Stream};
use crate::messages::translate::{shared, tasks};
use crate::sessions::SessionBinding;

/// Serves one request.
pub(super) async fn call(
    request: &HttpRequest,
    app: &AppState,
    binding: &SessionBinding,
    message: (&str, &Envelope<'_>),
) -> Result<HttpResponse, HttpError> {
    let (instance, session) = (&binding.instance, &binding.session);
    // First of all, since later its status may be that of an open stream.
    let listed = tools::check(request, (app, &instance.server), message.1)?;
    let stream = Stream::answers(1);
    let way = (&stream, listed);
    let bridge = instance.live();
    if let Some(answered) = deliver(bridge.as_deref(), session, &stream) {
        place_after(answered, request, binding, message.0, way);
    } else if bridge.is_some() {
        let placed = place(request, app, binding, message, way).await;
        placed.inspect_err(|_| session.take_back(&stream))?;
    } else {
        let placed = place_apart(request, binding, message.0, way).await;
        placed.inspect_err(|_| session.take_back(&stream))?;
    }
    // What came while the request was not yet in flight.
    let bridge = bridge.or_else(|| instance.live());
    drop(deliver(bridge.as_deref(), session, &stream));
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
    drop(deliver(binding.instance.live().as_deref(), &binding.session, &stream));
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

/// Moves what waits for the client of `session` to `stream`, which it is about to read. Returns a future if the next
/// request of the client should wait until the server has the answers.
pub(super) fn deliver(
    bridge: Option<&dyn Bridge>,
    session: &Session,
    stream: &Arc<Stream>,
) -> Option<BoxFuture<'static, ()>> {
    let answered = bridge.and_then(|bridge| bridge.deliver(session, stream));
    if !Arc::ptr_eq(stream, &session.standing) {
        session.standing.hand_over(stream);
    }
    answered
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

/// Places a request once the client has `answered` the requests of the server, which it receives on the same stream.
/// Without a GET stream it could not answer earlier, and the server may need the answers.
fn place_after(
    answered: BoxFuture<'static, ()>,
    request: &HttpRequest,
    binding: &SessionBinding,
    text: &str,
    (stream, listed): Way<'_>,
) {
    let (request, binding) = (request.clone(), binding.clone());
    let (text, stream) = (text.to_owned(), Arc::clone(stream));
    actix_web::rt::spawn(async move {
        answered.await;
        let Ok(envelope) = message::parse(&text) else { return };
        let way = (&stream, listed);
        let placed = match request.app_data::<Data<AppState>>() {
            Some(app) => place(&request, app, &binding, (&text, &envelope), way).await,
            None => Err(HttpError::no_session()),
        };
        if let Err(refusal) = placed {
            stream.answer(refusal.with_id(envelope.id).text().into());
        }
    });
}

/// The stream of a response, and the filter for a list of tools in it.
type Way<'a> = (&'a Arc<Stream>, Option<Arc<ToolView>>);

/// Sends a request to the server, whose response comes on `stream`. Waits only if there is no process yet.
async fn place(
    request: &HttpRequest,
    app: &AppState,
    binding: &SessionBinding,
    message: (&str, &Envelope<'_>),
    (stream, listed): Way<'_>,
) -> Result<(), HttpError> {
    let instance = &binding.instance;
    if instance.key.withholds(&message.1.method) {
        let why = "a server that several users share does not offer this";
        return Err(HttpError::answer(error::METHOD_NOT_FOUND, why));
    }
    let changed = match &listed {
        _ if instance.key.is_shared() => shared::request(message.0, message.1, Era::Legacy),
        // The result of a task would be the whole list.
        Some(_) => tasks::without_task(message.0, message.1),
        None => None,
    };
    let read = changed.as_deref().map(message::parse).transpose()?;
    let message = changed.as_deref().zip(read.as_ref()).unwrap_or(message);
    let submission = Submission {
        http: request,
        request: ClientRequest {
            text: message.0,
            envelope: message.1,
            session: Some(&binding.session),
            asked: None,
            principal: None,
        },
        stream,
        tools: listed,
    };
    // The call goes on if the client leaves.
    submit(app, instance, submission).await.map(drop)
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
