//! Health checks of a server at the level of MCP: `initialize` and `tools/list`, on a running process or on
//! one started for the check (MCP "Lifecycle", "Tools").

pub mod interval;
mod listing;
pub mod table;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gateway_contract::chain::Chain;
use gateway_contract::reports::{CheckOutcome, CheckReport, LONGEST_NAME, LONGEST_TEXT, shortened};
use gateway_contract::revision::{Era, MODERN};
use serde_json::Value;

use crate::instances::bridge::Bridge;
use crate::instances::initialize::InitializeParams;
use crate::instances::server::{Checked, Examined, Server};
use crate::instances::unavailable::Unavailable;
use crate::messages::meta::SERVER_INFO;
use crate::sessions::SessionRegistry;

/// The user on whose behalf processes for checks are started.
const USER: &str = "check";
/// The timeout for all pages of a tool list.
const LISTING: Duration = Duration::from_secs(30);

/// The session of a check, which ends when dropped.
struct Opened {
    registry: Arc<SessionRegistry>,
    id: Option<String>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            self.registry.end(id);
        }
    }
}

/// Checks `server`. Concurrent calls are coalesced: a caller that arrives during a check gets its outcome.
pub async fn check(registry: &Arc<SessionRegistry>, server: &Arc<Server>) -> Checked {
    let asked = Instant::now();
    let _turn = server.checks.turn.lock().await;
    if let Some(last) = server.checks.last()
        && last.ended >= asked
    {
        return last;
    }
    let start = Instant::now();
    let limit = server.start_timeout().saturating_add(LISTING);
    let outcome = match tokio::time::timeout(limit, examine(registry, server)).await {
        Ok(outcome) => outcome.map_err(|error| told(&error)),
        Err(_) => Err(format!("the check was not finished within {} s", limit.as_secs())),
    };
    let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let at = now();
    let report = |outcome, error| CheckReport { at, outcome, ms, error };
    match outcome {
        Ok(found) => server.checks.note(report(CheckOutcome::Ok, None), Some(found)),
        Err(why) => {
            let why = shortened(&why, LONGEST_TEXT);
            server.checks.note(report(CheckOutcome::Failed, Some(why)), None)
        }
    }
}

/// Returns the seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "only auth-service has a clock that tests set")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Describes a failure for the operator. The description of a failed start for clients has less detail.
fn told(error: &anyhow::Error) -> String {
    match error.downcast_ref() {
        Some(Unavailable::Spawn(error)) => error.to_string(),
        _ => Chain(error.as_ref()).to_string(),
    }
}

/// Retrieves the server information and the tools from a process of `server`.
async fn examine(
    registry: &Arc<SessionRegistry>,
    server: &Arc<Server>,
) -> anyhow::Result<Examined> {
    let instances = registry.instances();
    let mut theirs = instances.iter().filter(|instance| Arc::ptr_eq(&instance.server, server));
    let running = theirs.find_map(|instance| Some((instance, instance.live()?)));
    if let Some((instance, bridge)) = running {
        let process = bridge.process();
        let (used, process_used) = (instance.used(), process.activity.used());
        let found = inspect(server, &*bridge).await;
        // A check must not keep an idle process alive.
        if instance.used() == used && process.calls.is_empty() {
            process.activity.set_used(process_used);
        }
        return found;
    }
    let (binding, _) = registry.open(server, Some(USER.into()), InitializeParams::newest()).await?;
    let _opened = Opened { registry: Arc::clone(registry), id: binding.session.id.clone() };
    let bridge = registry.bridge(&binding.instance).await?;
    Arc::clone(&bridge).make_ready().await;
    inspect(server, &*bridge).await
}

async fn inspect(server: &Server, bridge: &dyn Bridge) -> anyhow::Result<Examined> {
    let mut found = introduced(bridge).unwrap_or_default();
    if found.has_tools {
        let listing = listing::read(server, bridge.connection());
        let Ok(listed) = tokio::time::timeout(LISTING, listing).await else {
            anyhow::bail!("tools/list was not answered within {} s", LISTING.as_secs());
        };
        (found.tools, found.truncated) = listed?;
    }
    Ok(found)
}

/// Returns the server information from the handshake with the process of `bridge`, without tools.
#[must_use]
pub fn introduced(bridge: &dyn Bridge) -> Option<Examined> {
    let connection = bridge.connection();
    let greeting: Value = serde_json::from_str(&connection.info.result).ok()?;
    let info = greeting.get("serverInfo").or_else(|| greeting.get("_meta")?.get(SERVER_INFO));
    let text = |value: Option<&Value>| {
        value.and_then(Value::as_str).map(|text| shortened(text, LONGEST_NAME))
    };
    let revision = text(greeting.get("protocolVersion"));
    Some(Examined {
        name: text(info.and_then(|info| info.get("name"))),
        version: text(info.and_then(|info| info.get("version"))),
        protocol: if connection.era == Era::Modern { Some(MODERN.to_owned()) } else { revision },
        has_tools: greeting.pointer("/capabilities/tools").is_some(),
        ..Examined::default()
    })
}
