//! Tests of the policy.

mod corpus;
mod examples;
mod expectations;
mod limits;
mod lists;
mod mistakes;
mod people;
mod random;
mod rules;
mod sketch;
mod verdicts;

use super::{Document, Explanation, Facts, Question, facts_from_json, parts};
use crate::model::UnixTime;

/// 2026-11-30T12:00:00Z.
pub(super) const NOON: UnixTime = UnixTime(1_796_040_000);

/// Parses a policy that must have no problems.
pub(super) fn read(text: &str) -> Document {
    Document::read(text, &[]).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}

/// Returns the facts of `json`.
pub(super) fn facts(json: &str) -> Facts {
    facts_from_json(json).unwrap_or_else(|what| panic!("{what}: {json}"))
}

/// Evaluates the policy for `SERVER` or `SERVER/TOOL`.
pub(super) fn explain<'a>(
    document: &'a Document,
    facts: &Facts,
    target: &str,
    now: UnixTime,
) -> Explanation<'a> {
    let (server, tool) = parts(target);
    document.policy.explain(Question { facts, server, tool, now })
}
