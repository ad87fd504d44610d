//! The REST API of GitHub, as one person with a token sees it.

use std::fmt::Write;

use secrecy::{ExposeSecret, SecretString};

use super::super::{
    json::Object,
    provider_http::{Answer, ProviderHttp, Sending},
};

/// The maximum size of an answer.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// The API with the access token of one person.
pub(super) struct Api<'a> {
    pub(super) http: &'a ProviderHttp,
    /// The base URL, without a slash at the end.
    pub(super) base: &'a str,
    pub(super) token: &'a SecretString,
}

impl Api<'_> {
    /// Fetches the resource at `path`. An answer may have any status.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Sending> {
        let url = format!("{}{path}", self.base);
        let token = self.token.expose_secret();
        self.http.get(&url, "application/vnd.github+json", Some(token)).await
    }
}

/// Returns the explanation of an error answer, in lower case, or `None` if GitHub did not write it.
pub(super) fn message(answer: &Answer) -> Option<String> {
    Object::parse(&answer.body)?.text("message").map(str::to_ascii_lowercase)
}

/// Returns the path of a person's own membership in the organization `org`. Returns `None` for a text
/// that no path segment can hold.
pub(super) fn org_path(org: &str) -> Option<String> {
    Some(format!("/user/memberships/orgs/{}", segment(org)?))
}

/// Returns the path of the membership of `login` in a team, which is written `ORG/TEAM`.
pub(super) fn team_path(team: &str, login: &str) -> Option<String> {
    let (org, slug) = team.split_once('/')?;
    let (org, slug, login) = (segment(org)?, segment(slug)?, segment(login)?);
    Some(format!("/orgs/{org}/teams/{slug}/memberships/{login}"))
}

/// Returns `text` percent-encoded as a path segment (RFC 3986 §3.3). Dot segments would change the
/// path, also in encoded form.
fn segment(text: &str) -> Option<String> {
    if matches!(text, "" | "." | "..") {
        return None;
    }
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").ok()?;
        }
    }
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_one_segment_of_the_path() {
        let org = |org| org_path(org).unwrap_or_default();
        assert_eq!(org("acme"), "/user/memberships/orgs/acme");
        assert_eq!(org("../user?x#y%2f"), "/user/memberships/orgs/..%2Fuser%3Fx%23y%252f");
        assert_eq!(org("a b\n\u{e9}\\"), "/user/memberships/orgs/a%20b%0A%C3%A9%5C");
        for odd in ["", ".", ".."] {
            assert_eq!(org_path(odd), None);
            assert_eq!(team_path(&format!("acme/{odd}"), "octocat"), None);
            assert_eq!(team_path(&format!("{odd}/dev"), "octocat"), None);
            assert_eq!(team_path("acme/dev", odd), None);
        }
        assert_eq!(team_path("acme", "octocat"), None);
        assert_eq!(
            team_path("acme/dev/../../x", "a/b").as_deref(),
            Some("/orgs/acme/teams/dev%2F..%2F..%2Fx/memberships/a%2Fb")
        );
    }
}
