//! Commands `policy check` and `policy explain`. They need neither settings nor Redis, but `explain` uses both if they
//! are there.

mod check;
mod explain;

use std::path::Path;

use gateway_contract::servers::Problem;

use crate::{
    access,
    config::{AccessSource, Config},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check a policy file and its tests; exit code 1 if something is wrong.
    Check(check::Check),
    /// Explain whether a person may use a server or a tool.
    Explain(explain::Explain),
}

pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Check(check) => check::run(&check),
        Command::Explain(explain) => explain::run(&explain).await,
    }
}

/// Returns problems as lines `FILE:LINE:COLUMN: …`.
fn lines(path: &Path, problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| format!("{}:{problem}", path.display())).collect()
}

/// Returns the providers that variables declare, if the settings are there.
fn outside() -> Vec<access::Provider> {
    match Config::load().map(|config| config.access) {
        Ok(AccessSource::File { outside, .. }) => outside,
        Ok(AccessSource::Lists { .. }) | Err(_) => Vec::new(),
    }
}
