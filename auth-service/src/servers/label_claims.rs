//! Detection of operators' labels that claim resources of the gateway or of another server. Such
//! labels still apply, because they may be intended; the log and the doctor report them.

use std::collections::{BTreeMap, HashMap};

use super::{
    docker_labels::COMPOSE_SERVICE,
    operator_labels::Labels,
    stated_server::{OWN_PATHS, Site},
};
use crate::model::{Listing, Mistake, Route, ServerName, Source, TraefikRule};

/// The Traefik entry points that only servers and the doctor can reach.
pub const INNER_ENTRY_POINTS: [&str; 2] = ["inside", "traefik"];

/// The Traefik service of auth-service itself, from `traefik/dynamic/routers.yml`.
const AUTH_SERVICE: &str = "auth@file";

/// The collector of the claims of all containers.
pub(super) struct LabelClaims<'a> {
    site: &'a Site,
    /// The first owner of each router, middleware and service.
    objects: HashMap<String, Definition>,
}

/// The first definition of a router, middleware or service.
struct Definition {
    service: ComposeService,
    source: Source,
}

/// A Compose service, whose containers share the same labels.
#[derive(Clone, PartialEq, Eq)]
struct ComposeService {
    project: Option<String>,
    name: String,
}

/// The options of a router that matter for claims.
#[derive(Default)]
struct Router<'a> {
    rule: Option<&'a str>,
    entry_points: Vec<&'a str>,
}

impl<'a> LabelClaims<'a> {
    pub(super) fn new(site: &'a Site) -> Self {
        Self { site, objects: HashMap::new() }
    }

    /// Adds the routes and the claims of a container to `listing`. `server` is the server that its
    /// labels define, if they define one.
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
                // Traefik rejects this rule as well.
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

    /// Returns `true` if `rule` can match requests for the authorization server. With path-based
    /// URLs, servers share the login host, but not its paths.
    fn claims_login(&self, rule: &TraefikRule) -> bool {
        let host = self.site.login_host();
        if self.site.shares_login_host() {
            let paths = OWN_PATHS.iter().map(|path| format!("/{path}"));
            return paths.chain(["/".to_owned()]).any(|path| rule.can_match(host, Some(&path)));
        }
        rule.can_match(host, None)
    }

    /// Returns the host of the default rule in `traefik/traefik.yml`, for routers without a rule.
    fn default_host(&self, labels: &BTreeMap<String, &str>, source: &Source) -> String {
        let name = labels.get("mcp.name").or_else(|| labels.get(COMPOSE_SERVICE));
        match (name, source) {
            (Some(name), _) => self.site.host_of(name),
            (None, Source::Container(name)) => self.site.host_of(name),
            (None, Source::File) => String::new(),
        }
    }

    /// Returns claims on names that another container has already defined: Traefik merges services
    /// with the same name, and rejects both routers with the same name.
    fn foreign_objects(&mut self, labels: &BTreeMap<String, &str>, source: &Source) -> Vec<String> {
        let text = |key: &str| labels.get(key).map(|value| (*value).to_owned());
        let service = ComposeService {
            project: text("com.docker.compose.project"),
            name: text(COMPOSE_SERVICE).unwrap_or_else(|| source.to_string()),
        };
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
                None => {
                    let (service, source) = (service.clone(), source.clone());
                    self.objects.insert(object, Definition { service, source });
                }
                Some(first) if first.service == service => {}
                Some(first) => {
                    let claim = format!("{object} is already defined by {}", first.source);
                    if !foreign.contains(&claim) {
                        foreign.push(claim);
                    }
                }
            }
        }
        foreign
    }
}

/// Returns claims on internal services of Traefik, and on auth-service, in any label.
fn internal(labels: &BTreeMap<String, &str>) -> Vec<String> {
    let of_traefik = labels.iter().filter(|(key, _)| key.starts_with("traefik."));
    let claims = of_traefik.filter_map(|(key, value)| {
        let mut words = value.split([',', ' ']).map(str::trim);
        let taken = words.find(|word| word.ends_with("@internal") || *word == AUTH_SERVICE)?;
        Some(format!("{key} publishes {taken}"))
    });
    claims.collect()
}

/// Collects the routers in `labels`, by protocol and name.
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

/// Parses a boolean like Go's `strconv.ParseBool`, which Traefik uses.
fn is_true(value: &str) -> bool {
    ["1", "t", "T", "TRUE", "true", "True"].contains(&value)
}

#[cfg(test)]
mod tests;
