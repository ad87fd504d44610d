//! Health checks of a server at the level of MCP: `initialize` and `tools/list`, on a running process or on
//! one started for the check (MCP "Lifecycle", "Tools").

pub mod interval;
mod listing;
pub mod table;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gateway_contract::chain::Chain;
use gateway_contract::reports::{CheckOutcome, CheckReport, LONGEST_NAME, LONGEST_TEXT, shortened};
use gateway_contract::revision::MODERN;
use serde_json::Value;

use crate::backend::{Backend, Checked, Examined};
use crate::child::Child;
use crate::hub::Hub;
use crate::protocol::meta::SERVER_INFO;
use crate::room::{Hello, Room};
use crate::unavailable::Unavailable;

/// The user on whose behalf processes for checks are started.
const USER: &str = "check";
/// The timeout for all pages of a tool list.
const LISTING: Duration = Duration::from_secs(30);

/// The session of a check, which ends when dropped.
struct Opened {
    hub: Arc<Hub>,
    id: Option<String>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(id) = &self.id {
            self.hub.end(id);
        }
    }
}

/// Checks `backend`. Concurrent calls are coalesced: a caller that arrives during a check gets its outcome.
pub async fn check(hub: &Arc<Hub>, backend: &Arc<Backend>) -> Checked {
    let asked = Instant::now();
    let _turn = backend.checks.turn.lock().await;
    if let Some(last) = backend.checks.last()
        && last.ended >= asked
    {
        return last;
    }
    let start = Instant::now();
    let limit = backend.start_timeout().saturating_add(LISTING);
    let outcome = match tokio::time::timeout(limit, examine(hub, backend)).await {
        Ok(outcome) => outcome.map_err(|error| told(&error)),
        Err(_) => Err(format!("the check was not finished within {} s", limit.as_secs())),
    };
    let ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let at = now();
    let report = |outcome, error| CheckReport { at, outcome, ms, error };
    match outcome {
        Ok(found) => backend.checks.note(report(CheckOutcome::Ok, None), Some(found)),
        Err(why) => {
            let why = shortened(&why, LONGEST_TEXT);
            backend.checks.note(report(CheckOutcome::Failed, Some(why)), None)
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

/// Retrieves the server information and the tools from a process of `backend`.
async fn examine(hub: &Arc<Hub>, backend: &Arc<Backend>) -> anyhow::Result<Examined> {
    let rooms = hub.rooms();
    let mut theirs = rooms.iter().filter(|room| Arc::ptr_eq(&room.backend, backend));
    let running = theirs.find_map(|room| Some((room, room.live()?)));
    if let Some((room, child)) = running {
        let (used, child_used) = (room.used(), child.used());
        let found = inspect(room, &child).await;
        // A check must not keep an idle process alive.
        if room.used() == used && child.calls.is_empty() {
            child.set_used(child_used);
        }
        return found;
    }
    let (seat, _) = hub.open(backend, Some(USER.into()), Hello::newest()).await?;
    let _opened = Opened { hub: Arc::clone(hub), id: seat.session.id.clone() };
    let child = hub.child(&seat.room).await?;
    seat.room.say_initialized(&child).await;
    inspect(&seat.room, &child).await
}

async fn inspect(room: &Room, child: &Child) -> anyhow::Result<Examined> {
    let mut found = introduced(room).unwrap_or_default();
    if found.has_tools {
        let listing = listing::read(room, child);
        let Ok(listed) = tokio::time::timeout(LISTING, listing).await else {
            anyhow::bail!("tools/list was not answered within {} s", LISTING.as_secs());
        };
        (found.tools, found.truncated) = listed?;
    }
    Ok(found)
}

/// Returns the server information from the handshake of `room`, without tools.
#[must_use]
pub fn introduced(room: &Room) -> Option<Examined> {
    let greeting: Value = serde_json::from_str(&room.greeting()?.result).ok()?;
    let info = greeting.get("serverInfo").or_else(|| greeting.get("_meta")?.get(SERVER_INFO));
    let text = |value: Option<&Value>| {
        value.and_then(Value::as_str).map(|text| shortened(text, LONGEST_NAME))
    };
    let revision = text(greeting.get("protocolVersion"));
    Some(Examined {
        name: text(info.and_then(|info| info.get("name"))),
        version: text(info.and_then(|info| info.get("version"))),
        protocol: if room.is_modern() { Some(MODERN.to_owned()) } else { revision },
        has_tools: greeting.pointer("/capabilities/tools").is_some(),
        ..Examined::default()
    })
}
