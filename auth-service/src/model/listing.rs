//! What the providers of servers say, and what it comes to together.

use std::fmt;

use super::{Catalogue, McpServer};

/// Who names a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// `MCP_SERVERS_FILE`.
    File,
    /// A container, by its name.
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

/// A server, and who names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who.
    pub source: Source,
    /// What.
    pub server: McpServer,
}

/// Why something is not in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Who named it.
    pub source: Source,
    /// What is wrong, in words.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.problem)
    }
}

/// What one provider says, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Servers.
    pub offers: Vec<Offer>,
    /// What could have been one.
    pub mistakes: Vec<Mistake>,
}

impl Listing {
    /// What `parts` say together. Of two that claim one name or one resource the earlier has it and
    /// the later is a mistake; the same server once more, as of a second container of one service,
    /// is none.
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
        }
        whole
    }

    /// The servers alone.
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
        };
        Offer { source, server }
    }

    fn listing(offers: Vec<Offer>) -> Listing {
        Listing { offers, mistakes: Vec::new() }
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
}
