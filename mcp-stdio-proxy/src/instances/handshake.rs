//! The handshake with a new process: `initialize`, or `server/discover` (MCP "Lifecycle").

use std::sync::Arc;

use gateway_contract::revision::Era;

use super::initialize::InitializeParams;
use super::key::InstanceKey;
use super::server::Server;
use super::unavailable::Unavailable;
use crate::messages::translate::{discover, request};
use crate::messages::{message, meta};
use crate::process::Process;
use crate::process::internal_request::Failed;

const DISCOVER: &str = "server/discover";

/// The outcome of a handshake.
pub(super) struct Handshake {
    /// The era of the server.
    pub(super) era: Era,
    /// The result of `initialize` or of `server/discover`.
    pub(super) result: String,
}

/// Performs the handshake with `process`. For a server without `initialize`, the result that legacy clients
/// expect is synthesized.
pub(super) async fn perform(
    server: &Server,
    key: &InstanceKey,
    process: &Process,
) -> Result<Handshake, Unavailable> {
    let Some(initialize) = &key.initialize else {
        let params = format!("{{\"_meta\":{{{}}}}}", meta::of_proxy());
        let result = first(server, process, DISCOVER, &params).await?;
        return Ok(Handshake { era: Era::Modern, result });
    };
    let config = server.config();
    if key.clients == Era::Legacy && server.eras.has_no_handshake(&config) {
        return discover(server, process, initialize).await;
    }
    let refused = match first(server, process, "initialize", &initialize.params).await {
        Ok(result) => return Ok(Handshake { era: Era::Legacy, result }),
        Err(refused @ Unavailable::Refused { .. }) => refused,
        Err(other) => return Err(other),
    };
    if key.clients == Era::Modern {
        return Err(refused);
    }
    // "Legacy clients have no fall-forward mechanism", so the proxy falls forward for them.
    let discovered = discover(server, process, initialize).await.map_err(|_| refused)?;
    server.eras.note_no_handshake(config);
    Ok(discovered)
}

/// Synthesizes the handshake of a server that has none from its `server/discover`.
async fn discover(
    server: &Server,
    process: &Process,
    initialize: &InitializeParams,
) -> Result<Handshake, Unavailable> {
    let params = format!("{{\"_meta\":{{{}}}}}", request::envelope_of(&initialize.params));
    let discovered = first(server, process, DISCOVER, &params).await?;
    match discover::handshake(&discovered, &initialize.version, &server.name) {
        Some(result) => Ok(Handshake { era: Era::Modern, result }),
        None => Err(refused(server, DISCOVER, String::new())),
    }
}

/// Sends the first request to a process and returns its result.
async fn first(
    server: &Server,
    process: &Process,
    method: &'static str,
    params: &str,
) -> Result<String, Unavailable> {
    let within = server.start_timeout();
    let answer = process.first_request(method, params, within).await.map_err(|why| match why {
        Failed::Late => Unavailable::Mute {
            server: Arc::clone(&server.name),
            method,
            seconds: within.as_secs(),
        },
        Failed::Gone => Unavailable::Ended {
            server: Arc::clone(&server.name),
            status: format!(": {}", process.exit_message()),
        },
    })?;
    let text = answer.text();
    match message::parse(text).ok().and_then(|envelope| envelope.result) {
        Some(result) => Ok(result.to_owned()),
        None => Err(refused(server, method, text.to_owned())),
    }
}

fn refused(server: &Server, method: &'static str, answer: String) -> Unavailable {
    Unavailable::Refused { server: Arc::clone(&server.name), method, answer }
}
