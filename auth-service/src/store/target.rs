//! The targets of revocations: their generations, their indexes, and their names in the queue.

use super::key::Key;
use crate::model::{ClientId, ResourceUri, UnixTime};

/// The records that a revocation selects, by their owner or their age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A person, by subject or login name.
    User(String),
    /// A client.
    Client(ClientId),
    /// A person's records at one client.
    Pair(String, ClientId),
    /// A server.
    Server(ResourceUri),
    /// Grants from before this time, and all other records.
    Before(UnixTime),
    /// All records.
    All,
}

impl Target {
    /// Returns the name in the queue.
    pub(super) fn name(&self) -> String {
        match self {
            Self::User(name) => format!("user\n{name}"),
            Self::Client(id) => format!("client\n{id}"),
            Self::Pair(name, id) => format!("pair\n{name}\n{id}"),
            Self::Server(uri) => format!("server\n{uri}"),
            Self::Before(end) => format!("before\n{}", end.0),
            Self::All => "all".to_owned(),
        }
    }

    /// Parses a name in the queue. Returns `None` for one of a later version.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (kind, rest) = name.split_once('\n').unwrap_or((name, ""));
        Some(match kind {
            "user" => Self::User(rest.to_owned()),
            "client" => Self::Client(ClientId::parsed(rest)),
            "pair" => {
                let (name, id) = rest.rsplit_once('\n')?;
                Self::Pair(name.to_owned(), ClientId::parsed(id))
            }
            "server" => Self::Server(ResourceUri::parse(rest).ok()?),
            "before" => Self::Before(UnixTime(rest.parse().ok()?)),
            "all" => Self::All,
            _ => return None,
        })
    }

    /// Returns the keys that a revocation raises, each with the new value.
    pub(super) fn generations(&self, generation: u64) -> Vec<(String, String)> {
        let value = generation.to_string();
        match self {
            Self::User(name) => people(name)
                .iter()
                .map(|name| (Key::GenerationOfUser(name).text(), value.clone()))
                .collect(),
            Self::Pair(name, client) => people(name)
                .iter()
                .map(|name| (Key::GenerationOfPair(name, client).text(), value.clone()))
                .collect(),
            Self::Client(id) => vec![(Key::GenerationOfClient(id).text(), value)],
            Self::Server(uri) => vec![(Key::GenerationOfServer(uri).text(), value)],
            Self::Before(end) => vec![
                (Key::GenerationOfFlows.text(), value),
                (Key::RevokedBefore.text(), end.0.to_string()),
            ],
            Self::All => vec![(Key::GenerationOfAll.text(), value)],
        }
    }
}

/// Returns the day of a time, in days since 1970.
pub(super) const fn day_of(time: UnixTime) -> i64 {
    time.0.div_euclid(86_400)
}

/// Returns the names of people that `name` may mean: a subject, and a login name.
fn people(name: &str) -> Vec<String> {
    let login = name.to_ascii_lowercase();
    let subject = (login != name).then(|| name.to_owned());
    subject.into_iter().chain([login]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_back_by_its_name() {
        let client = || ClientId::parsed("https://client.example/id");
        for target in [
            Target::User("github:1".into()),
            Target::Client(client()),
            Target::Pair("Alice".into(), client()),
            Target::Server(ResourceUri::parse("https://time.example/mcp").unwrap()),
            Target::Before(UnixTime(-5)),
            Target::All,
        ] {
            assert_eq!(Target::parse(&target.name()), Some(target));
        }
        assert_eq!(Target::parse("planet\nX"), None);
        assert_eq!(Target::parse("pair\nX"), None);
    }
}
