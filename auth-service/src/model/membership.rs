//! Memberships in the organizations and teams of GitHub that the access policy names.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The answer of a provider about one organization or team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// The person is a member.
    Member,
    /// The person is not a member. An invitation that was not accepted is no membership.
    NotMember,
    /// The provider did not say.
    Unknown,
}

/// The memberships of a person, as far as they were asked for. Names are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memberships {
    /// The organizations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub orgs: BTreeMap<String, Membership>,
    /// The teams, as `ORG/TEAM`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<String, Membership>,
}

/// The facts that the access policy needs from one provider, besides the id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedFacts {
    /// The organizations, in lower case.
    pub orgs: BTreeSet<String>,
    /// The teams as `ORG/TEAM`, in lower case.
    pub teams: BTreeSet<String>,
    /// `true` if a rule names groups.
    pub groups: bool,
    /// `true` if a rule names an e-mail address or domain.
    pub email: bool,
    /// `true` if a rule names a login name of an OpenID provider, or everybody of one, so that an account
    /// that is closed must be noticed.
    pub account: bool,
}

impl WantedFacts {
    /// Returns `true` if nothing is needed that changes, so that no token of the provider has to be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
