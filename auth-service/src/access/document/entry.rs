//! The parser of entries that name people.

use std::collections::BTreeMap;

use gateway_contract::spelling::near;

use super::providers::{Provider, ProviderKind, Providers};
use crate::{
    access::{
        evidence::folded,
        who::{Login, People},
    },
    model::CLIENT_PROVIDER,
};

/// The first words of entries.
const KINDS: [&str; 9] =
    ["id", "login", "group", "org", "team", "email", "domain", CLIENT_PROVIDER, "role"];

/// Parses an entry. Fails with a message that names the entry.
pub(in crate::access) fn parse(
    text: &str,
    providers: &Providers,
    roles: &BTreeMap<String, usize>,
) -> Result<People, String> {
    let parser = Parser { providers, roles };
    parser.people(text).map_err(|what| format!("entry {text:?}: {what}"))
}

struct Parser<'a> {
    providers: &'a Providers,
    roles: &'a BTreeMap<String, usize>,
}

impl Parser<'_> {
    fn people(&self, text: &str) -> Result<People, String> {
        if text == "*" {
            return Ok(People::All);
        }
        let Some((kind, rest)) = text.split_once(':') else {
            if text.contains('@') {
                return Err("write email:PROVIDER:ADDRESS".to_owned());
            }
            return Ok(People::Bare(folded(plain(text, "a login name")?).into()));
        };
        match kind {
            "role" => self.role(rest),
            CLIENT_PROVIDER if rest == "*" => Ok(People::OfProvider(kind.into())),
            CLIENT_PROVIDER => Ok(People::Client(printable(rest, "a client id")?.into())),
            kind if KINDS.contains(&kind) => self.fact(kind, rest),
            provider => self.of_provider(provider, rest),
        }
    }

    fn role(&self, name: &str) -> Result<People, String> {
        let Some(index) = self.roles.get(name) else {
            let meant = near(name, self.roles.keys().map(String::as_str));
            let help = meant.map(|meant| format!("; did you mean {meant:?}?"));
            return Err(format!("there is no role {name:?}{}", help.unwrap_or_default()));
        };
        Ok(People::Role(*index))
    }

    /// Parses `PROVIDER:*`, and the forms of the older lists: `github:NAME`, `github:NUMBER`, and the same for
    /// login codes.
    fn of_provider(&self, provider: &str, rest: &str) -> Result<People, String> {
        if rest == "*" {
            self.providers.find(provider)?;
            return Ok(People::OfProvider(provider.into()));
        }
        if !matches!(provider, "github" | "local") {
            if let Some(meant) = near(provider, KINDS.into_iter()) {
                return Err(format!("did you mean \"{meant}:{rest}\"?"));
            }
            let kinds = KINDS.join(", ");
            return Err(format!("write {provider}:*, or begin with one of {kinds}"));
        }
        if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(People::Id(provider.into(), rest.into()));
        }
        self.login(provider, rest)
    }

    /// Parses `KIND:PROVIDER:VALUE`.
    fn fact(&self, kind: &str, rest: &str) -> Result<People, String> {
        let Some((name, value)) = rest.split_once(':') else {
            return Err(format!("write {kind}:PROVIDER:VALUE"));
        };
        let provider = self.providers.find(name)?;
        let boxed: Box<str> = name.into();
        match kind {
            "id" => Ok(People::Id(boxed, printable(value, "an id")?.into())),
            "login" => self.login(name, value),
            "group" if value.is_empty() => Err("the group is missing".to_owned()),
            "group" => Ok(People::Group(boxed, value.into())),
            "org" => {
                of_github(provider)?;
                let org = plain(value, "an organization")?;
                if org.contains('/') {
                    return Err(format!("write team:{name}:{value} for a team"));
                }
                Ok(People::Org(boxed, folded(org).into()))
            }
            "team" => {
                of_github(provider)?;
                let is_team = |(org, team): (&str, &str)| {
                    !org.is_empty() && !team.is_empty() && !team.contains('/')
                };
                if !value.split_once('/').is_some_and(is_team) {
                    return Err(format!("write team:{name}:ORG/TEAM"));
                }
                Ok(People::Team(boxed, folded(plain(value, "a team")?).into()))
            }
            "email" => {
                let parts = value.split_once('@').filter(|(local, domain)| {
                    !local.is_empty() && !domain.contains('@') && !has_blank(local)
                });
                let (local, domain) = parts.ok_or("an address must have exactly one \"@\"")?;
                if local.contains('*') {
                    return Err("\"*\" is not a wildcard here".to_owned());
                }
                Ok(People::Email(boxed, local.into(), self::domain(domain)?))
            }
            _ => Ok(People::Domain(boxed, domain(value)?)),
        }
    }

    fn login(&self, name: &str, login: &str) -> Result<People, String> {
        let provider = self.providers.find(name)?;
        let is_unique = provider
            .is_some_and(|provider| provider.unique_names || provider.kind == ProviderKind::Github);
        if !is_unique || name == CLIENT_PROVIDER {
            let why = "somebody else can take a login name there";
            return Err(format!("{why}; write id:{name}:ID, or set unique_names for it"));
        }
        // GitHub and login codes ignore the case of names, so a list that does not would miss people.
        let folds = provider.is_some_and(|provider| provider.kind != ProviderKind::Oidc);
        if folds && login.contains(':') {
            return Err("a login name there has no colon".to_owned());
        }
        let login = plain(login, "a login name")?;
        let login = if folds { folded(login) } else { login.into() };
        Ok(People::Login(Login { provider: name.into(), name: login.into(), folds }))
    }
}

fn of_github(provider: Option<&Provider>) -> Result<(), String> {
    if provider.is_some_and(|provider| provider.kind != ProviderKind::Github) {
        return Err("only GitHub has organizations and teams; write group:…".to_owned());
    }
    Ok(())
}

fn has_blank(text: &str) -> bool {
    text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Returns `text` if it can be a name: printable ASCII without blanks and without `*`.
fn plain<'a>(text: &'a str, what: &str) -> Result<&'a str, String> {
    if text.is_empty() {
        return Err(format!("{what} is missing"));
    }
    if text.contains('*') {
        return Err(format!("\"*\" is not a wildcard in {what}"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("{what} must be ASCII without blanks"));
    }
    Ok(text)
}

/// Returns `text` if it can be an id: printable ASCII without blanks at the ends.
fn printable<'a>(text: &'a str, what: &str) -> Result<&'a str, String> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.trim() == text;
    if text.is_empty() || !is_plain {
        return Err(format!("{what} must be printable ASCII without blanks at the ends"));
    }
    Ok(text)
}

fn domain(text: &str) -> Result<Box<str>, String> {
    let domain = plain(text, "a domain")?;
    if domain.contains('@') || domain.split('.').any(str::is_empty) {
        return Err("a domain has no \"@\", and no dot at its ends".to_owned());
    }
    Ok(folded(domain).into())
}
