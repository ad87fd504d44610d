//! Settings of the pages for people and administrators.

use std::time::Duration;

use super::{Raw, ServerUrls, check::Check};
use crate::model::CLIENT_PROVIDER;

/// The settings of the pages for people and administrators.
#[derive(Clone, Debug, Default)]
pub struct PagesConfig {
    /// `true` if there are pages for people. With `SERVER_URLS=path` there are none, because servers share the origin
    /// of the pages; nor without login sessions.
    pub are_on: bool,
    /// `ADMIN_USERS`: the subjects of the administrators, such as `github:583231`. Default: none.
    pub administrators: Vec<String>,
    /// `PERSONAL_TOKEN_LIFETIME`: the maximum lifetime of tokens that people create. Default: 7776000 s; 0 is off.
    pub token_lifetime: Option<Duration>,
}

impl PagesConfig {
    /// Reads the settings, and adds their problems to `check`.
    pub(super) fn read(check: &mut Check, raw: &Raw) -> Self {
        let text = raw.admin_users.as_deref().unwrap_or("");
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let mut administrators = Vec::new();
        for entry in entries {
            let stated = entry.split_once(':').filter(|(provider, id)| {
                !provider.is_empty() && !id.is_empty() && *provider != CLIENT_PROVIDER
            });
            let is_login = stated.is_some_and(|(provider, id)| {
                provider == "github" && !id.bytes().all(|byte| byte.is_ascii_digit())
            });
            if stated.is_none() || is_login {
                check.0.push(format!(
                    "ADMIN_USERS: \"{entry}\" is not a subject; write PROVIDER:ID, such as github:583231"
                ));
            } else {
                administrators.push(entry.to_owned());
            }
        }
        let most = Duration::from_hours(24 * 90);
        let life =
            check.time("PERSONAL_TOKEN_LIFETIME", raw.personal_token_lifetime.as_deref(), most);
        let day = Duration::from_hours(24);
        if !life.is_zero() && !(day..=day * 365).contains(&life) {
            check.0.push("PERSONAL_TOKEN_LIFETIME must be 1 to 365 days, or 0".to_owned());
        }
        let token_lifetime = (!life.is_zero()).then_some(life);
        Self { are_on: false, administrators, token_lifetime }
    }

    /// Decides whether there are pages, by the other settings.
    pub(super) fn settle(&mut self, check: &mut Check, urls: ServerUrls, has_sessions: bool) {
        self.are_on = urls == ServerUrls::Host && has_sessions;
        if !self.administrators.is_empty() && !self.are_on {
            let problem = "ADMIN_USERS needs SERVER_URLS=host and a LOGIN_SESSION_LIFETIME";
            check.0.push(problem.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(raw: &Raw, urls: ServerUrls) -> (PagesConfig, String) {
        let mut check = Check::default();
        let mut config = PagesConfig::read(&mut check, raw);
        config.settle(&mut check, urls, true);
        (config, check.0.join("; "))
    }

    #[test]
    fn administrators_are_named_by_subject() {
        let users = |text: &str| Raw { admin_users: Some(text.to_owned()), ..Raw::default() };
        let (config, problems) =
            checked(&users("github:583231, okta:00u1,local:ann"), ServerUrls::Host);
        assert_eq!(config.administrators, ["github:583231", "okta:00u1", "local:ann"]);
        assert_eq!(problems, "");
        for bad in ["octocat", "github:octocat", "github:", ":7", "client:7"] {
            assert!(checked(&users(bad), ServerUrls::Host).1.contains("ADMIN_USERS"), "{bad}");
        }
        let (config, problems) = checked(&users("github:1"), ServerUrls::Path);
        assert!(!config.are_on && problems.contains("SERVER_URLS=host"));
    }

    #[test]
    fn tokens_of_people_have_a_bounded_lifetime() {
        let life =
            |text: &str| Raw { personal_token_lifetime: Some(text.to_owned()), ..Raw::default() };
        let days = |text| checked(&life(text), ServerUrls::Host);
        assert_eq!(days("30d").0.token_lifetime, Some(Duration::from_hours(720)));
        assert_eq!(days("0").0.token_lifetime, None);
        for bad in ["1h", "366d"] {
            assert!(days(bad).1.contains("PERSONAL_TOKEN_LIFETIME"), "{bad}");
        }
    }
}
