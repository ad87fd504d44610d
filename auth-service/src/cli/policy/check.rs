//! Command `policy check`: finds mistakes in a policy file and runs its tests.

use std::path::PathBuf;

use anyhow::{Context, anyhow, ensure};
use gateway_contract::servers;

use super::{lines, outside};
use crate::{
    cli::say,
    config::AccessFile,
    model::{Clock, SystemClock},
};

/// The options of `policy check`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Check {
    /// The policy file, such as access.toml.
    file: PathBuf,
    /// Check that the servers of the rules are in this file, such as mcp-servers.json.
    #[arg(long, value_name = "FILE")]
    servers: Option<PathBuf>,
}

/// Prints the mistakes, the warnings, and the expectations that do not hold.
pub(super) fn run(check: &Check) -> anyhow::Result<()> {
    let label = check.file.display();
    let outside = outside();
    let document = match AccessFile::without_secrets(&check.file, &outside) {
        Ok(file) => file.document,
        Err(problems) => return report(check, &problems),
    };
    for line in lines(&check.file, &document.warnings) {
        say(&format!("warning: {line}"))?;
    }
    if let Some(file) = &check.servers {
        let text = std::fs::read_to_string(file);
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        let servers =
            servers::read(&text).map_err(|list| anyhow!(lines(file, &list).join("; ")))?;
        let stated = servers.stated.iter().map(|server| server.name.as_str());
        let names = stated.chain(servers.disabled.iter().map(String::as_str)).collect::<Vec<_>>();
        report(check, &lines(&check.file, &document.policy.unknown_servers(&names)))?;
    }
    let failures = document.failures(SystemClock.now());
    for failure in &failures {
        say(&format!("{label}:{failure}"))?;
    }
    let all = document.expectations.len();
    say(&format!("{label}: {} of {all} expectations hold", all - failures.len()))?;
    ensure!(failures.is_empty(), "{label}: {} of {all} expectations fail", failures.len());
    Ok(())
}

/// Prints `problems`. Fails if there are any.
fn report(check: &Check, problems: &[String]) -> anyhow::Result<()> {
    problems.iter().try_for_each(|line| say(line))?;
    ensure!(problems.is_empty(), "{}: {} problem(s)", check.file.display(), problems.len());
    Ok(())
}
