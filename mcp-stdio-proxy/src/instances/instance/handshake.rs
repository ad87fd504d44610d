//! `initialize` towards a server: once for its first client, and again after each restart (MCP "Lifecycle").

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gateway_contract::revision::{self, Era, NEWEST_HANDSHAKE};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ServerInstance;
use crate::instances::unavailable::Unavailable;
use crate::messages::splice::{self, span};
use crate::messages::translate::capabilities;
use crate::messages::translate::discover;
use crate::messages::{message, meta};
use crate::process::Process;
use crate::process::internal_request::Failed;
use crate::process::quota::Permit;

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
        let mut settled = params.to_owned();
        settled.replace_range(span(params, read.version.get())?, &format!("{NEWEST_HANDSHAKE:?}"));
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

const DISCOVER: &str = "server/discover";
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

impl ServerInstance {
    /// Returns the result of `initialize`, for a client that sends `notifications/initialized` itself.
    pub async fn open(
        &self,
        permit: impl Future<Output = Result<Permit, Unavailable>>,
    ) -> Result<String, Unavailable> {
        let _starting = self.starting.lock().await;
        if let (Some(_), Some(greeting)) = (self.live(), self.greeting()) {
            return Ok(greeting.result.clone());
        }
        self.start(permit).await?;
        self.greeting().map(|greeting| greeting.result.clone()).ok_or(Unavailable::Closed)
    }

    /// Returns a process that is ready for requests; starts and initializes one if necessary.
    pub async fn ready(
        &self,
        permit: impl Future<Output = Result<Permit, Unavailable>>,
    ) -> Result<Arc<Process>, Unavailable> {
        let _starting = self.starting.lock().await;
        if let Some(process) = self.live() {
            return Ok(process);
        }
        let process = self.start(permit).await?;
        let wanted = self.roots_wanted();
        self.say_initialized(&process).await;
        self.listen_again(&process);
        self.wait_for_roots(wanted).await;
        Ok(process)
    }

    /// Sends `notifications/initialized` on behalf of the client, unless it was sent already.
    pub async fn say_initialized(&self, process: &Process) {
        if self.greet() {
            process.notify(splice::line(INITIALIZED, &mut [])).await;
            self.tell_again(process);
        }
    }

    /// Performs the handshake and returns the result of `initialize`, which is synthesized for a server
    /// without a handshake. For clients of 2026-07-28, returns the result of `server/discover`.
    pub(super) async fn introduce(&self, process: &Process) -> Result<String, Unavailable> {
        let Some(initialize) = &self.initialize else {
            return self
                .first(process, DISCOVER, &format!("{{\"_meta\":{{{}}}}}", meta::of_proxy()))
                .await;
        };
        let (config, eras) = (self.server.config(), &self.server.eras);
        if self.pairing.clients == Era::Legacy && eras.has_no_handshake(&config) {
            return self.discover(process, initialize).await;
        }
        let refused = match self.first(process, "initialize", &initialize.params).await {
            Err(refused @ Unavailable::Refused { .. }) => refused,
            answered => {
                self.to_modern.upgraded.store(false, Ordering::Relaxed);
                return answered;
            }
        };
        if self.pairing.clients == Era::Modern {
            return Err(refused);
        }
        // "Legacy clients have no fall-forward mechanism", so the proxy falls forward for them.
        let discovered = self.discover(process, initialize).await.map_err(|_| refused)?;
        eras.note_no_handshake(config);
        Ok(discovered)
    }

    /// Synthesizes the handshake of a server that has none from its `server/discover`.
    async fn discover(
        &self,
        process: &Process,
        initialize: &InitializeParams,
    ) -> Result<String, Unavailable> {
        let params = format!("{{\"_meta\":{{{}}}}}", self.envelope(None));
        let discovered = self.first(process, DISCOVER, &params).await?;
        let opened = discover::handshake(&discovered, &initialize.version, &self.server.name);
        self.to_modern.upgraded.store(true, Ordering::Relaxed);
        opened.ok_or_else(|| Unavailable::Refused {
            server: Arc::clone(&self.server.name),
            method: DISCOVER,
            answer: String::new(),
        })
    }

    /// Sends the first request to a server and returns its result.
    async fn first(
        &self,
        process: &Process,
        method: &'static str,
        params: &str,
    ) -> Result<String, Unavailable> {
        let (server, within) = (&self.server.name, self.server.start_timeout());
        let answer =
            process.first_request(method, params, within).await.map_err(|why| match why {
                Failed::Late => Unavailable::Mute {
                    server: Arc::clone(server),
                    method,
                    seconds: within.as_secs(),
                },
                Failed::Gone => Unavailable::Ended {
                    server: Arc::clone(server),
                    status: format!(": {}", process.exit_message()),
                },
            })?;
        match message::parse(answer.text()).ok().and_then(|envelope| envelope.result) {
            Some(result) => Ok(result.to_owned()),
            None => Err(Unavailable::Refused {
                server: Arc::clone(server),
                method,
                answer: answer.text().to_owned(),
            }),
        }
    }
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
