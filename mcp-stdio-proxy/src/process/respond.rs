//! Responses and progress of a server on their way to the client, in one pipeline. A response is attributed to a call,
//! audited, filtered by the tool rules, translated, and delivered under the client's id (JSON-RPC 2.0 §5).

use std::sync::Arc;

use super::Process;
use super::call::Call;
use crate::messages::error;
use crate::messages::ids;
use crate::messages::json_edit::JsonEdit;
use crate::messages::line::Line;
use crate::messages::message::{self, Envelope};
use crate::messages::place::span;
use crate::messages::stream::{Stream, Weight};

/// The request that a response answers.
pub(super) enum Attribution {
    /// A call.
    Call(Call),
    /// A call, by the result of its task. The response is this line instead.
    Task(Call, Line),
    /// A request of the proxy about the task of a call.
    Internal,
}

/// A step of the pipeline.
type Step = fn(Call, &Line, &Envelope<'_>);

/// Processes the response `line` to the request `id`. Returns `false` if no such request is in flight.
pub(super) fn respond(
    process: &Arc<Process>,
    id: u64,
    line: &Line,
    envelope: &Envelope<'_>,
) -> bool {
    match attribute(process, id, line, envelope) {
        Some(Attribution::Call(call)) => audit(call, line, envelope),
        Some(Attribution::Task(call, line)) => continue_at(call, &line, audit),
        Some(Attribution::Internal) => {}
        None => return false,
    }
    true
}

/// Removes the call that the response to the request `id` answers, and returns it.
fn attribute(
    process: &Arc<Process>,
    id: u64,
    line: &Line,
    envelope: &Envelope<'_>,
) -> Option<Attribution> {
    let calls = &process.calls;
    let of_task = calls.tasks.attribute(process, (id, line), envelope);
    of_task.or_else(|| calls.take(id).map(Attribution::Call))
}

/// Records the outcome of a tool call.
fn audit(call: Call, line: &Line, envelope: &Envelope<'_>) {
    if let Some(record) = &call.record {
        record.answered(envelope);
    }
    filter(call, line, envelope);
}

/// Removes the tools that the client may not see.
fn filter(call: Call, line: &Line, envelope: &Envelope<'_>) {
    match call.tools.as_ref().and_then(|view| view.filtered(line, envelope)) {
        Some(line) => continue_at(call, &line, translate),
        None => translate(call, line, envelope),
    }
}

/// Passes the response to the handler of the call, which may also take the call over.
fn translate(call: Call, line: &Line, envelope: &Envelope<'_>) {
    match call.handler.clone() {
        Some(handler) => handler.handle(call, line, envelope),
        None => deliver(call, line, envelope, JsonEdit::of(line.text())),
    }
}

/// Answers `call` with the response `line`, changed by `edit`, under the client's id.
pub fn deliver(call: Call, line: &Line, envelope: &Envelope<'_>, edit: JsonEdit<'_>) {
    match restore_id(&call, line, envelope, edit) {
        Some(edit) => call.stream.answer(edit.payload(line)),
        None => call.fail(error::INTERNAL, UNREADABLE),
    }
}

/// Restores the id of the client. Returns `None` if the response has none.
fn restore_id<'a>(
    call: &'a Call,
    line: &Line,
    envelope: &Envelope<'_>,
    edit: JsonEdit<'a>,
) -> Option<JsonEdit<'a>> {
    span(line.text(), envelope.id)?;
    Some(edit.replace(envelope.id, &*call.id))
}

const UNREADABLE: &str = "the answer could not be read";

/// Continues at `step` with `line`, which was edited.
fn continue_at(call: Call, line: &Line, step: Step) {
    match message::parse(line.text()) {
        Ok(envelope) => step(call, line, &envelope),
        Err(_) => call.fail(error::INTERNAL, UNREADABLE),
    }
}

/// Forwards a progress notification to the client of the call that it is about.
pub(super) fn progress(process: &Process, line: &Line, envelope: &Envelope<'_>) {
    let token = envelope.params.and_then(message::progress_token).unwrap_or_default();
    match attribute_progress(process, token) {
        Some((stream, theirs)) => {
            let edit = JsonEdit::of(line.text()).replace(token, &*theirs);
            stream.push(edit.payload(line), Weight::Light);
            process.pressure.note(&stream);
        }
        None => log::debug!("{}: progress for an unknown request", process.server),
    }
}

/// Returns the stream and the client's token of the call with our token, since the proxy uses its request ids as tokens.
fn attribute_progress(process: &Process, token: &str) -> Option<(Arc<Stream>, Box<str>)> {
    process.calls.progress(ids::number(token)?)
}
