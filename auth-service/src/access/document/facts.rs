//! The table `as` of a test, and the same members as JSON.

use serde_json::Value;
use toml::{
    Spanned,
    de::{DeArray, DeInteger, DeString, DeTable, DeValue},
};

use super::{providers::Providers, reader::Reader};
use crate::access::{
    facts::{Fact, Facts},
    limits,
};

/// The members of `as`.
const KEYS: [&str; 9] =
    ["provider", "id", "login", "orgs", "teams", "groups", "verified_email", "client", "unknown"];

/// Reads the facts of `as`. Returns `None` after a problem.
pub(super) fn read(
    reader: &mut Reader<'_>,
    providers: &Providers,
    value: &Spanned<DeValue<'_>>,
) -> Option<Facts> {
    let Some(table) = value.get_ref().as_table() else {
        reader.add(value.span(), "\"as\" must be a table, { provider = …, id = … }".to_owned());
        return None;
    };
    reader.check_keys(table, "\"as\"", &KEYS);
    let Some((provider, span)) = reader.text(table, "provider") else {
        reader.add(value.span(), "\"as\" needs \"provider\"".to_owned());
        return None;
    };
    if let Err(what) = providers.find(&provider) {
        reader.add(span, what);
    }
    let facts = Facts {
        provider,
        id: any_text(reader, table, "id"),
        login: any_text(reader, table, "login"),
        orgs: any_texts(reader, table, "orgs"),
        teams: any_texts(reader, table, "teams"),
        groups: any_texts(reader, table, "groups"),
        verified_email: any_text(reader, table, "verified_email"),
        client: any_text(reader, table, "client"),
        unknown: unknown(reader, table),
    };
    Some(facts.with_own_client())
}

/// Returns a string, which in facts may be anything that a provider states.
fn any_text(reader: &mut Reader<'_>, table: &DeTable<'_>, name: &str) -> Option<String> {
    let value = table.get(name)?;
    let text = value.get_ref().as_str();
    if text.is_none() {
        reader.add(value.span(), format!("{name:?} must be a string"));
    }
    text.map(str::to_owned)
}

fn any_texts(reader: &mut Reader<'_>, table: &DeTable<'_>, name: &str) -> Vec<String> {
    let Some(value) = table.get(name) else { return Vec::new() };
    let list = value.get_ref().as_array().map_or(&[][..], |list| list);
    let texts: Option<Vec<_>> = list.iter().map(|item| item.get_ref().as_str()).collect();
    let texts = texts.filter(|texts| texts.len() <= limits::FACTS && value.get_ref().is_array());
    if texts.is_none() {
        let most = limits::FACTS;
        reader.add(value.span(), format!("{name:?} must be a list of at most {most} strings"));
    }
    texts.unwrap_or_default().into_iter().map(str::to_owned).collect()
}

fn unknown(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Vec<Fact> {
    let mut found = Vec::new();
    for (text, span) in reader.texts(table, "unknown").unwrap_or_default() {
        if let Some(fact) = Fact::ALL.into_iter().find(|fact| fact.name() == text) {
            found.push(fact);
        } else {
            let names = Fact::ALL.map(Fact::name).join(", ");
            reader.add(span, format!("{text:?} cannot be unknown; these can: {names}"));
        }
    }
    found
}

/// Reads the members of `as` from JSON.
pub fn facts_from_json(text: &str) -> Result<Facts, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut reader = Reader::new("");
    let tree = tree(&value).ok_or("JSON null has no meaning here; leave the member out")?;
    // Which providers exist does not matter for invented facts.
    let facts = read(&mut reader, &Providers::new(&[], &[]), &tree);
    let problems = reader.into_problems();
    let problems = problems.into_iter().map(|problem| problem.what).collect::<Vec<_>>();
    facts.filter(|_| problems.is_empty()).ok_or_else(|| problems.join("; "))
}

/// Returns JSON as a TOML value without positions, or `None` if it contains `null`.
fn tree(value: &Value) -> Option<Spanned<DeValue<'_>>> {
    let value = match value {
        Value::Null => return None,
        Value::Bool(flag) => DeValue::Boolean(*flag),
        Value::Number(_) => DeValue::Integer(DeInteger::default()),
        Value::String(text) => DeValue::String(DeString::Borrowed(text)),
        Value::Array(list) => {
            DeValue::Array(list.iter().map(tree).collect::<Option<DeArray<'_>>>()?)
        }
        Value::Object(members) => {
            let member =
                |(name, value)| Some((Spanned::new(0..0, DeString::Borrowed(name)), tree(value)?));
            let members: Option<Vec<_>> =
                members.iter().map(|(name, value)| member((name.as_str(), value))).collect();
            DeValue::Table(members?.into_iter().collect())
        }
    };
    Some(Spanned::new(0..0, value))
}
