//! The page to which a sign-in leads.

/// The maximum length of a path, in bytes.
const LONGEST: usize = 500;

/// A path of the pages for people and administrators. It never leads to another host.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReturnPath(String);

impl ReturnPath {
    /// Returns the path in `text`, or the start page if `text` is not the path of a page.
    #[must_use]
    pub fn parse(text: Option<&str>) -> Self {
        let is_page = |text: &&str| {
            let known = ["/me", "/admin"].iter().any(|root| {
                text.strip_prefix(root).is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')
                })
            });
            known
                && text.len() <= LONGEST
                && !text.contains("//")
                && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        };
        Self(text.filter(is_page).unwrap_or("/me").to_owned())
    }

    /// Returns the path with its query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_a_page_of_this_server_and_nowhere_else() {
        for path in ["/me", "/me/tokens", "/me?after=x", "/admin", "/admin/people?q=a%20b"] {
            assert_eq!(ReturnPath::parse(Some(path)).as_str(), path);
        }
        let long = format!("/me/{}", "a".repeat(LONGEST));
        for other in [
            "",
            "/",
            "/menu",
            "//evil.example",
            "https://evil.example",
            "/me//evil.example",
            "/me\\evil",
            "/me/\r\nX: y",
            "/authorize",
            "/admin2",
            " /me",
            "/me/é",
            &long,
        ] {
            assert_eq!(ReturnPath::parse(Some(other)).as_str(), "/me", "{other}");
        }
        assert_eq!(ReturnPath::parse(None).as_str(), "/me");
    }
}
