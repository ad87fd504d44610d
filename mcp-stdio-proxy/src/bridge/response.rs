//! The end of a response handler: the response goes to its client.

use bytes::Bytes;

use crate::messages::message::Envelope;
use crate::messages::splice::{Payload, span};
use crate::process::call::Call;

/// Answers `call` with `line` under the client's id, optionally with one part replaced.
pub(super) fn hand_over(
    call: &Call,
    line: &Bytes,
    read: &Envelope<'_>,
    part: Option<(&str, String)>,
) {
    let text = std::str::from_utf8(line).unwrap_or_default();
    let parts = [Some((read.id, call.id.to_string())), part].into_iter().flatten();
    let edits = parts.filter_map(|(part, with)| Some((span(text, part)?, with)));
    call.stream.answer(Payload::edited(line, edits.collect()));
}
