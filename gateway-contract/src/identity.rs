//! The signed identity of a caller, a JWT in `X-MCP-Identity` (RFC 7519).

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};

use crate::tool_lists::ToolLists;

/// The type of the JWT (RFC 8725 §3.11), which differs from that of an access token.
pub const TYPE: &str = "mcp-identity+jwt";

/// Claims of an identity. Times are seconds since 1970 (`NumericDate`).
#[derive(Debug, Deserialize, Serialize)]
pub struct Claims<'a> {
    /// The issuer: that of the access token.
    #[serde(default)]
    pub iss: Cow<'a, str>,
    /// The resource identifier of the server.
    #[serde(default)]
    pub aud: Cow<'a, str>,
    /// The subject of the access token.
    pub sub: Cow<'a, str>,
    /// The login name.
    #[serde(default)]
    pub preferred_username: Cow<'a, str>,
    /// The e-mail address, if it is known.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub email: Cow<'a, str>,
    /// The OAuth client.
    #[serde(default)]
    pub client_id: Cow<'a, str>,
    /// The display name of the client, which the client chose itself, if it is known.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub client_name: Cow<'a, str>,
    /// The scopes at the server, separated by blanks.
    pub scope: Cow<'a, str>,
    /// The name of the server.
    pub mcp_server: Cow<'a, str>,
    /// The patterns of the tools that the access policy allows. Without them all tools are allowed; if there are
    /// none in the list, no tool is.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    pub tools_allow: Option<Vec<Cow<'a, str>>>,
    /// The patterns of the tools that the access policy denies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools_deny: Vec<Cow<'a, str>>,
    /// The hash under which the feed of ended grants names the grant. Without it the feed is not consulted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_hash: Option<Cow<'a, str>>,
    /// The hash under which the feed names the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<Cow<'a, str>>,
    /// The end of the access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_exp: Option<u64>,
    /// The moment at which the identity was signed.
    #[serde(default)]
    pub iat: u64,
    /// The end of the identity.
    pub exp: u64,
}

impl Claims<'_> {
    /// Returns the tools that the access policy allows the person at the server.
    #[must_use]
    pub fn tool_lists(&self) -> ToolLists {
        ToolLists::new(self.tools_allow.as_deref(), &self.tools_deny)
    }
}

/// Reads a value that must not be `null`, which would read as no restriction.
fn stated<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn claims(more: &Value) -> Option<Claims<'static>> {
        let mut all = json!({"sub": "github:7", "scope": "mcp", "mcp_server": "x", "exp": 1});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(all).ok()
    }

    #[test]
    fn an_absent_list_allows_all_tools_and_an_empty_one_none() {
        let admits = |more: Value| claims(&more).unwrap().tool_lists().admits("Read");
        assert!(admits(json!({})));
        assert!(admits(json!({"tools_allow": ["R*"], "tools_deny": []})));
        assert!(!admits(json!({"tools_allow": []})));
        assert!(!admits(json!({"tools_deny": ["read"]})));
    }

    #[test]
    fn lists_that_cannot_be_read_are_no_identity() {
        for bad in [
            json!({"tools_allow": null}),
            json!({"tools_deny": null}),
            json!({"tools_allow": "x"}),
            json!({"tools_allow": [1]}),
            json!({"tools_deny": {"x": 1}}),
        ] {
            assert!(claims(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn lists_without_effect_are_not_written() {
        let written = |more: Value| serde_json::to_value(claims(&more).unwrap()).unwrap();
        let plain = written(json!({"tools_deny": []}));
        assert!(plain.get("tools_allow").is_none() && plain.get("tools_deny").is_none());
        let lists = json!({"tools_allow": [], "tools_deny": ["a*"]});
        let full = written(lists.clone());
        assert_eq!(full["tools_allow"], lists["tools_allow"]);
        assert_eq!(full["tools_deny"], lists["tools_deny"]);
    }
}
