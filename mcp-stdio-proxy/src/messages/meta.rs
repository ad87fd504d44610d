//! The envelope that each request of 2026-07-28 carries in `params._meta` (MCP "General fields").

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::object;
use super::spelling::{self, Doubt, Key, PARAMS};

/// The `_meta` key of the protocol revision.
pub const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// The `_meta` key of the client's name and version.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// The `_meta` key of the client capabilities.
pub const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// The `_meta` key of the minimum log level.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// The `_meta` key of the subscription that a notification on a `subscriptions/listen` stream belongs to.
pub const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
/// The `_meta` key of the server's name and version, in a result.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// The keys that only this revision has. A server with a handshake must not receive them.
pub const ENVELOPE: [&str; 4] = [VERSION, CLIENT_INFO, CAPABILITIES, LOG_LEVEL];

/// Returns `true` if `params` may have an envelope. Most requests of earlier revisions have none, and a
/// substring search is cheaper than parsing.
#[must_use]
pub fn is_mentioned(params: &str) -> bool {
    object::may_say(params, "protocolVersion")
}

/// The `_meta` key of the task of 2025-11-25 that a message belongs to.
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

/// The members of `_meta` that the proxy reads.
const META: [&str; 6] =
    [VERSION, CLIENT_INFO, CAPABILITIES, LOG_LEVEL, "progressToken", RELATED_TASK];
/// A limit that parameters and `_meta` never reach in practice.
const MEMBERS: usize = 4096;

/// The parameters of a request, as far as the proxy reads them. Values are JSON text.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The known members of the parameters, in the order of [`PARAMS`].
    params: [Option<&'a str>; PARAMS.len()],
    /// The known members of `_meta`, in the order of `META`.
    meta: [Option<&'a str>; META.len()],
    /// `Ok` if every server parses the same members.
    pub spelling: Result<(), Doubt>,
}

impl<'a> Asked<'a> {
    /// Parses `params`; invalid parameters count as absent.
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

    /// Returns the name of the tool or prompt.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'a, str>> {
        self.text("name")
    }

    /// Returns the URI of the resource.
    #[must_use]
    pub fn uri(&self) -> Option<Cow<'a, str>> {
        self.text("uri")
    }

    /// Returns the arguments of a tool as JSON text.
    #[must_use]
    pub fn arguments(&self) -> Option<&'a str> {
        self.param("arguments")
    }

    /// Returns the filter of `subscriptions/listen` as JSON text.
    #[must_use]
    pub fn notifications(&self) -> Option<&'a str> {
        self.param("notifications")
    }

    /// Returns the client's answers to input requests as JSON text.
    #[must_use]
    pub fn responses(&self) -> Option<&'a str> {
        self.param("inputResponses")
    }

    /// Returns the decoded `requestState`, which the client echoes.
    #[must_use]
    pub fn state(&self) -> Option<Cow<'a, str>> {
        self.state_text().and_then(string)
    }

    /// Returns the `requestState` as JSON text.
    #[must_use]
    pub fn state_text(&self) -> Option<&'a str> {
        self.param("requestState")
    }

    /// Returns the protocol revision.
    #[must_use]
    pub fn version(&self) -> Option<Cow<'a, str>> {
        self.meta(VERSION).and_then(string)
    }

    /// Returns the client's name and version as JSON text.
    #[must_use]
    pub fn client_info(&self) -> Option<&'a str> {
        self.meta(CLIENT_INFO).filter(|text| is_object(text))
    }

    /// Returns the client capabilities as JSON text.
    #[must_use]
    pub fn capabilities(&self) -> Option<&'a str> {
        self.meta(CAPABILITIES).filter(|text| is_object(text))
    }

    /// Returns the minimum log level as JSON text, if the client wants log messages.
    #[must_use]
    pub fn log_level(&self) -> Option<&'a str> {
        self.meta(LOG_LEVEL)
    }

    /// Returns the progress token as JSON text.
    #[must_use]
    pub fn progress_token(&self) -> Option<&'a str> {
        self.meta("progressToken")
    }
}

/// Returns the values of the members `names` of the object `text`. Of duplicates, the first wins.
fn known<'a, const N: usize>(
    text: &'a str,
    names: &[&'static str; N],
    of: &'static str,
) -> ([Option<&'a str>; N], Result<(), Doubt>) {
    let mut found = Members { values: [None; N], names, of, spelling: Ok(()) };
    let mut json = serde_json::Deserializer::from_str(text);
    let read = (&mut found).deserialize(&mut json);
    match read {
        Ok(()) => (found.values, found.spelling),
        Err(_) => ([None; N], Err(Doubt::Shape { of })),
    }
}

struct Members<'a, 'n, const N: usize> {
    values: [Option<&'a str>; N],
    names: &'n [&'static str; N],
    of: &'static str,
    spelling: Result<(), Doubt>,
}

impl<'a, const N: usize> Members<'a, '_, N> {
    fn take(&mut self, key: &Key<'_>, value: &'a str) {
        let of = self.of;
        let known = self.names.iter().zip(&mut self.values).find(|(name, _)| **name == key.name);
        let doubt = match known {
            Some((name, Some(_))) => Some(Doubt::Duplicate { of, name }),
            Some((name, place)) => {
                *place = Some(value);
                // In a key with a slash, the slash may legitimately be escaped.
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

impl<'a, const N: usize> DeserializeSeed<'a> for &mut Members<'a, '_, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, de: D) -> Result<(), D::Error> {
        de.deserialize_map(self)
    }
}

impl<'a, const N: usize> Visitor<'a> for &mut Members<'a, '_, N> {
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

/// Returns the envelope of the proxy's own requests.
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
