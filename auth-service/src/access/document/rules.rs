//! The table `[login]` and the tables `[[rule]]`.

use std::{ops::Range, sync::Arc};

use gateway_contract::servers::{NAME_RULE, is_name};
use toml::de::DeTable;

use super::{reader::Reader, who::WhoReader};
use crate::{
    access::{
        limits,
        pattern::{DeniedTools, Pattern},
        rule::{Effect, Rule},
        who::Who,
    },
    model::Scopes,
};

/// The keys of a rule.
const KEYS: [&str; 10] =
    ["name", "effect", "who", "not", "servers", "tools", "clients", "scopes", "from", "until"];

/// Reads `login.allow` and `login.deny`.
pub(super) fn login(who: &mut WhoReader<'_, '_>, root: &DeTable<'_>) -> (Vec<Who>, Vec<Who>) {
    let Some(table) = who.reader.table(root, "login") else { return Default::default() };
    who.reader.check_keys(table, "[login]", &["allow", "deny"]);
    (who.list(table, "allow"), who.list(table, "deny"))
}

/// Reads the rules.
pub(super) fn read(who: &mut WhoReader<'_, '_>, root: &DeTable<'_>) -> Vec<Arc<Rule>> {
    let tables = who.reader.tables(root, "rule");
    if let Some((_, span)) = tables.get(limits::RULES) {
        who.reader.add(span.clone(), format!("there are more than {} rules", limits::RULES));
    }
    let tables = tables.into_iter().take(limits::RULES).zip(1..);
    tables.map(|((table, span), number)| Arc::new(rule(who, table, &span, number))).collect()
}

fn rule(
    who: &mut WhoReader<'_, '_>,
    table: &DeTable<'_>,
    span: &Range<usize>,
    number: usize,
) -> Rule {
    who.reader.check_keys(table, "a rule", &KEYS);
    for key in ["who", "servers"] {
        if !table.contains_key(key) {
            who.reader.add(span.clone(), format!("rule {number} needs {key:?}"));
        }
    }
    let reader = &mut *who.reader;
    let (from, until) = (reader.time(table, "from"), reader.time(table, "until"));
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        reader.add(span.clone(), "\"from\" must be before \"until\"".to_owned());
    }
    Rule {
        number,
        place: reader.place(span.start),
        name: name(reader, table),
        servers: servers(reader, table),
        clients: patterns(reader, table, "clients"),
        from,
        until,
        effect: effect(reader, table),
        who: who.filled(table, "who"),
        not: who.list(table, "not"),
    }
}

/// Reads a name for explanations.
pub(super) fn name(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Option<String> {
    let (name, span) = reader.text(table, "name")?;
    if name.chars().any(char::is_control) {
        reader.add(span, "\"name\" has a control character".to_owned());
    }
    Some(name)
}

fn effect(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Effect {
    let tools = reader.filled(table, "tools");
    let deny = match reader.text(table, "effect") {
        None => false,
        Some((effect, _)) if matches!(effect.as_str(), "allow" | "deny") => effect == "deny",
        Some((_, span)) => {
            reader.add(span, "\"effect\" must be \"allow\" or \"deny\"".to_owned());
            true
        }
    };
    let scopes = scopes(reader, table, deny);
    let texts = |tools: &Vec<(String, _)>| tools.iter().map(|(text, _)| text.clone()).collect();
    let tools: Option<Vec<String>> = tools.as_ref().map(texts);
    if deny {
        let pattern =
            |texts: Vec<String>| texts.iter().map(|text| DeniedTools::new(text)).collect();
        return Effect::Deny { tools: tools.map(pattern) };
    }
    let pattern = |texts: Vec<String>| texts.iter().map(|text| Pattern::new(text)).collect();
    Effect::Allow { tools: tools.map(pattern), scopes }
}

fn scopes(reader: &mut Reader<'_>, table: &DeTable<'_>, deny: bool) -> Option<Scopes> {
    let items = reader.filled(table, "scopes")?;
    let mut all = Scopes::default();
    for (text, span) in items {
        match Scopes::parse(&text) {
            _ if deny => {
                reader.add(span, "\"scopes\" limit what a rule allows; not with deny".to_owned());
                return None;
            }
            Ok(scope) if scope.iter().count() == 1 => all = all.union(&scope),
            _ => reader.add(span, format!("{text:?} is not a scope")),
        }
    }
    Some(all)
}

fn patterns(reader: &mut Reader<'_>, table: &DeTable<'_>, name: &str) -> Option<Vec<Pattern>> {
    let items = reader.filled(table, name)?;
    Some(items.iter().map(|(text, _)| Pattern::new(text)).collect())
}

/// Reads the patterns of servers. Reports those that no server's name can match.
fn servers(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Vec<Pattern> {
    let items = reader.filled(table, "servers").unwrap_or_default();
    for (text, span) in &items {
        // If any name matches the pattern, this one does.
        let example = text.replace('*', "x");
        if !is_name(&example) {
            reader.add(span.clone(), format!("no server can be called {text:?}: {NAME_RULE}"));
        }
    }
    items.iter().map(|(text, _)| Pattern::new(text)).collect()
}
