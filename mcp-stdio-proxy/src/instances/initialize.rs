//! The parameters of `initialize` towards a server (MCP "Lifecycle").

use gateway_contract::revision::{self, NEWEST_HANDSHAKE};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::messages::json_edit::JsonEdit;
use crate::messages::translate::capabilities;

/// The parameters of `initialize`. Clients whose protocol version or capabilities differ cannot share a
/// process, since the server would notice the difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitializeParams {
    /// The parameters as JSON text.
    pub params: String,
    /// The requested `protocolVersion`.
    pub version: String,
    /// The client capabilities as JSON text.
    pub capabilities: String,
    /// The capabilities as declared by a client of 2026-07-28, before their translation.
    declared: Option<Box<str>>,
}

/// The maximum length of the parameters of `initialize` and of declared capabilities, since an instance keeps
/// them.
pub const LONGEST: usize = 64 << 10;

impl InitializeParams {
    /// Parses the parameters of a client's `initialize`. Returns `None` if they are malformed or longer than
    /// [`LONGEST`].
    #[must_use]
    pub fn of_client(params: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(borrow, rename = "protocolVersion")]
            version: &'a RawValue,
            #[serde(borrow)]
            capabilities: Option<&'a RawValue>,
        }
        if params.len() > LONGEST {
            return None;
        }
        let read: Params<'_> = serde_json::from_str(params).ok()?;
        let capabilities = read.capabilities.map_or("{}", RawValue::get).to_owned();
        let asked: String = serde_json::from_str(read.version.get()).ok()?;
        if revision::has_handshake(&asked) {
            let params = params.to_owned();
            return Some(Self { params, version: asked, capabilities, declared: None });
        }
        // "Otherwise, the server MUST respond with another protocol version it supports. This SHOULD be the
        // latest version". The version is replaced here, because a server might echo an unknown one.
        let settled = JsonEdit::of(params)
            .replace(read.version.get(), format!("{NEWEST_HANDSHAKE:?}"))
            .apply();
        let version = NEWEST_HANDSHAKE.to_owned();
        Some(Self { params: settled, version, capabilities, declared: None })
    }

    /// Returns the proxy's own parameters, for clients that sent none or cannot.
    #[must_use]
    pub fn of_proxy(version: &str) -> Self {
        let params = serde_json::json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": proxy_info(),
        });
        let (version, capabilities) = (version.to_owned(), "{}".to_owned());
        Self { params: params.to_string(), version, capabilities, declared: None }
    }

    /// Returns the parameters for clients of 2026-07-28 that declare `capabilities` in each request.
    #[must_use]
    pub fn of_modern(declared: &str, client_info: Option<&str>) -> Self {
        let capabilities = &*capabilities::to_legacy(declared);
        let client_info = client_info.map_or_else(|| proxy_info().to_string(), str::to_owned);
        let params = format!(
            r#"{{"protocolVersion":"{NEWEST_HANDSHAKE}","capabilities":{capabilities},"clientInfo":{client_info}}}"#
        );
        // Normalized, so that clients with equal capabilities share a process however they write them.
        let read = serde_json::from_str::<serde_json::Value>(capabilities);
        let capabilities = read.map_or_else(|_| "{}".to_owned(), |all| all.to_string());
        let version = NEWEST_HANDSHAKE.to_owned();
        Self { params, version, capabilities, declared: Some(declared.into()) }
    }

    /// Returns `true` if this stands for a client of 2026-07-28 that declares exactly these capabilities.
    #[must_use]
    pub fn is_of(&self, declared: &str) -> bool {
        self.declared.as_deref() == Some(declared)
    }

    /// Returns the parameters to use when no client has named a version.
    #[must_use]
    pub fn newest() -> Self {
        Self::of_proxy(NEWEST_HANDSHAKE)
    }

    /// Returns `true` if a server cannot tell the two apart.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.version == other.version && self.capabilities == other.capabilities
    }
}

fn proxy_info() -> serde_json::Value {
    serde_json::json!({ "name": "mcp-stdio-proxy", "version": env!("CARGO_PKG_VERSION") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modern_clients_that_can_do_the_same_are_alike_however_they_say_it() {
        let [one, other] = [r#"{"a":{},"b":{"c":1}}"#, r#"{ "b": {"c":1}, "a": {} }"#]
            .map(|declared| InitializeParams::of_modern(declared, None));
        assert!(one.is_like(&other));
        assert!(!one.is_like(&InitializeParams::of_modern("{}", None)));
        assert!(InitializeParams::of_modern("{}", None).is_like(&InitializeParams::newest()));
    }
}
