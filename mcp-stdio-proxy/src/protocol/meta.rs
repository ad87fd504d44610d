//! The envelope that each request of 2026-07-28 carries in `params._meta` (MCP "General fields").

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The key of the revision.
pub const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The key of who the client is.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// The key of what the client can do.
pub const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The key of the least level of log messages.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// The key that tells whose notification one on a stream of `subscriptions/listen` is.
pub const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
/// The key of who the server is, in a result.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// The keys that only this revision has: a server with a handshake must not see them.
pub const ENVELOPE: [&str; 4] = [VERSION, CLIENT_INFO, CAPABILITIES, LOG_LEVEL];

/// Whether `params` may have an envelope: most requests of earlier revisions have not, and a search is
/// cheaper than reading.
#[must_use]
pub fn is_mentioned(params: &str) -> bool {
    super::object::may_say(params, "protocolVersion")
}

/// The parameters of a request, as far as the proxy reads them; all values are the texts they were.
#[derive(Debug, Default, Deserialize)]
pub struct Asked<'a> {
    /// `_meta`.
    #[serde(borrow, default, rename = "_meta")]
    pub meta: Option<Meta<'a>>,
    /// `name`: of a tool or a prompt.
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    /// `uri`: of a resource.
    #[serde(borrow, default)]
    uri: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    notifications: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "inputResponses")]
    responses: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requestState")]
    state: Option<&'a RawValue>,
}

/// `_meta`, as far as the proxy reads it.
#[derive(Debug, Default, Deserialize)]
pub struct Meta<'a> {
    #[serde(borrow, default, rename = "io.modelcontextprotocol/protocolVersion")]
    version: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientInfo")]
    client_info: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientCapabilities")]
    capabilities: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/logLevel")]
    log_level: Option<&'a RawValue>,
}

impl<'a> Asked<'a> {
    /// Reads `params`; what cannot be read is not there.
    #[must_use]
    pub fn of(params: Option<&'a str>) -> Self {
        params.and_then(|params| serde_json::from_str(params).ok()).unwrap_or_default()
    }

    /// The name of the tool or prompt.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'a, str>> {
        self.name.and_then(string)
    }

    /// The URI of the resource.
    #[must_use]
    pub fn uri(&self) -> Option<Cow<'a, str>> {
        self.uri.and_then(string)
    }

    /// The text of the arguments of a tool.
    #[must_use]
    pub fn arguments(&self) -> Option<&'a str> {
        self.arguments.map(RawValue::get)
    }

    /// The text of the filter of `subscriptions/listen`.
    #[must_use]
    pub fn notifications(&self) -> Option<&'a str> {
        self.notifications.map(RawValue::get)
    }

    /// The text of what the client answers.
    #[must_use]
    pub fn responses(&self) -> Option<&'a str> {
        self.responses.map(RawValue::get)
    }

    /// What the client was given to bring back.
    #[must_use]
    pub fn state(&self) -> Option<Cow<'a, str>> {
        self.state.and_then(string)
    }

    /// The revision.
    #[must_use]
    pub fn version(&self) -> Option<Cow<'a, str>> {
        self.meta.as_ref()?.version.and_then(string)
    }

    /// The text of who the client is.
    #[must_use]
    pub fn client_info(&self) -> Option<&'a str> {
        self.meta.as_ref()?.client_info.map(RawValue::get).filter(|text| is_object(text))
    }

    /// The text of what the client can do.
    #[must_use]
    pub fn capabilities(&self) -> Option<&'a str> {
        self.meta.as_ref()?.capabilities.map(RawValue::get).filter(|text| is_object(text))
    }

    /// The text of the least level of log messages, if the client wants any.
    #[must_use]
    pub fn log_level(&self) -> Option<&'a str> {
        self.meta.as_ref()?.log_level.map(RawValue::get)
    }
}

fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn is_object(text: &str) -> bool {
    text.starts_with('{')
}

/// The envelope of what the proxy itself asks.
#[must_use]
pub fn of_proxy() -> String {
    format!(
        r#""{VERSION}":"{}","{CLIENT_INFO}":{{"name":"mcp-stdio-proxy","version":"{}"}},"{CAPABILITIES}":{{}}"#,
        super::version::MODERN,
        env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_read_and_what_is_of_another_kind_is_not_there() {
        let params = r#"{"name":"a\/b","_meta":{"io.modelcontextprotocol\/protocolVersion":"2026-07-28",
            "io.modelcontextprotocol/clientCapabilities":{"roots":{}},"x":1},"uri":7}"#;
        let asked = Asked::of(Some(params));
        assert_eq!(asked.version().as_deref(), Some("2026-07-28"));
        assert_eq!(asked.capabilities(), Some(r#"{"roots":{}}"#));
        assert_eq!(asked.name().as_deref(), Some("a/b"));
        assert_eq!((asked.uri(), asked.client_info()), (None, None));
        assert!(Asked::of(Some(r#"{"_meta":7}"#)).meta.is_none());
        assert!(Asked::of(None).meta.is_none());
    }

    #[test]
    fn what_the_proxy_says_of_itself_is_an_envelope() {
        let params = format!("{{\"_meta\":{{{}}}}}", of_proxy());
        let asked = Asked::of(Some(&params));
        assert_eq!(asked.version().as_deref(), Some(super::super::version::MODERN));
        assert_eq!(asked.capabilities(), Some("{}"));
    }
}
