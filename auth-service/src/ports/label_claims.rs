//! Labels of operators that claim what belongs to the gateway or to another server. They are obeyed, since
//! an operator may mean them; the log and the doctor name them.

use std::collections::{BTreeMap, HashMap};

use super::{
    docker_labels::COMPOSE_SERVICE,
    operator_labels::Labels,
    stated_server::{OWN_PATHS, Site},
};
use crate::model::{Listing, Mistake, Route, ServerName, Source, TraefikRule};

/// The entry points that only servers and the doctor reach.
pub const INNER_ENTRY_POINTS: [&str; 2] = ["inside", "traefik"];

/// auth-service itself, as `traefik/dynamic/routers.yml` names it.
const AUTH_SERVICE: &str = "auth@file";

/// The claims of all containers.
pub(super) struct Claims<'a> {
    site: &'a Site,
    /// Who stated a router, middleware or service first.
    objects: HashMap<String, (Owner, Source)>,
}

/// Containers of one service of Compose state the same.
type Owner = (Option<String>, String);

/// What labels state about a router.
#[derive(Default)]
struct Router<'a> {
    rule: Option<&'a str>,
    entry_points: Vec<&'a str>,
}

impl<'a> Claims<'a> {
    pub(super) fn new(site: &'a Site) -> Self {
        Self { site, objects: HashMap::new() }
    }

    /// Adds the routes and the claims of a container, which states `server`.
    pub(super) fn add(
        &mut self,
        labels: &Labels,
        source: &Source,
        server: Option<&ServerName>,
        listing: &mut Listing,
    ) {
        let labels: BTreeMap<String, &str> =
            labels.iter().map(|(key, value)| (key.to_lowercase(), value.trim())).collect();
        if !labels.get("traefik.enable").is_some_and(|value| is_true(value)) {
            return;
        }
        let mut claims = internal(&labels);
        claims.extend(self.foreign_objects(&labels, source));
        let mut routers = routers(&labels);
        if !routers.keys().any(|(protocol, _)| *protocol == "http") {
            routers.insert(("http", "by default"), Router::default());
        }
        for ((_, name), router) in routers {
            for entry_point in &router.entry_points {
                if INNER_ENTRY_POINTS.iter().any(|inner| inner.eq_ignore_ascii_case(entry_point)) {
                    claims.push(format!("router {name} is on the inner entry point {entry_point}"));
                }
            }
            match router.rule.map(TraefikRule::parse) {
                None => {
                    let host = self.default_host(&labels, source);
                    if self.site.is_login_host(&host) {
                        claims.push(format!("router {name} claims the login host {host}"));
                    }
                }
                // Traefik cannot read it either.
                Some(None) => {}
                Some(Some(rule)) => {
                    if self.claims_login(&rule) {
                        let host = self.site.login_host();
                        claims.push(format!("router {name} claims the login host {host}"));
                    }
                    let (source, server) = (source.clone(), server.cloned());
                    listing.routes.push(Route { source, server, router: name.to_owned(), rule });
                }
            }
        }
        let claim = |problem| Mistake { source: source.clone(), problem };
        listing.claims.extend(claims.into_iter().map(claim));
    }

    /// With one DNS name, servers share the login host, but not its paths.
    fn claims_login(&self, rule: &TraefikRule) -> bool {
        let host = self.site.login_host();
        if self.site.shares_login_host() {
            let paths = OWN_PATHS.iter().map(|path| format!("/{path}"));
            return paths.chain(["/".to_owned()]).any(|path| rule.can_match(host, Some(&path)));
        }
        rule.can_match(host, None)
    }

    /// The host of the rule that `traefik/traefik.yml` has for routers without one.
    fn default_host(&self, labels: &BTreeMap<String, &str>, source: &Source) -> String {
        let name = labels.get("mcp.name").or_else(|| labels.get(COMPOSE_SERVICE));
        match (name, source) {
            (Some(name), _) => self.site.host_of(name),
            (None, Source::Container(name)) => self.site.host_of(name),
            (None, Source::File) => String::new(),
        }
    }

    /// What another container states under the same name: Traefik merges services and refuses both routers.
    fn foreign_objects(&mut self, labels: &BTreeMap<String, &str>, source: &Source) -> Vec<String> {
        let text = |key: &str| labels.get(key).map(|value| (*value).to_owned());
        let service = text(COMPOSE_SERVICE).unwrap_or_else(|| source.to_string());
        let owner = (text("com.docker.compose.project"), service);
        let mut foreign = Vec::new();
        for key in labels.keys() {
            let mut parts = key.split('.');
            let ("traefik", Some(protocol @ ("http" | "tcp" | "udp")), Some(kind), Some(name)) =
                (parts.next().unwrap_or(""), parts.next(), parts.next(), parts.next())
            else {
                continue;
            };
            let object = format!("traefik.{protocol}.{kind}.{name}");
            match self.objects.get(&object) {
                None => drop(self.objects.insert(object, (owner.clone(), source.clone()))),
                Some((other, _)) if *other == owner => {}
                Some((_, first)) => {
                    let claim = format!("{object} is the name that {first} has");
                    if !foreign.contains(&claim) {
                        foreign.push(claim);
                    }
                }
            }
        }
        foreign
    }
}

/// Traefik's own services, and auth-service, in whatever label they are named.
fn internal(labels: &BTreeMap<String, &str>) -> Vec<String> {
    let of_traefik = labels.iter().filter(|(key, _)| key.starts_with("traefik."));
    let claims = of_traefik.filter_map(|(key, value)| {
        let mut words = value.split([',', ' ']).map(str::trim);
        let taken = words.find(|word| word.ends_with("@internal") || *word == AUTH_SERVICE)?;
        Some(format!("{key} publishes {taken}"))
    });
    claims.collect()
}

/// The routers by protocol and name.
fn routers<'a>(labels: &'a BTreeMap<String, &str>) -> BTreeMap<(&'a str, &'a str), Router<'a>> {
    let mut routers: BTreeMap<_, Router<'_>> = BTreeMap::new();
    for (key, value) in labels {
        let Some((protocol, rest)) = key.strip_prefix("traefik.").and_then(|it| it.split_once('.'))
        else {
            continue;
        };
        let Some((name, option)) = rest.strip_prefix("routers.").and_then(|it| it.split_once('.'))
        else {
            continue;
        };
        let router = routers.entry((protocol, name)).or_default();
        match option {
            "rule" => router.rule = Some(value),
            // A list, or an entry of one: `entrypoints[0]`.
            option if option == "entrypoints" || option.starts_with("entrypoints[") => {
                router.entry_points.extend(value.split(',').map(str::trim));
            }
            _ => {}
        }
    }
    routers
}

/// As Go's `strconv.ParseBool`, which Traefik uses.
fn is_true(value: &str) -> bool {
    ["1", "t", "T", "TRUE", "true", "True"].contains(&value)
}

#[cfg(test)]
mod tests;
