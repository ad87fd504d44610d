//! An entry of a list of people, such as `team:github:acme/dev`.

use gateway_contract::servers::Place;

use super::{
    certainty::Certainty,
    evidence::{Evidence, folded},
};
use crate::model::CLIENT_PROVIDER;

/// An entry of `login.allow`, `login.deny`, a role, `who` or `not`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The entry as written.
    pub text: Box<str>,
    /// The position of the entry.
    pub place: Place,
    /// The people whom the entry means.
    pub people: People,
}

/// The people whom an entry means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum People {
    /// Everybody.
    All,
    /// Everybody of a provider.
    OfProvider(Box<str>),
    /// The person with an id.
    Id(Box<str>, Box<str>),
    /// The person who now has a login name.
    Login(Login),
    /// The people with a bare name: at GitHub, and with a login code.
    Bare(Box<str>),
    /// The members of an organization, whose name is folded.
    Org(Box<str>, Box<str>),
    /// The members of a team, whose name is folded.
    Team(Box<str>, Box<str>),
    /// The members of a group.
    Group(Box<str>, Box<str>),
    /// The owner of a verified e-mail address: provider, local part, folded domain.
    Email(Box<str>, Box<str>, Box<str>),
    /// The owners of verified e-mail addresses in a domain, which is folded.
    Domain(Box<str>, Box<str>),
    /// A client that acts for itself.
    Client(Box<str>),
    /// The members of a role, by its index.
    Role(usize),
}

/// A login name at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name of the provider.
    pub provider: Box<str>,
    /// The login name, folded if the provider ignores case.
    pub name: Box<str>,
    /// With `true`, the provider ignores the case of ASCII letters.
    pub folds: bool,
}

impl Who {
    /// Returns the certainty with which the entry means the person of `evidence`.
    #[must_use]
    pub fn means(&self, evidence: &Evidence<'_>) -> Certainty {
        match &self.people {
            People::All => Certainty::Yes,
            People::OfProvider(provider) => (evidence.provider() == &**provider).into(),
            People::Id(provider, id) => evidence.has_id(provider, id),
            People::Login(login) => login.means(evidence),
            People::Bare(name) => Certainty::any(
                ["github", "local"]
                    .into_iter()
                    .map(|provider| evidence.has_login(provider, |login| folded(login) == **name)),
            ),
            People::Org(provider, org) => evidence.is_in_org(provider, org),
            People::Team(provider, team) => evidence.is_in_team(provider, team),
            People::Group(provider, group) => evidence.is_in_group(provider, group),
            People::Email(provider, local, domain) => {
                evidence.has_email(provider, |own, of| own == &**local && of == &**domain)
            }
            People::Domain(provider, domain) => {
                evidence.has_email(provider, |_, of| of == &**domain)
            }
            People::Client(id) => evidence.has_id(CLIENT_PROVIDER, id),
            People::Role(index) => evidence.has_role(*index),
        }
    }
}

impl Login {
    fn means(&self, evidence: &Evidence<'_>) -> Certainty {
        evidence.has_login(&self.provider, |login| {
            if self.folds { folded(login) == *self.name } else { login == &*self.name }
        })
    }
}

/// Returns the certainty with which at least one of `list` means the person.
#[must_use]
pub(super) fn any_means(list: &[Who], evidence: &Evidence<'_>) -> Certainty {
    Certainty::any(list.iter().map(|who| who.means(evidence)))
}
