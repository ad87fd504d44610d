//! Reports on the state of the servers for operators, of bounded size.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_contract::reports::{
    LONGEST_TEXT, ServerReport, ServerState, ServersAnswer, ToolsAnswer, shortened,
};
use gateway_contract::revision::Era;

use crate::backend::Backend;
use crate::check::introduced;
use crate::hub::Hub;
use crate::room::Room;

/// Returns the state of the processes of each server.
#[must_use]
pub fn states(hub: &Hub) -> BTreeMap<String, ServerState> {
    let rooms = hub.rooms();
    let of = |backend: &Arc<Backend>| state(backend, &theirs(&rooms, backend));
    hub.backends().iter().map(|one| (one.name.to_string(), of(one))).collect()
}

/// Returns the full report on each server.
#[must_use]
pub fn servers(hub: &Hub) -> ServersAnswer {
    let rooms = hub.rooms();
    let of = |backend: &Arc<Backend>| report(backend, &theirs(&rooms, backend));
    ServersAnswer {
        servers: hub.backends().iter().map(|one| (one.name.to_string(), of(one))).collect(),
    }
}

/// Returns the full report on `backend`.
#[must_use]
pub fn server(hub: &Hub, backend: &Backend) -> ServerReport {
    let rooms = hub.rooms();
    report(backend, &theirs(&rooms, backend))
}

/// Returns the tools found by the last successful check of `backend`.
#[must_use]
pub fn tools(backend: &Backend) -> ToolsAnswer {
    let Some((at, found)) = backend.checks.found() else { return ToolsAnswer::default() };
    ToolsAnswer { tools: Some(found.tools.clone()), truncated: found.truncated, at: Some(at) }
}

fn theirs<'a>(rooms: &'a [Arc<Room>], backend: &Backend) -> Vec<&'a Arc<Room>> {
    rooms.iter().filter(|room| room.backend.name == backend.name).collect()
}

fn state(backend: &Backend, rooms: &[&Arc<Room>]) -> ServerState {
    let live: Vec<_> = rooms.iter().filter_map(|room| room.live()).collect();
    let (restarts, last) = backend.troubles();
    ServerState {
        state: backend.state().to_owned(),
        era: backend.verdict.of(&backend.entry()).map(|era| Era::name(era).to_owned()),
        crashing: rooms.iter().filter(|room| room.is_crashing()).count(),
        pids: live.iter().map(|child| child.pid).collect(),
        warm: backend.warm(),
        sessions: rooms.iter().map(|room| room.sessions()).sum(),
        calls: live.iter().map(|child| child.calls.len()).sum(),
        restarts,
        failures: backend.health.failures(),
        last_failure: last,
    }
}

fn report(backend: &Backend, rooms: &[&Arc<Room>]) -> ServerReport {
    let found = backend.checks.found();
    let mut running = rooms.iter().filter(|room| room.live().is_some());
    let said = running.find_map(|room| introduced(room));
    let said = said.or_else(|| found.as_ref().map(|(_, found)| (**found).clone()));
    let said = said.unwrap_or_default();
    let mut process = state(backend, rooms);
    process.last_failure = process.last_failure.map(|text| shortened(&text, LONGEST_TEXT));
    ServerReport {
        process,
        name: said.name,
        version: said.version,
        protocol: said.protocol,
        tools: found.map(|(_, found)| found.tools.len()),
        check: backend.checks.last().map(|last| last.report),
    }
}
