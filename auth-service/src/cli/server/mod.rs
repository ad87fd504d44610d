//! Commands of `server`: the catalogue, and the state of the servers.

mod list;
mod reports;
mod validate;

use clap::Subcommand;

use super::output::Json;

/// The subcommands of `server`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the servers of the file and of containers with their state, and rejected entries with the reason.
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show the state of one server: its container, HTTP and MCP.
    Show {
        /// The name or the URL of the server.
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// List the tools of a server, as the last check found them; without a check, the server is checked first.
    Tools {
        /// The name or the URL of the server.
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Check servers: initialize and tools/list, of a running process or of one started for it. Exit code 6 if one
    /// fails.
    Check {
        /// The names of the servers; without a name, all of them.
        names: Vec<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Check an mcpServers object, without settings and without starting anything; exit code 1 if an entry is
    /// invalid.
    Validate(validate::Validate),
}

/// Runs a `server` subcommand.
pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List { json } => list::run(json).await,
        Command::Show { name, json } => reports::show(&name, json).await,
        Command::Tools { name, json } => reports::tools(&name, json).await,
        Command::Check { names, json } => reports::check(&names, json).await,
        Command::Validate(validate) => validate::run(&validate),
    }
}
