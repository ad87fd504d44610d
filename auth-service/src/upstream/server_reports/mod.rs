//! The state of the servers, for administrators: asked of the proxies that run them, or of a server itself if it
//! speaks HTTP. Nothing is asked through Traefik, and nothing in the name of a person.
//!
//! There are three tiers: the container (its health check), HTTP (the proxy or the server answers) and MCP (the
//! server answers `initialize` and `tools/list`).

mod bounded;
mod native;
mod proxy;
mod report;
mod streamable;

use std::sync::Arc;

use futures_util::future::join_all;
use gateway_contract::reports::{EventsAnswer, ServersAnswer, ToolsAnswer};

pub use self::{
    bounded::ReportError,
    report::{ProxyState, Reach, ServerHealth, ServerReport},
};
use self::{native::NativeServers, proxy::ProxyClient};
use crate::{
    config::ProxyAddress,
    model::{Catalogue, Clock, McpServer},
};

/// The clients of all proxies, and of the servers that speak HTTP themselves.
pub struct ServerReports {
    proxies: Vec<ProxyClient>,
    native: NativeServers,
}

/// A proxy and its answer.
type Asked<'a> = (&'a ProxyClient, Result<ServersAnswer, ReportError>);

impl ServerReports {
    /// Creates the clients of `proxies`.
    #[must_use]
    pub fn new(proxies: &[ProxyAddress], clock: &Arc<dyn Clock>) -> Self {
        let proxies = proxies.iter().map(ProxyClient::new).collect();
        Self { proxies, native: NativeServers::new(Arc::clone(clock)) }
    }

    /// Returns the report of each server of `catalogue`, in its order. Asks everything at once, and waits a few
    /// seconds at most.
    pub async fn all(&self, catalogue: &Catalogue) -> Vec<ServerReport> {
        let asked = self.ask().await;
        join_all(catalogue.iter().map(|server| self.report(server, &asked))).await
    }

    /// Returns the report of `server`.
    pub async fn one(&self, server: &McpServer) -> ServerReport {
        self.report(server, &self.ask().await).await
    }

    /// Returns the tools that the last successful check of `server` found.
    pub async fn tools(&self, server: &McpServer) -> Result<ToolsAnswer, ReportError> {
        if server.url.is_some() {
            return Ok(self.native.tools(server));
        }
        let asked = self.ask().await;
        owner(server, &asked)?.tools(server.name.as_str()).await
    }

    /// Checks `server` at the level of MCP. A check that fails is a report, too.
    pub async fn check(&self, server: &McpServer) -> Result<ServerReport, ReportError> {
        if let Some(url) = &server.url {
            let mcp = self.native.check(server, url).await;
            return Ok(ServerReport::of_native(server, self.native.reach(url).await, Some(mcp)));
        }
        let asked = self.ask().await;
        let proxy = owner(server, &asked)?;
        let mcp = proxy.check(server.name.as_str()).await?;
        Ok(ServerReport::of_proxied(server, &proxy.name, mcp))
    }

    /// Returns whether each proxy answers.
    pub async fn proxies(&self) -> Vec<ProxyState> {
        let state = |(proxy, answer): &Asked<'_>| ProxyState {
            name: proxy.name.clone(),
            address: proxy.address.clone(),
            error: answer.as_ref().err().map(ToString::to_string),
            servers: answer.as_ref().map_or(0, |answer| answer.servers.len()),
        };
        self.ask().await.iter().map(state).collect()
    }

    /// Returns the names of the proxies.
    #[must_use]
    pub fn proxy_names(&self) -> Vec<String> {
        self.proxies.iter().map(|proxy| proxy.name.clone()).collect()
    }

    /// Returns the audit events of the proxy `name` after the one with the number `after`.
    pub async fn events(&self, name: &str, after: u64) -> Result<EventsAnswer, ReportError> {
        let proxy = self.proxies.iter().find(|proxy| proxy.name == name);
        proxy.ok_or(ReportError::NotRun)?.events(after).await
    }

    async fn ask(&self) -> Vec<Asked<'_>> {
        let ask = |proxy| async move { (proxy, ProxyClient::servers(proxy).await) };
        join_all(self.proxies.iter().map(ask)).await
    }

    async fn report(&self, server: &McpServer, asked: &[Asked<'_>]) -> ServerReport {
        if let Some(url) = &server.url {
            let reach = self.native.reach(url).await;
            return ServerReport::of_native(server, reach, self.native.last(server));
        }
        let name = server.name.as_str();
        let found = owner(server, asked).and_then(|proxy| {
            let answer = asked.iter().find(|(other, _)| std::ptr::eq(*other, proxy));
            let report = answer.and_then(|(_, answer)| answer.as_ref().ok()?.servers.get(name));
            report.map(|report| (proxy, report.clone())).ok_or(ReportError::NotRun)
        });
        match found {
            Ok((proxy, report)) => ServerReport::of_proxied(server, &proxy.name, report),
            Err(error) => ServerReport::unknown(server, &error),
        }
    }
}

/// Returns the proxy that runs `server`. A proxy of the same name is right, since a container that lies about the
/// servers of others must not be believed.
fn owner<'a>(server: &McpServer, asked: &[Asked<'a>]) -> Result<&'a ProxyClient, ReportError> {
    let name = server.name.as_str();
    let runs = |(_, answer): &&Asked<'a>| {
        answer.as_ref().is_ok_and(|answer| answer.servers.contains_key(name))
    };
    let own = asked.iter().find(|(proxy, _)| proxy.name == name);
    match own {
        // It is its proxy, whether it answers or not.
        Some((_, Err(error))) => Err(error.clone()),
        Some(own) if runs(&own) => Ok(own.0),
        _ => match asked.iter().find(runs) {
            Some((proxy, _)) => Ok(proxy),
            None => Err(asked
                .iter()
                .find_map(|(_, answer)| answer.as_ref().err().cloned())
                .unwrap_or(ReportError::NotRun)),
        },
    }
}
