//! The envelope that each request of 2026-07-28 carries in `params._meta` (MCP "General fields").

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::object;
use super::spelling::{self, Doubt, Key, PARAMS};

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
    object::may_say(params, "protocolVersion")
}

/// The key that tells which task of 2025-11-25 a message is about.
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

/// The members of `_meta` that the proxy reads.
const META: [&str; 6] =
    [VERSION, CLIENT_INFO, CAPABILITIES, LOG_LEVEL, "progressToken", RELATED_TASK];
/// More members than parameters or `_meta` have.
const MEMBERS: usize = 4096;

/// The parameters of a request, as far as the proxy reads them; all values are the texts they were.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The members that the proxy knows.
    params: [Option<&'a str>; PARAMS.len()],
    /// Those of `_meta`.
    meta: [Option<&'a str>; META.len()],
    /// Whether every server reads the same members.
    pub spelling: Result<(), Doubt>,
}

impl<'a> Asked<'a> {
    /// Reads `params`; what cannot be read is not there.
    #[must_use]
    pub fn of(params: Option<&'a str>) -> Self {
        const OF: &str = "params";
        let params = params.filter(|params| *params != "null");
        let (params, spelling) =
            params.map_or(([None; _], Ok(())), |text| known(text, &PARAMS, OF));
        let mut asked = Self { params, meta: [None; _], spelling };
        if let Some(meta) = asked.param("_meta").filter(|text| is_object(text)) {
            let (meta, spelling) = known(meta, &META, "params._meta");
            asked.meta = meta;
            asked.spelling = asked.spelling.and(spelling);
        }
        asked
    }

    fn param(&self, name: &str) -> Option<&'a str> {
        let value = PARAMS.iter().zip(self.params).find(|(known, _)| **known == name)?.1;
        value.filter(|text| *text != "null")
    }

    fn meta(&self, name: &str) -> Option<&'a str> {
        let value = META.iter().zip(self.meta).find(|(known, _)| **known == name)?.1;
        value.filter(|text| *text != "null")
    }

    /// Returns the parameter `name`, if it is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.param(name).and_then(string)
    }

    /// The name of the tool or prompt.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'a, str>> {
        self.text("name")
    }

    /// The URI of the resource.
    #[must_use]
    pub fn uri(&self) -> Option<Cow<'a, str>> {
        self.text("uri")
    }

    /// The text of the arguments of a tool.
    #[must_use]
    pub fn arguments(&self) -> Option<&'a str> {
        self.param("arguments")
    }

    /// The text of the filter of `subscriptions/listen`.
    #[must_use]
    pub fn notifications(&self) -> Option<&'a str> {
        self.param("notifications")
    }

    /// The text of what the client answers.
    #[must_use]
    pub fn responses(&self) -> Option<&'a str> {
        self.param("inputResponses")
    }

    /// What the client was given to bring back.
    #[must_use]
    pub fn state(&self) -> Option<Cow<'a, str>> {
        self.state_text().and_then(string)
    }

    /// The text of that.
    #[must_use]
    pub fn state_text(&self) -> Option<&'a str> {
        self.param("requestState")
    }

    /// The revision.
    #[must_use]
    pub fn version(&self) -> Option<Cow<'a, str>> {
        self.meta(VERSION).and_then(string)
    }

    /// The text of who the client is.
    #[must_use]
    pub fn client_info(&self) -> Option<&'a str> {
        self.meta(CLIENT_INFO).filter(|text| is_object(text))
    }

    /// The text of what the client can do.
    #[must_use]
    pub fn capabilities(&self) -> Option<&'a str> {
        self.meta(CAPABILITIES).filter(|text| is_object(text))
    }

    /// The text of the least level of log messages, if the client wants any.
    #[must_use]
    pub fn log_level(&self) -> Option<&'a str> {
        self.meta(LOG_LEVEL)
    }

    /// The text of the token under which the client wants to hear of progress.
    #[must_use]
    pub fn progress_token(&self) -> Option<&'a str> {
        self.meta("progressToken")
    }
}

/// The values of the members with `names`, of each the first, of the object that `text` is.
fn known<'a, const N: usize>(
    text: &'a str,
    names: &[&'static str; N],
    of: &'static str,
) -> ([Option<&'a str>; N], Result<(), Doubt>) {
    let mut found = Found { values: [None; N], names, of, spelling: Ok(()) };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = (&mut found).deserialize(&mut json);
    match read {
        Ok(()) => (found.values, found.spelling),
        Err(_) => ([None; N], Err(Doubt::Shape { of })),
    }
}

struct Found<'a, 'n, const N: usize> {
    values: [Option<&'a str>; N],
    names: &'n [&'static str; N],
    of: &'static str,
    spelling: Result<(), Doubt>,
}

impl<'a, const N: usize> Found<'a, '_, N> {
    fn take(&mut self, key: &Key<'_>, value: &'a str) {
        let of = self.of;
        let known = self.names.iter().zip(&mut self.values).find(|(name, _)| **name == key.name);
        let doubt = match known {
            Some((name, Some(_))) => Some(Doubt::Duplicate { of, name }),
            Some((name, place)) => {
                *place = Some(value);
                // Of a key with a slash, the slash may be escaped.
                let escaped = key.escaped && !name.contains('/');
                escaped.then_some(Doubt::Lookalike { of, name })
            }
            None => {
                spelling::lookalike(&key.name, self.names).map(|name| Doubt::Lookalike { of, name })
            }
        };
        if let Some(doubt) = doubt {
            self.spelling = self.spelling.and(Err(doubt));
        }
    }
}

impl<'a, const N: usize> DeserializeSeed<'a> for &mut Found<'a, '_, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, de: D) -> Result<(), D::Error> {
        de.deserialize_map(self)
    }
}

impl<'a, const N: usize> Visitor<'a> for &mut Found<'a, '_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(key) = map.next_key::<Key<'a>>()? {
            let value = map.next_value::<&'a RawValue>()?.get();
            self.take(&key, value);
            count += 1;
            if count > MEMBERS {
                return Err(A::Error::custom("too many members"));
            }
        }
        Ok(())
    }
}

fn string(text: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(text).ok().map(|text| text.0)
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
        gateway_contract::revision::MODERN,
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
        for none in [Some(r#"{"_meta":7}"#), Some(r#"[{"x":1}]"#), None] {
            assert_eq!(Asked::of(none).version(), None);
        }
    }

    #[test]
    fn what_the_proxy_says_of_itself_is_an_envelope() {
        let params = format!("{{\"_meta\":{{{}}}}}", of_proxy());
        let asked = Asked::of(Some(&params));
        assert_eq!(asked.version().as_deref(), Some(gateway_contract::revision::MODERN));
        assert_eq!(asked.capabilities(), Some("{}"));
    }
}
