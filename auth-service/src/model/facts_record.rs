//! The facts about a person as of the last check.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Groups, Memberships, Sighting, UnixTime};

/// The facts about a person, as the login provider stated them at a login or at the last check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsRecord {
    /// The subject of the person.
    pub subject: String,
    /// The login name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The e-mail address, if the provider verified it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The groups. With `None`, they are unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<String>>,
    /// The memberships at GitHub that were asked for.
    #[serde(default)]
    pub memberships: Memberships,
    /// The time of the last check that succeeded.
    pub checked_at: UnixTime,
    /// `true` if a token of the provider is stored, with which the facts are checked again.
    #[serde(default)]
    pub renewable: bool,
    /// The expiry of the record.
    pub expires_at: UnixTime,
}

impl FactsRecord {
    /// Creates the record of what a provider stated at `now`.
    #[must_use]
    pub fn of(sighting: &Sighting, renewable: bool, (now, end): (UnixTime, UnixTime)) -> Self {
        Self {
            subject: sighting.subject(),
            login: sighting.login.clone(),
            email: sighting.email.clone(),
            groups: match &sighting.groups {
                Groups::Known(groups) => Some(groups.clone()),
                Groups::Unknown => None,
            },
            memberships: sighting.memberships.clone(),
            checked_at: now,
            renewable,
            expires_at: end,
        }
    }
}
