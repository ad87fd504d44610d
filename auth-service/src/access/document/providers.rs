//! The login providers that entries may name. Their full settings are read by `config`.

use gateway_contract::servers::Place;
use serde::Deserialize;
use toml::de::{DeTable, ValueDeserializer};

use super::reader::Reader;
use crate::model::CLIENT_PROVIDER;

/// A login provider, as far as the policy needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The name, which subjects begin with.
    pub name: String,
    /// The protocol.
    pub kind: ProviderKind,
    /// With `true`, the provider guarantees that nobody takes the login name of another person.
    pub unique_names: bool,
}

/// The protocol of a login provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// GitHub, or a GitHub Enterprise Server.
    Github,
    /// OpenID Connect.
    Oidc,
    /// Login codes of the operator, and clients that act for themselves.
    BuiltIn,
}

/// A table `[provider.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderTable {
    /// The position of the table.
    pub place: Place,
    /// The part of the table that the policy needs.
    pub provider: Provider,
    /// The whole table.
    pub table: toml::Table,
}

/// Names that would make an entry such as `group:*` ambiguous.
const RESERVED: [&str; 10] =
    [CLIENT_PROVIDER, "local", "id", "login", "group", "org", "team", "email", "domain", "role"];

/// Returns the tables `[provider.NAME]`.
pub(super) fn tables(reader: &mut Reader<'_>, root: &DeTable<'_>) -> Vec<ProviderTable> {
    let mut found = Vec::new();
    for (name, value) in reader.table(root, "provider").into_iter().flat_map(DeTable::iter) {
        let name_text = name.get_ref().as_ref();
        let Some(table) = value.get_ref().as_table() else {
            reader.add(value.span(), format!("write [provider.{name_text}], a table"));
            continue;
        };
        if let Err(what) = check_name(name_text) {
            reader.add(name.span(), what);
        }
        let whole = toml::Table::deserialize(ValueDeserializer::from(value.clone()));
        match (typed(name_text, table), whole) {
            (Err(what), _) => reader.add(value.span(), what),
            (_, Err(error)) => reader.add(value.span(), error.message().to_owned()),
            (Ok(provider), Ok(table)) => {
                let place = reader.place(value.span().start);
                found.push(ProviderTable { place, provider, table });
            }
        }
    }
    found
}

/// Reads the part of a table that the policy needs. The typed form of all settings takes this function's place.
fn typed(name: &str, table: &DeTable<'_>) -> Result<Provider, String> {
    let kind = table.get("kind").map(|value| value.get_ref().as_str());
    let kind = match kind {
        Some(Some("github")) => ProviderKind::Github,
        Some(Some("oidc")) => ProviderKind::Oidc,
        None if name != "github" => ProviderKind::Oidc,
        None => return Err("the provider \"github\" must have kind = \"github\"".to_owned()),
        Some(_) => return Err("\"kind\" must be \"oidc\" or \"github\"".to_owned()),
    };
    if name == "github" && kind != ProviderKind::Github {
        return Err("only a provider with kind = \"github\" may be named \"github\"".to_owned());
    }
    let unique_names = match table.get("unique_names").map(|value| value.get_ref().as_bool()) {
        None => false,
        Some(Some(flag)) => flag,
        Some(None) => return Err("\"unique_names\" must be true or false".to_owned()),
    };
    Ok(Provider { name: name.to_owned(), kind, unique_names })
}

fn check_name(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if RESERVED.contains(&name) {
        return Err(format!("{name:?} has a meaning of its own; choose another provider name"));
    }
    if !(1..=32).contains(&name.len()) || !name.bytes().all(plain) {
        let rule = "must be 1 to 32 lower-case letters, digits and hyphens";
        return Err(format!("the provider name {name:?} {rule}"));
    }
    Ok(())
}

/// The providers that entries may name.
#[derive(Clone, Debug)]
pub(in crate::access) struct Providers {
    known: Vec<Provider>,
    /// With `false`, no provider is declared anywhere, and entries may name others.
    is_complete: bool,
}

impl Providers {
    /// Joins the built-in providers, those of variables, and those of the file.
    pub(in crate::access) fn new(outside: &[Provider], tables: &[ProviderTable]) -> Self {
        let own = tables.iter().map(|table| &table.provider);
        let mut known: Vec<Provider> = outside.iter().chain(own).cloned().collect();
        let is_complete = !known.is_empty();
        let built_in = |name: &str, kind| {
            let name = name.to_owned();
            Provider { name, kind, unique_names: true }
        };
        known.push(built_in("local", ProviderKind::BuiltIn));
        known.push(built_in(CLIENT_PROVIDER, ProviderKind::BuiltIn));
        known.push(built_in("github", ProviderKind::Github));
        Self { known, is_complete }
    }

    /// Returns the provider `name`, or `None` if it may be declared elsewhere. Fails if it does not exist.
    pub(in crate::access) fn find(&self, name: &str) -> Result<Option<&Provider>, String> {
        let found = self.known.iter().find(|provider| provider.name == name);
        if found.is_some() || (!self.is_complete && check_name(name).is_ok()) {
            return Ok(found);
        }
        let names = self.known.iter().map(|provider| provider.name.as_str());
        let names = names.collect::<Vec<_>>().join(", ");
        Err(format!("there is no provider {name:?}; the providers are {names}"))
    }
}
