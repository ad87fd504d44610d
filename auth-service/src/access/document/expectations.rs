//! The tables `[[test]]`, whose expectations must hold before the file takes effect.

use std::{fmt, sync::Arc};

use gateway_contract::servers::{NAME_RULE, Place, is_name};
use toml::de::DeTable;

use super::{facts, providers::Providers, reader::Reader, rules};
use crate::{
    access::{
        explanation::{Explanation, Question},
        facts::Facts,
        limits,
        policy::Policy,
    },
    model::UnixTime,
};

/// The keys of a test.
const KEYS: [&str; 5] = ["name", "as", "at", "allow", "deny"];

/// A question to the policy with the expected answer.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The position of the expectation.
    pub place: Place,
    /// The number of the test in the file, from 1.
    pub test: usize,
    /// The name of the test.
    pub name: Option<String>,
    /// The person, or the client that acts for itself.
    pub facts: Arc<Facts>,
    /// The server, or `SERVER/TOOL`.
    pub target: String,
    /// The time of the request. With `None`, the time of the check.
    pub at: Option<UnixTime>,
    /// The expected answer.
    pub allowed: bool,
}

/// An expectation that does not hold.
#[derive(Clone, Debug)]
pub struct Failure<'a> {
    /// The expectation.
    pub expectation: &'a Expectation,
    /// The answer of the policy.
    pub explanation: Explanation<'a>,
}

impl Expectation {
    /// Compares the expectation with the policy. Returns `None` if it holds.
    pub(super) fn failure<'a>(&'a self, policy: &'a Policy, now: UnixTime) -> Option<Failure<'a>> {
        let (server, tool) = parts(&self.target);
        let now = self.at.unwrap_or(now);
        let question = Question { facts: &self.facts, server, tool, now };
        let explanation = policy.explain(question);
        let holds = explanation.allowed == self.allowed;
        (!holds).then_some(Failure { expectation: self, explanation })
    }
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expectation { place, test, name, facts, target, allowed, .. } = self.expectation;
        let verb = |allowed: bool| if allowed { "allowed" } else { "denied" };
        write!(f, "{}:{}: test {test}", place.line, place.column)?;
        name.iter().try_for_each(|name| write!(f, " {name:?}"))?;
        let got = verb(self.explanation.allowed);
        let because = self.explanation.because();
        write!(f, ": {target} should be {} for {facts}, but is {got}: {because}", verb(*allowed))
    }
}

/// Splits `SERVER` or `SERVER/TOOL`.
#[must_use]
pub fn parts(target: &str) -> (&str, Option<&str>) {
    target.split_once('/').map_or((target, None), |(server, tool)| (server, Some(tool)))
}

/// Checks the form of `SERVER` or `SERVER/TOOL`.
pub fn check_target(target: &str) -> Result<(), String> {
    match parts(target) {
        (server, _) if !is_name(server) => Err(format!("{target:?} names no server: {NAME_RULE}")),
        (_, Some("")) => Err(format!("the tool is missing after \"/\" in {target:?}")),
        _ => Ok(()),
    }
}

/// Reads the tests.
pub(super) fn read(
    reader: &mut Reader<'_>,
    providers: &Providers,
    root: &DeTable<'_>,
) -> Vec<Expectation> {
    let mut all = Vec::new();
    for ((table, span), number) in reader.tables(root, "test").into_iter().zip(1..) {
        reader.check_keys(table, "a test", &KEYS);
        let facts = table.get("as").and_then(|value| facts::read(reader, providers, value));
        let name = rules::name(reader, table);
        let at = reader.time(table, "at");
        for (key, allowed) in [("allow", true), ("deny", false)] {
            for (target, span) in reader.filled(table, key).unwrap_or_default() {
                if let Err(what) = check_target(&target) {
                    reader.add(span.clone(), what);
                }
                let place = reader.place(span.start);
                let (name, facts) = (name.clone(), Arc::new(facts.clone().unwrap_or_default()));
                all.push(Expectation { place, test: number, name, facts, target, at, allowed });
            }
        }
        let asks = ["allow", "deny"].iter().any(|key| table.contains_key(*key));
        if !table.contains_key("as") || !asks {
            let what = format!("test {number} needs \"as\", and \"allow\" or \"deny\"");
            reader.add(span, what);
        } else if all.len() > limits::EXPECTATIONS {
            let what = format!("there are more than {} expectations", limits::EXPECTATIONS);
            reader.add(span, what);
            break;
        }
    }
    all
}
