//! Requests of legacy clients. The answer is JSON if it comes first and soon, and an SSE stream otherwise
//! (Streamable HTTP, "Sending Messages to the Server" §5, §6).

use std::future::poll_fn;
use std::sync::Arc;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use gateway_contract::revision::Era;

use super::refusal::Refusal;
use super::{Gate, answer, asker, origin, sse, tools};
use crate::audit::ToolCall;
use crate::catalogue::tool_view::ToolView;
use crate::child::Child;
use crate::child::call::{Call, Taker, Terms};
use crate::child::calls::Refused;
use crate::child::submit;
use crate::child::time::Time;
use crate::grants::Admission;
use crate::hub::Seat;
use crate::protocol::error;
use crate::protocol::message::{self, Envelope};
use crate::room::upgrade;
use crate::stream::{First, Stream};
use crate::translate::{shared, tasks};
use crate::unavailable::Unavailable;

/// Serves one request.
pub(super) async fn call(
    request: &HttpRequest,
    gate: &Gate,
    seat: &Seat,
    message: (&str, &Envelope<'_>),
) -> Result<HttpResponse, Refusal> {
    // First of all, since later its status may be that of an open stream.
    let listed = tools::check(request, (gate, &seat.room.backend), message.1)?;
    let stream = Stream::answers(1);
    let asked = seat.room.deliver(&seat.session, &stream);
    let way = (&stream, listed);
    if !asked.is_empty() || seat.room.is_settling() {
        place_after(asked, request, seat, message.0, way);
    } else if seat.room.live().is_some() {
        let placed = place(request, gate, seat, message, way).await;
        placed.inspect_err(|_| seat.room.take_back(&seat.session, &stream))?;
    } else {
        let placed = place_apart(request, seat, message.0, way).await;
        placed.inspect_err(|_| seat.room.take_back(&seat.session, &stream))?;
    }
    // What came while the request was not yet in flight.
    seat.room.deliver(&seat.session, &stream);
    Ok(respond(gate, seat, stream, asker::admission(request)).await)
}

/// Serves the requests of a batch, all on one stream.
pub(super) async fn calls(
    request: &HttpRequest,
    gate: &Gate,
    seat: &Seat,
    messages: &[(&str, Envelope<'_>)],
) -> Result<HttpResponse, Refusal> {
    let stream = Stream::answers(messages.len());
    seat.room.deliver(&seat.session, &stream);
    for (text, envelope) in messages {
        let placed = match tools::check(request, (gate, &seat.room.backend), envelope) {
            Ok(listed) => place(request, gate, seat, (text, envelope), (&stream, listed)).await,
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = placed {
            stream.answer(refusal.with_id(envelope.id).text().into());
        }
    }
    Ok(respond(gate, seat, stream, asker::admission(request)).await)
}

/// Places a request while there is no process yet, in a task of its own: "Disconnection SHOULD NOT be interpreted as
/// the client cancelling its request".
async fn place_apart(
    request: &HttpRequest,
    seat: &Seat,
    text: &str,
    (stream, listed): Way<'_>,
) -> Result<(), Refusal> {
    let (request, seat) = (request.clone(), seat.clone());
    let (text, stream) = (text.to_owned(), Arc::clone(stream));
    let placed = actix_web::rt::spawn(async move {
        let gate = request.app_data::<Data<Gate>>().ok_or_else(Refusal::no_session)?;
        let envelope = message::parse(&text)?;
        place(&request, gate, &seat, (&text, &envelope), (&stream, listed)).await
    });
    placed.await.map_err(|_| Refusal::from(Unavailable::Closed))?
}

/// Places a request once the client has answered the requests `asked`, which it receives on the same stream. Without a
/// GET stream it could not answer earlier, and the server may need the answers.
fn place_after(
    asked: Vec<u64>,
    request: &HttpRequest,
    seat: &Seat,
    text: &str,
    (stream, listed): Way<'_>,
) {
    let (request, seat) = (request.clone(), seat.clone());
    let (text, stream) = (text.to_owned(), Arc::clone(stream));
    actix_web::rt::spawn(async move {
        seat.room.answered(&asked).await;
        let Ok(envelope) = message::parse(&text) else { return };
        let placed = match request.app_data::<Data<Gate>>() {
            Some(gate) => place(&request, gate, &seat, (&text, &envelope), (&stream, listed)).await,
            None => Err(Refusal::no_session()),
        };
        if let Err(refusal) = placed {
            stream.answer(refusal.with_id(envelope.id).text().into());
        }
    });
}

/// Sends a request to the server, whose answer comes on `stream`. Waits only if there is no process yet.
async fn place(
    request: &HttpRequest,
    gate: &Gate,
    seat: &Seat,
    message: (&str, &Envelope<'_>),
    (stream, listed): Way<'_>,
) -> Result<(), Refusal> {
    let basis = Basis {
        admission: asker::admission(request),
        record: origin::tool_call(request, gate, &seat.room.backend.name, message.1),
    };
    let room = &seat.room;
    if room.withholds(&message.1.method) {
        let why = "a server that several users share does not offer this";
        return Err(Refusal::answer(error::METHOD_NOT_FOUND, why));
    }
    let changed = match &listed {
        _ if room.is_shared() => shared::request(message.0, message.1, Era::Legacy),
        // The result of a task would be the whole list.
        Some(_) => tasks::without_task(message.0, message.1),
        None => None,
    };
    let read = changed.as_deref().map(message::parse).transpose()?;
    let message = changed.as_deref().zip(read.as_ref()).unwrap_or(message);
    // Retries once if the server exited between the lookup and the send.
    for _ in 0..2 {
        let child = gate.hub.child(&seat.room).await?;
        let way = ((stream, listed.clone()), basis.clone());
        let placed = if room.is_upgraded() {
            Box::pin(upgraded(&child, seat, message, way)).await?
        } else {
            match room.keep(&seat.session, message.1) {
                Ok(taker) => write(&child, seat, message, way, taker),
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
    let why = format!("server \"{}\" ended before it could be asked", seat.room.backend.name);
    Err(Refusal::answer(error::INTERNAL, why))
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
    child: &Child,
    seat: &Seat,
    (text, envelope): (&str, &Envelope<'_>),
    ((stream, tools), Basis { admission, record }): (Way<'_>, Basis),
    taker: Option<Arc<dyn Taker>>,
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
        session: seat.session.serial,
        time: Time::default(),
        tools,
        taker,
        terms: Terms::default(),
        admission,
        record,
    };
    child
        .submit(call, |id| Some(submit::renumbered(text, (envelope.id, token), id, Vec::new())))?;
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
    child: &Arc<Child>,
    seat: &Seat,
    (text, envelope): (&str, &Envelope<'_>),
    ((stream, tools), basis): (Way<'_>, Basis),
) -> Result<Result<(), Refused>, Refusal> {
    let room = &seat.room;
    if let Some(answer) = room.answer_here(child, &seat.session, envelope).await {
        stream.answer(answered(envelope, answer).into());
        return Ok(Ok(()));
    }
    let text = room.upgrade(&seat.session, text, envelope);
    let text = text.map_err(|why| Refusal::answer(error::INVALID_PARAMS, why.to_string()))?;
    let envelope = message::parse(&text)?;
    let taker = room.legacy_taker(child, &envelope.method, &text);
    Ok(write(child, seat, (&text, &envelope), ((stream, tools), basis), Some(taker)))
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
    gate: &Gate,
    seat: &Seat,
    stream: Arc<Stream>,
    admission: Option<Admission>,
) -> HttpResponse {
    let settings = &gate.hub.settings;
    let mut waiting = Waiting { stream: &stream, served: false };
    let first = poll_fn(|cx| stream.poll_first(cx));
    let first = tokio::time::timeout(settings.stream_after, first).await;
    waiting.served = true;
    drop(waiting);
    match first {
        Ok(First::Answer(payload)) => answer::json(payload),
        Ok(First::Withdrawn) => sse::empty(),
        Ok(First::Nothing) => Refusal::no_session().response(),
        // Long silent requests get a stream too: it can be kept alive, and resumed.
        Ok(First::More) | Err(_) => {
            seat.session.keep(&stream);
            let priming = seat.session.revision.has_priming();
            let until = admission.map(|admission| admission.until_answered());
            sse::response(stream.reader(), priming, settings.keep_alive, until)
        }
    }
}
