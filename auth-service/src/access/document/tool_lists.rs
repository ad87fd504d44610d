//! The limit of tool patterns at one server, which become part of the signed identity.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gateway_contract::servers::Place;

use super::reader::Reader;
use crate::access::{
    limits,
    pattern::{DeniedTools, Pattern},
    rule::{Effect, Rule},
};

/// Reports servers for which the rules together have too many tool patterns, whoever the person is.
///
/// The rules about one server all have patterns of servers that overlap. So the largest list is within that of all
/// rules whose patterns overlap with one pattern.
pub(super) fn check(reader: &mut Reader<'_>, rules: &[Arc<Rule>]) {
    for is_deny in [false, true] {
        let lists = lists(rules, is_deny);
        for (server, lists_there) in overlapping(&lists) {
            let patterns: BTreeSet<&str> = lists_there.into_iter().flatten().copied().collect();
            let size: usize = patterns.iter().map(|text| text.len()).sum();
            if patterns.len() > limits::TOOL_PATTERNS || size > limits::TOOL_BYTES {
                let verb = if is_deny { "deny" } else { "allow" };
                let (most, bytes) = (limits::TOOL_PATTERNS, limits::TOOL_BYTES);
                let what = format!(
                    "the rules {verb} tools of {server:?} by {} patterns, {size} bytes; \
                     at most {most} and {bytes}",
                    patterns.len()
                );
                let first =
                    rules.iter().find(|rule| rule.servers.iter().any(|one| one.as_str() == server));
                reader.add_at(first.map_or(Place { line: 1, column: 1 }, |rule| rule.place), what);
            }
        }
    }
}

/// Returns the tool patterns of the rules with one effect, by each pattern of servers.
fn lists(rules: &[Arc<Rule>], is_deny: bool) -> BTreeMap<&Pattern, BTreeSet<&str>> {
    let mut lists = BTreeMap::<_, BTreeSet<&str>>::new();
    for rule in rules.iter().filter(|rule| rule.is_deny() == is_deny) {
        let texts: Vec<&str> = match &rule.effect {
            Effect::Allow { tools, .. } => tools.iter().flatten().map(Pattern::as_str).collect(),
            Effect::Deny { tools } => tools.iter().flatten().map(DeniedTools::as_str).collect(),
        };
        for server in rule.servers.iter().filter(|_| !texts.is_empty()) {
            lists.entry(server).or_default().extend(&texts);
        }
    }
    lists
}

/// Returns, for each pattern of servers, the lists of the patterns that overlap with it.
fn overlapping<'a>(
    lists: &'a BTreeMap<&'a Pattern, BTreeSet<&'a str>>,
) -> impl Iterator<Item = (&'a str, Vec<&'a BTreeSet<&'a str>>)> {
    lists.keys().map(|server| {
        let others = lists.iter().filter(|(other, _)| server.overlaps(other));
        (server.as_str(), others.map(|(_, list)| list).collect())
    })
}
