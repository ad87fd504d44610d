//! Reports on the state of the servers for operators, of bounded size.

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_contract::reports::{
    LONGEST_TEXT, ServerReport, ServerState, ServersAnswer, ToolsAnswer, shortened,
};
use gateway_contract::revision::Era;

use crate::instances::instance::ServerInstance;
use crate::instances::server::Server;
use crate::operations::check::introduced;
use crate::sessions::SessionRegistry;

/// Returns the state of the processes of each server.
#[must_use]
pub fn states(registry: &SessionRegistry) -> BTreeMap<String, ServerState> {
    let instances = registry.instances();
    let of = |server: &Arc<Server>| state(server, &theirs(&instances, server));
    registry.servers().iter().map(|one| (one.name.to_string(), of(one))).collect()
}

/// Returns the full report on each server.
#[must_use]
pub fn servers(registry: &SessionRegistry) -> ServersAnswer {
    let instances = registry.instances();
    let of = |server: &Arc<Server>| report(server, &theirs(&instances, server));
    ServersAnswer {
        servers: registry.servers().iter().map(|one| (one.name.to_string(), of(one))).collect(),
    }
}

/// Returns the full report on `server`.
#[must_use]
pub fn server(registry: &SessionRegistry, server: &Server) -> ServerReport {
    let instances = registry.instances();
    report(server, &theirs(&instances, server))
}

/// Returns the tools found by the last successful check of `server`.
#[must_use]
pub fn tools(server: &Server) -> ToolsAnswer {
    let Some((at, found)) = server.checks.found() else { return ToolsAnswer::default() };
    ToolsAnswer { tools: Some(found.tools.clone()), truncated: found.truncated, at: Some(at) }
}

fn theirs<'a>(
    instances: &'a [Arc<ServerInstance>],
    server: &Server,
) -> Vec<&'a Arc<ServerInstance>> {
    instances.iter().filter(|instance| instance.server.name == server.name).collect()
}

fn state(server: &Server, instances: &[&Arc<ServerInstance>]) -> ServerState {
    let live: Vec<_> = instances.iter().filter_map(|instance| instance.process()).collect();
    ServerState {
        state: server.state().to_owned(),
        era: server.eras.of(&server.config()).map(|era| Era::name(era).to_owned()),
        crashing: instances.iter().filter(|instance| instance.health.is_failing()).count(),
        pids: live.iter().map(|process| process.pid).collect(),
        warm: server.starter.warm(),
        sessions: instances.iter().map(|instance| instance.sessions()).sum(),
        calls: live.iter().map(|process| process.calls.len()).sum(),
        restarts: server.history.restarts(),
        failures: server.health.failures(),
        last_failure: server.history.last_failure(),
    }
}

fn report(server: &Server, instances: &[&Arc<ServerInstance>]) -> ServerReport {
    let found = server.checks.found();
    let said = instances.iter().find_map(|instance| introduced(&*instance.live()?));
    let said = said.or_else(|| found.as_ref().map(|(_, found)| (**found).clone()));
    let said = said.unwrap_or_default();
    let mut process = state(server, instances);
    process.last_failure = process.last_failure.map(|text| shortened(&text, LONGEST_TEXT));
    ServerReport {
        process,
        name: said.name,
        version: said.version,
        protocol: said.protocol,
        tools: found.map(|(_, found)| found.tools.len()),
        check: server.checks.last().map(|last| last.report),
    }
}
