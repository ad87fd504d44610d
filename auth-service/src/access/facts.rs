//! The facts about a person that the rules ask for.

use std::fmt;

use crate::model::CLIENT_PROVIDER;

/// The facts about a person, or about a client that acts for itself, as far as they are known.
///
/// A list that is a part of the truth, because the provider withheld the rest, stands here together with its
/// [`Fact`] in `unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The name of the login provider, or `client`.
    pub provider: String,
    /// The stable id at the provider. With `None`, it is unknown.
    pub id: Option<String>,
    /// The login name. With `None`, there is no name, unless it is in `unknown`.
    pub login: Option<String>,
    /// The GitHub organizations.
    pub orgs: Vec<String>,
    /// The GitHub teams, as `ORG/TEAM`.
    pub teams: Vec<String>,
    /// The groups that an OpenID provider states.
    pub groups: Vec<String>,
    /// The e-mail address, if the provider verified it.
    pub verified_email: Option<String>,
    /// The id of the OAuth client in use.
    pub client: Option<String>,
    /// The kinds of facts that are unknown, wholly or in part.
    pub unknown: Vec<Fact>,
}

/// A kind of fact that may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The stable id.
    Id,
    /// The login name.
    Login,
    /// The organizations.
    Orgs,
    /// The teams.
    Teams,
    /// The groups.
    Groups,
    /// The verified e-mail address.
    VerifiedEmail,
    /// The client in use.
    Client,
}

impl Fact {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Id,
        Self::Login,
        Self::Orgs,
        Self::Teams,
        Self::Groups,
        Self::VerifiedEmail,
        Self::Client,
    ];

    /// Returns the name, which is also the key of the fact in a test.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Login => "login",
            Self::Orgs => "orgs",
            Self::Teams => "teams",
            Self::Groups => "groups",
            Self::VerifiedEmail => "verified_email",
            Self::Client => "client",
        }
    }
}

impl Facts {
    /// Creates the facts of a person of whom only the provider and the id are known.
    #[must_use]
    pub fn only_id(provider: &str, id: &str) -> Self {
        let known = |fact: &Fact| {
            *fact != Fact::Id && (provider != CLIENT_PROVIDER || *fact != Fact::Client)
        };
        let facts = Self {
            provider: provider.to_owned(),
            id: Some(id.to_owned()),
            unknown: Fact::ALL.into_iter().filter(known).collect(),
            ..Self::default()
        };
        facts.with_own_client()
    }

    /// Returns the facts with the client in use, which for a client that acts for itself is that client.
    #[must_use]
    pub fn with_own_client(mut self) -> Self {
        if self.provider == CLIENT_PROVIDER && self.client.is_none() {
            self.client.clone_from(&self.id);
        }
        self
    }

    /// Returns `true` if `fact` is unknown, wholly or in part.
    #[must_use]
    pub fn lack(&self, fact: Fact) -> bool {
        self.unknown.contains(&fact) || (fact == Fact::Id && self.id.is_none())
    }
}

/// Writes the person and the known facts in one line.
impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.provider, self.id.as_deref().unwrap_or("?"))?;
        let texts = [
            ("login", &self.login),
            ("verified e-mail", &self.verified_email),
            ("client", &self.client),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                write!(f, "; {name} {}", text.escape_debug())?;
            }
        }
        for (name, list) in [("orgs", &self.orgs), ("teams", &self.teams), ("groups", &self.groups)]
        {
            if !list.is_empty() {
                write!(f, "; {name} {}", list.join(", ").escape_debug())?;
            }
        }
        if !self.unknown.is_empty() {
            let names = self.unknown.iter().map(|fact| fact.name());
            write!(f, "; unknown: {}", names.collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}
