//! Lenient parsing of malformed server messages (JSON-RPC 2.0 §5). Official clients accept some of them
//! anyway. For others, which no client accepts, the answered call can still be identified.
//!
//! "Official clients" are the TypeScript and Python SDKs over stdio, as tested. The former decodes bytes that
//! are not UTF-8. The latter ignores unknown members, accepts `NaN`, and prefers an error to a result.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::defect::{Answer, Defect};
use super::message::{self, Envelope};
use super::object::{Member, members};
use super::parts::{Parts, is_error};
use super::{finite, torn};

/// The interpretation of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    /// A message that an official client accepts, normalized to a form that every client accepts.
    Message(String),
    /// An array whose items are to be read one at a time.
    Batch(String),
    /// Responses that no client accepts.
    Answers(Vec<Answer>),
    /// Not a recognizable message.
    Noise,
}

/// Returns `true` if every client accepts `read`, a valid message: results are objects, and errors have a
/// code and a message.
#[must_use]
pub fn is_plain(read: &Envelope<'_>) -> bool {
    match (read.result, read.error) {
        (Some(result), _) => result.starts_with('{'),
        (None, Some(error)) => is_error(error),
        (None, None) => true,
    }
}

/// Returns an error response whose id, zero or empty, no request of the proxy has. Servers that could not
/// determine the id send it.
#[must_use]
pub fn unaddressed(read: &Envelope<'_>) -> Option<Answer> {
    let is_zero = read.id.starts_with('-') || matches!(read.id, "0" | "\"\"");
    let error = read.error.filter(|_| is_zero)?;
    Some(Parts::of_error(error).answer())
}

/// Parses a line that is not a plain message. Returns the first defect found.
#[must_use]
pub fn read(line: &[u8]) -> (Option<Defect>, Reading) {
    let text = String::from_utf8_lossy(line);
    let decoded = matches!(text, Cow::Owned(_)).then_some(Defect::Encoding);
    let Err(invalid) = serde_json::from_str::<&RawValue>(&text) else {
        return after(decoded, of_json(&text));
    };
    if let Some(text) = finite::without(&text) {
        return after(Some(Defect::NotFinite), of_json(&text));
    }
    let answers = torn::answers(&text);
    if answers.is_empty() {
        return (decoded, Reading::Noise);
    }
    (Some(torn::defect(&text, &invalid)), Reading::Answers(answers))
}

/// Combines the defects. The one found `before` takes precedence, unless clients tolerate it and not the
/// others.
fn after(
    before: Option<Defect>,
    (found, reading): (Option<Defect>, Reading),
) -> (Option<Defect>, Reading) {
    match reading {
        Reading::Answers(_) => (found.or(before), reading),
        _ => (before.or(found), reading),
    }
}

fn of_json(text: &str) -> (Option<Defect>, Reading) {
    if message::parse(text).is_ok_and(|read| is_plain(&read)) {
        return (None, Reading::Message(text.to_owned()));
    }
    match text.trim_start().as_bytes().first() {
        Some(b'{') => members(text).map_or((None, Reading::Noise), |all| of_members(&all)),
        Some(b'[') => (None, Reading::Batch(text.to_owned())),
        _ => (None, Reading::Noise),
    }
}

fn of_members(all: &[Member<'_>]) -> (Option<Defect>, Reading) {
    let parts = Parts::of(all);
    match parts.message() {
        Ok(message) => (Some(Defect::Members), Reading::Message(message)),
        Err(Some(defect)) => (Some(defect), Reading::Answers(vec![parts.answer()])),
        Err(None) => (None, Reading::Noise),
    }
}
