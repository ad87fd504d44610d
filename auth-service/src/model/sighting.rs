//! Facts about a person, as a login provider states them at a login and at each later check.

use std::collections::BTreeSet;

use super::{membership::Memberships, provider::ProviderName, provider_token::ProviderToken};

/// The facts that a provider stated about one person at one time.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The provider that stated the facts. They mean nothing without it.
    pub provider: ProviderName,
    /// The stable id of the person at the provider, as [`stable_id`](super::stable_id) returns it.
    pub id: String,
    /// The login name. It can be changed, and is unique only at some providers.
    pub login: Option<String>,
    /// The name for display.
    pub display_name: Option<String>,
    /// The e-mail address, if the provider has verified it.
    pub email: Option<String>,
    /// The groups of the person. Those of GitHub are organizations and teams.
    pub groups: Groups,
    /// The memberships at GitHub that were asked for.
    pub memberships: Memberships,
    /// The id of the login session at the provider, which a logout token may name.
    pub sid: Option<String>,
    /// The token for later checks. After a refresh, `None` means that the previous token remains valid.
    pub token: Option<ProviderToken>,
}

impl Sighting {
    /// Returns the subject of the person, such as `okta:00u1`.
    #[must_use]
    pub fn subject(&self) -> String {
        self.provider.subject(&self.id)
    }
}

/// The groups of a person, compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// Exactly these groups.
    Known(BTreeSet<String>),
    /// The provider did not list the groups, or not all of them.
    Unknown,
}
