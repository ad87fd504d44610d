//! The servers that each provider states, and how they are merged into one catalogue.

use std::fmt;

use super::{Catalogue, McpServer, ServerName, TraefikRule, host_of};

/// The source of a server's definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// An entry of the file `MCP_SERVERS_FILE`.
    File,
    /// A Docker container, by its name.
    Container(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Container(name) => write!(f, "container {name}"),
        }
    }
}

/// A server with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The source of the definition.
    pub source: Source,
    /// The server as the source defines it.
    pub server: McpServer,
}

/// A problem of a definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The source of the faulty definition.
    pub source: Source,
    /// The description of the problem, for the log and `doctor`.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.problem)
    }
}

/// A Traefik router in the labels of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The container with the labels.
    pub source: Source,
    /// The server that the container defines, if any.
    pub server: Option<ServerName>,
    /// The name of the Traefik router.
    pub router: String,
    /// The rule that selects the router's requests.
    pub rule: TraefikRule,
}

/// The definitions of one provider, or of all providers together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The valid servers with their sources.
    pub offers: Vec<Offer>,
    /// The problems that keep servers out of the catalogue.
    pub mistakes: Vec<Mistake>,
    /// The labels that claim an address or a name of the gateway or of another server.
    pub claims: Vec<Mistake>,
    /// The labels that are ignored because they come from an image.
    pub ignored: Vec<Mistake>,
    /// The unknown keys of the file, which have no effect.
    pub unknown: Vec<Mistake>,
    /// The Traefik routers in the labels of containers.
    pub routes: Vec<Route>,
}

impl Listing {
    /// Merges `parts`. If two servers claim the same name or resource, the earlier one wins and the later
    /// one becomes a mistake. An identical definition, as of a second container of the same service, is
    /// no mistake.
    #[must_use]
    pub fn merged<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut whole = Self::default();
        for part in parts {
            for offer in &part.offers {
                match whole.rival(&offer.server) {
                    None => whole.offers.push(offer.clone()),
                    Some(rival) if rival.server == offer.server => {}
                    Some(rival) => {
                        let problem = conflict(&offer.server, rival);
                        whole.mistakes.push(Mistake { source: offer.source.clone(), problem });
                    }
                }
            }
            whole.mistakes.extend(part.mistakes.iter().cloned());
            whole.claims.extend(part.claims.iter().cloned());
            whole.ignored.extend(part.ignored.iter().cloned());
            whole.unknown.extend(part.unknown.iter().cloned());
            whole.routes.extend(part.routes.iter().cloned());
        }
        let foreign =
            whole.routes.iter().filter_map(|route| whole.claim(route)).collect::<Vec<_>>();
        whole.claims.extend(foreign);
        whole
    }

    /// Returns a mistake if `route` can match requests for a server of another source.
    fn claim(&self, route: &Route) -> Option<Mistake> {
        let foreign = self.offers.iter().find(|offer| {
            let (resource, server) = (&offer.server.resource, &offer.server.name);
            let host = host_of(resource.authority());
            offer.source != route.source
                && route.server.as_ref() != Some(server)
                && route.rule.can_match(host, Some(resource.path()))
        })?;
        let (name, owner) = (foreign.server.name.as_str(), &foreign.source);
        let problem = format!("router {} claims the address of {name} of {owner}", route.router);
        Some(Mistake { source: route.source.clone(), problem })
    }

    /// Returns the catalogue of the valid servers.
    #[must_use]
    pub fn catalogue(&self) -> Catalogue {
        Catalogue::new(self.offers.iter().map(|offer| offer.server.clone()).collect())
    }

    fn rival(&self, server: &McpServer) -> Option<&Offer> {
        self.offers.iter().find(|offer| {
            offer.server.name == server.name || offer.server.resource == server.resource
        })
    }
}

fn conflict(server: &McpServer, rival: &Offer) -> String {
    let name = server.name.as_str();
    if rival.server.name == server.name {
        format!("the name {name} is taken by {}", rival.source)
    } else {
        let other = rival.server.name.as_str();
        format!("{name}: {} is taken by {other} of {}", server.resource, rival.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Enforcer, ResourceUri, ServerName, ServerScopes};

    fn offer(source: Source, name: &str, resource: &str) -> Offer {
        let server = McpServer {
            name: ServerName::parse(name).unwrap(),
            title: name.into(),
            resource: ResourceUri::parse(resource).unwrap(),
            allow: None,
            scopes: ServerScopes::default(),
            enforcer: Enforcer::Verify,
            url: None,
        };
        Offer { source, server }
    }

    fn listing(offers: Vec<Offer>) -> Listing {
        Listing { offers, ..Listing::default() }
    }

    #[test]
    fn the_earlier_one_has_a_name_or_resource_and_the_later_is_told_by_name() {
        let box_of = |name: &str| Source::Container(name.into());
        let file = listing(vec![offer(Source::File, "time", "https://time.example/mcp")]);
        let docker = listing(vec![
            offer(box_of("a"), "time", "https://other.example/mcp"),
            offer(box_of("b"), "clock", "https://time.example/mcp"),
            offer(box_of("c"), "git", "https://git.example/mcp"),
            offer(box_of("c-2"), "git", "https://git.example/mcp"),
        ]);
        let whole = Listing::merged([&file, &docker]);
        let names: Vec<&str> =
            whole.offers.iter().map(|offer| offer.server.name.as_str()).collect();
        assert_eq!(names, ["time", "git"]);
        assert_eq!(whole.offers[0].source, Source::File);
        let told: Vec<String> = whole.mistakes.iter().map(Mistake::to_string).collect();
        assert_eq!(
            told,
            [
                "container a: the name time is taken by the file",
                "container b: clock: https://time.example/mcp is taken by time of the file",
            ]
        );
    }

    #[test]
    fn s3_a_route_to_the_address_of_another_server_is_a_claim() {
        let route = |container: &str, server: Option<&str>, rule: &str| Route {
            source: Source::Container(container.into()),
            server: server.and_then(ServerName::parse),
            router: "x".into(),
            rule: TraefikRule::parse(rule).unwrap(),
        };
        let at_time = "Host(`time.example`)";
        let listing = Listing {
            offers: vec![
                offer(Source::File, "notes", "https://gw.example:8443/notes/mcp"),
                offer(Source::Container("time".into()), "time", "https://time.example/mcp"),
            ],
            routes: vec![
                route("time", Some("time"), at_time),
                // This is the second container of a service.
                route("time-2", Some("time"), at_time),
                route("thief", None, at_time),
                route("thief", None, "Host(`gw.example`) && PathPrefix(`/notes/`)"),
                route("clock", Some("clock"), "Host(`gw.example`) && PathPrefix(`/clock/`)"),
            ],
            ..Listing::default()
        };
        let whole = Listing::merged([&listing]);
        let told: Vec<String> = whole.claims.iter().map(Mistake::to_string).collect();
        assert_eq!(
            told,
            [
                "container thief: router x claims the address of time of container time",
                "container thief: router x claims the address of notes of the file",
            ]
        );
    }
}
