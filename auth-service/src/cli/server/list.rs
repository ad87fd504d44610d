//! Command `server list`: the catalogue with its sources, the state of each server, and rejected entries.

use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;

use crate::{
    cli::{output::Json, say, table},
    config::Config,
    model::{Clock, Listing, McpServer, Source, SystemClock},
    servers::{Container, DockerServers, Sources},
    store::Store,
    upstream::{ServerReport, ServerReports},
};

#[derive(Serialize)]
struct View {
    servers: Vec<Row>,
    /// Rejected entries and containers, with the reason.
    mistakes: Vec<String>,
    /// Keys of the file that have no effect.
    unknown: Vec<String>,
}

/// A server as printed in the table and in JSON.
#[derive(Serialize)]
struct Row {
    name: String,
    title: String,
    resource: String,
    /// The source of the definition: the file or a container.
    source: String,
    /// The allow list. `None` if everybody who may log in may use the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<Vec<String>>,
    /// The scopes that every use requires, separated by spaces.
    scopes: String,
    /// The status of its container, as Docker reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// The number of grants that include the server. `None` if Redis does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<usize>,
    /// The state of the server, as its proxy reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<ServerReport>,
}

/// Prints the catalogue. Works without Redis and without the proxies, but not without the sources of servers.
pub(super) async fn run(json: Json) -> anyhow::Result<()> {
    let config = Config::load()?;
    let listing = Sources::new(&config).read().await?;
    let containers = match DockerServers::new(&config) {
        Some(docker) => docker.containers().await.context("cannot list the containers")?,
        None => Vec::new(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let reports = ServerReports::new(&config.proxies, &clock).all(&listing.catalogue()).await;
    let grants = grants(&config, &listing).await;
    let mut view = view(&listing, &containers, grants.as_deref());
    for (row, report) in view.servers.iter_mut().zip(reports) {
        // Without proxies, there is nothing to say of most servers.
        row.report =
            Some(report).filter(|report| !config.proxies.is_empty() || report.http.is_some());
    }
    json.print(&view, || print(&view))
}

/// Returns the number of grants to each server, or `None` if Redis does not answer: the list of servers is
/// useful even then.
async fn grants(config: &Config, listing: &Listing) -> Option<Vec<usize>> {
    let asked = async {
        let store = Store::open(&config.redis)?;
        let mut counts = Vec::new();
        for offer in &listing.offers {
            counts.push(store.maintenance.grants_to(&offer.server.resource).await?);
        }
        Ok::<_, crate::store::Error>(counts)
    };
    asked.await.inspect_err(|error| log::warn!("{}", crate::model::Chain(error))).ok()
}

fn view(listing: &Listing, containers: &[Container], grants: Option<&[usize]>) -> View {
    let row = |place: usize, source: &Source, server: &McpServer| {
        let status = containers.iter().find(|container| match source {
            Source::File => false,
            Source::Container(name) => *name == container.name,
        });
        Row {
            name: server.name.as_str().to_owned(),
            title: server.title.clone(),
            resource: server.resource.to_string(),
            source: source.to_string(),
            allow: server.allow.as_ref().map(|list| list.entries().to_vec()),
            scopes: server.scopes.basic.to_string(),
            status: status.map(|container| container.status.clone()),
            grants: grants.and_then(|counts| counts.get(place).copied()),
            report: None,
        }
    };
    View {
        servers: listing
            .offers
            .iter()
            .enumerate()
            .map(|(place, offer)| row(place, &offer.source, &offer.server))
            .collect(),
        mistakes: listing.mistakes.iter().map(ToString::to_string).collect(),
        unknown: listing.unknown.iter().map(ToString::to_string).collect(),
    }
}

fn print(view: &View) -> anyhow::Result<()> {
    let rows: Vec<[String; 8]> = view
        .servers
        .iter()
        .map(|row| {
            let allow = row.allow.as_ref().map(|list| list.join(", "));
            let report = row.report.as_ref();
            let tools = report.and_then(|report| report.mcp.as_ref()?.tools);
            [
                row.name.clone(),
                row.resource.clone(),
                row.source.clone(),
                allow.unwrap_or_else(|| "everybody who may log in".to_owned()),
                row.grants.map_or_else(|| "?".to_owned(), |count| count.to_string()),
                row.status.clone().unwrap_or_else(|| "-".to_owned()),
                report.map_or_else(|| "-".to_owned(), |report| report.health.as_str().to_owned()),
                tools.map_or_else(|| "-".to_owned(), |count| count.to_string()),
            ]
        })
        .collect();
    let head = ["NAME", "URL", "FROM", "FOR", "GRANTS", "CONTAINER", "STATE", "TOOLS"];
    table::print(head, &rows)?;
    let unknown = view.servers.iter().filter_map(|row| row.report.as_ref()?.error.as_deref());
    let unknown: std::collections::BTreeSet<&str> = unknown.collect();
    unknown.iter().try_for_each(|why| say(&format!("state unknown: {why}")))?;
    view.mistakes.iter().try_for_each(|mistake| say(&format!("not a server: {mistake}")))?;
    view.unknown.iter().try_for_each(|unknown| say(&format!("no effect: {unknown}")))
}
