//! Parser of a server from the labels of its container. The labels have the prefix `mcp.` and the
//! names of the gateway's keys in the servers file. Keys are case-insensitive, like those of
//! Traefik.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::de::DeserializeOwned;

use super::{
    stated_scopes::StatedTools,
    stated_server::{Site, StatedServer, server_name},
};
use crate::model::{AllowList, McpServer, ServerName, TraefikRule};

const PREFIX: &str = "mcp.";

/// The label that contains the Compose service name of a container.
pub(super) const COMPOSE_SERVICE: &str = "com.docker.compose.service";

/// Reads the server from the labels of `container`. Returns `None` if the container has no `mcp.`
/// labels, or if `mcp.enable` is `false`.
pub(super) fn read(
    labels: &HashMap<String, String>,
    container: &str,
    site: &Site,
) -> Option<Result<McpServer, String>> {
    let labels: BTreeMap<String, &str> =
        labels.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.trim())).collect();
    let mut ours = labels.range(PREFIX.to_owned()..).take_while(|(key, _)| key.starts_with(PREFIX));
    let first = ours.next()?.0;
    match labels.get("mcp.enable").map(|value| value.to_ascii_lowercase()).as_deref() {
        Some("true") => Some(server(&labels, container, site)),
        Some("false") => None,
        Some(_) => Some(Err("mcp.enable must be true or false".to_owned())),
        None => Some(Err(format!("{first} is set without mcp.enable=true"))),
    }
}

fn server(
    labels: &BTreeMap<String, &str>,
    container: &str,
    site: &Site,
) -> Result<McpServer, String> {
    let mut stated = StatedServer::native();
    let service = labels.get("mcp.name").or_else(|| labels.get(COMPOSE_SERVICE));
    let name = service.copied().unwrap_or(container);
    let name = server_name(name).map_err(|problem| format!("{name}: {problem}: set mcp.name"))?;
    for (key, value) in labels {
        let Some(key) = key.strip_prefix(PREFIX) else { continue };
        let wrong = |problem: String| format!("mcp.{key}: {problem}");
        match key {
            "enable" | "name" => {}
            "title" => stated.title = Some((*value).to_owned()),
            "resource" => stated.resource = Some((*value).to_owned()),
            "allow" => {
                let users = value.split(',').map(|user| user.trim().to_owned());
                stated.allow =
                    Some(AllowList::new(users.filter(|user| !user.is_empty()).collect()));
            }
            "scopes" => stated.scopes = Some(words(value)),
            "scopedetails" => stated.details = json(value).map_err(wrong)?,
            "tools" => stated.tools = tools(value).map_err(wrong)?,
            "checksheaders" => stated.checks_headers = json(value).map_err(wrong)?,
            // A misspelt rule would not be enforced.
            _ => return Err(wrong("unknown label".to_owned())),
        }
    }
    if stated.resource.is_none() {
        stated.resource = routed(labels, &name, site)?;
    }
    stated.into_server(name, site)
}

/// Derives the URL from the router rules in Traefik's labels. Returns `None` if there is no rule,
/// in which case Traefik uses its default rule.
fn routed(
    labels: &BTreeMap<String, &str>,
    name: &ServerName,
    site: &Site,
) -> Result<Option<String>, String> {
    let mut hosts = BTreeSet::new();
    let mut rules = 0;
    for (key, rule) in labels {
        let router = key.strip_prefix("traefik.http.routers.");
        let Some(router) = router.and_then(|rest| rest.strip_suffix(".rule")) else { continue };
        let named = TraefikRule::parse(rule).map(|rule| rule.hosts());
        let named = named.ok_or_else(|| {
            format!("the rule of Traefik's router {router} cannot be read: set mcp.resource")
        })?;
        hosts.extend(named);
        rules += 1;
    }
    match (rules, hosts.len(), hosts.first()) {
        (0, ..) => Ok(None),
        (_, 1, Some(host)) => Ok(Some(site.url_at(host, name))),
        (_, 0, _) => Err("Traefik's rules name no host: set mcp.resource".to_owned()),
        _ => {
            let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
            Err(format!(
                "Traefik's rules name several hosts, {}: set mcp.resource",
                hosts.join(", ")
            ))
        }
    }
}

/// Parses tool rules, either as JSON, like `tools` in the file, or as a list of `pattern=scope`.
fn tools(value: &str) -> Result<StatedTools, String> {
    if value.starts_with(['{', '[']) {
        let stated: BTreeMap<String, serde_json::Value> = json(value)?;
        if stated.keys().any(|key| key != "scopes") {
            // Allow and deny lists are enforced by the proxy, which does not read labels.
            return Err("only scopes can be set in a label".to_owned());
        }
        return json(value);
    }
    let rules = words(value).into_iter().map(|rule| {
        let (pattern, scope) =
            rule.split_once('=').ok_or_else(|| format!("\"{rule}\" is not pattern=scope"))?;
        Ok((pattern.to_owned(), scope.to_owned()))
    });
    Ok(StatedTools::Rules { scopes: rules.collect::<Result<_, String>>()? })
}

/// Splits a list at white space and commas.
fn words(value: &str) -> Vec<String> {
    let words = value.split(|c: char| c == ',' || c.is_whitespace());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn json<T: DeserializeOwned>(value: &str) -> Result<T, String> {
    serde_json::from_str(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
