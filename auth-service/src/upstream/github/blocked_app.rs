//! The warning about organizations that block this OAuth app.

use std::{collections::BTreeMap, fmt, time::Duration};

use parking_lot::Mutex;

use crate::{config::GithubProvider, model::UnixTime};

/// The minimum time between two warnings about one organization.
const INTERVAL: Duration = Duration::from_hours(1);

/// The organizations that block this app, with the time of the last warning about each.
pub(super) struct BlockedApp {
    /// The page on which an owner of an organization approves the app.
    approval: String,
    warned: Mutex<BTreeMap<String, UnixTime>>,
}

/// The text of a warning.
struct Warning<'a> {
    org: &'a str,
    approval: &'a str,
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { org, approval } = self;
        write!(
            f,
            "organization {org:?} blocks this OAuth app; an owner must approve it at {approval}"
        )
    }
}

impl BlockedApp {
    /// Creates a record without organizations.
    pub(super) fn new(provider: &GithubProvider) -> Self {
        let base = provider.base_url.as_str().trim_end_matches('/');
        let approval = format!("{base}/settings/connections/applications/{}", provider.client_id);
        Self { approval, warned: Mutex::default() }
    }

    /// Warns the operator that `org` blocks this app, unless they were warned within the last hour.
    pub(super) fn warn(&self, org: &str, now: UnixTime) {
        if self.is_due(org, now) {
            log::warn!("{}", Warning { org, approval: &self.approval });
        }
    }

    /// The policy names the organizations, so that there are few.
    fn is_due(&self, org: &str, now: UnixTime) -> bool {
        let mut warned = self.warned.lock();
        warned.retain(|_, last| now < last.plus(INTERVAL));
        if warned.contains_key(org) {
            return false;
        }
        warned.insert(org.to_owned(), now);
        true
    }
}
