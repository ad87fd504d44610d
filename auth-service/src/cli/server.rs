//! Commands `server list`, which shows the catalogue with its sources and rejected entries, and `server check`.

use anyhow::Context;
use clap::Subcommand;
use serde::Serialize;

use super::{server_check, table};
use crate::{
    config::Config,
    model::{Listing, McpServer, Source},
    servers::{Container, DockerServers, Sources},
    store::Store,
};

/// The subcommands of `server`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the servers of the file and of containers, and rejected entries with the reason.
    List {
        /// Print JSON, for scripts.
        #[arg(long)]
        json: bool,
    },
    /// Check an mcpServers object, without settings and without starting anything; exit code 1 if an entry is
    /// invalid.
    Check(server_check::Check),
}

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
}

/// Runs the chosen command.
pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { json } => list(json).await,
        Command::Check(check) => server_check::run(&check),
    }
}

/// Prints the catalogue. Works without Redis, but not without the sources of servers.
async fn list(json: bool) -> anyhow::Result<()> {
    let config = Config::load()?;
    let listing = Sources::new(&config).read().await?;
    let containers = match DockerServers::new(&config) {
        Some(docker) => docker.containers().await.context("cannot list the containers")?,
        None => Vec::new(),
    };
    let grants = grants(&config, &listing).await;
    let view = view(&listing, &containers, grants.as_deref());
    if json { super::say(&serde_json::to_string(&view)?) } else { print(&view) }
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
    let rows: Vec<[String; 6]> = view
        .servers
        .iter()
        .map(|row| {
            let allow = row.allow.as_ref().map(|list| list.join(", "));
            [
                row.name.clone(),
                row.resource.clone(),
                row.source.clone(),
                allow.unwrap_or_else(|| "everybody who may log in".to_owned()),
                row.grants.map_or_else(|| "?".to_owned(), |count| count.to_string()),
                row.status.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    table::print(["NAME", "URL", "FROM", "FOR", "GRANTS", "CONTAINER"], &rows)?;
    view.mistakes.iter().try_for_each(|mistake| super::say(&format!("not a server: {mistake}")))?;
    view.unknown.iter().try_for_each(|unknown| super::say(&format!("no effect: {unknown}")))
}
