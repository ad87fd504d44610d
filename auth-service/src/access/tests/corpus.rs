//! Recorded decisions of an independent evaluator.

use super::{explain, facts, read};
use crate::model::UnixTime;

/// Policies with questions, and the decisions of an evaluator of the same semantics that shares no code with this
/// one. The policies were made by `random.rs`.
const CORPUS: &str = include_str!("../../../tests/access/corpus.jsonl");

#[test]
fn the_decisions_are_those_of_an_independent_evaluator() {
    let (mut allowed, mut denied) = (0, 0);
    for (line, number) in CORPUS.lines().zip(1..) {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let document = read(case["policy"].as_str().unwrap());
        for question in case["questions"].as_array().unwrap() {
            let person = facts(&question["as"].to_string());
            let target = question["target"].as_str().unwrap();
            let now = UnixTime(question["at"].as_i64().unwrap());
            let expected = question["allowed"].as_bool().unwrap();
            let explanation = explain(&document, &person, target, now);
            let because = explanation.because();
            assert_eq!(explanation.allowed, expected, "line {number}: {question} {because}");
            *(if expected { &mut allowed } else { &mut denied }) += 1;
        }
    }
    assert!(allowed > 150 && denied > 300, "{allowed} {denied}");
}
