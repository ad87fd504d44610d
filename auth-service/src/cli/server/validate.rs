//! Command `server validate`: checks names and entries of servers without settings and without starting anything.

use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use gateway_contract::servers::{
    self, NAME_RULE, Problem, Servers, is_name,
    variables::{Lookup, fill_entry},
};
use serde_json::json;

/// The options of `server validate`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Validate {
    /// The file with the mcpServers object; without it, standard input.
    file: Option<PathBuf>,
    /// Print the entries as JSON, for scripts.
    #[arg(long)]
    json: bool,
    /// Replace ${NAME} by the environment variable PREFIXNAME.
    #[arg(long, value_name = "PREFIX")]
    fill: Option<String>,
    /// Check this name of a server, and no file.
    #[arg(long, conflicts_with_all = ["file", "json", "fill"])]
    name: Option<String>,
}

/// Checks a name or a file by the rules that `serve` and mcp-stdio-proxy share.
pub(super) fn run(check: &Validate) -> anyhow::Result<()> {
    if let Some(name) = &check.name {
        ensure!(is_name(name), "{name:?}: {NAME_RULE}");
        return Ok(());
    }
    let label = check.file.as_ref().map(|file| file.display().to_string());
    let label = label.as_deref().unwrap_or("standard input");
    let text = match &check.file {
        Some(file) => std::fs::read_to_string(file),
        None => std::io::read_to_string(std::io::stdin()),
    };
    let text = text.with_context(|| format!("cannot read {label}"))?;
    let read = servers::read(&text).and_then(|servers| match &check.fill {
        Some(prefix) => filled(servers, prefix),
        None => Ok(servers),
    });
    match read {
        Ok(servers) if check.json => print_json(&servers),
        Ok(servers) => print(&servers),
        Err(problems) => {
            let problems = problems.iter().map(|problem| format!("{label}:{problem}"));
            bail!(problems.collect::<Vec<_>>().join("; "))
        }
    }
}

/// Fills the variables of all entries from the environment.
fn filled(mut servers: Servers, prefix: &str) -> Result<Servers, Vec<Problem>> {
    let lookup: Lookup<'_> = &|name| {
        let full = format!("{prefix}{name}");
        let found = std::env::vars_os().find(|(other, _)| *other == *full);
        found.and_then(|(_, value)| value.into_string().ok()).ok_or_else(|| format!("set {full}"))
    };
    let mut problems = Vec::new();
    for server in &mut servers.stated {
        if let Err(what) = fill_entry(&mut server.entry, lookup) {
            problems.push(Problem { place: server.place, server: Some(server.name.clone()), what });
        }
    }
    if problems.is_empty() { Ok(servers) } else { Err(problems) }
}

fn print_json(servers: &Servers) -> anyhow::Result<()> {
    let stated = servers.stated.iter();
    let stated = stated.map(|server| json!({ "name": server.name, "entry": server.entry }));
    let stated = stated.collect::<Vec<_>>();
    crate::cli::say(&json!({ "servers": stated, "disabled": servers.disabled }).to_string())
}

fn print(servers: &Servers) -> anyhow::Result<()> {
    servers.stated.iter().try_for_each(|server| {
        crate::cli::say(&server.name)?;
        server.unknown.iter().try_for_each(|key| crate::cli::say(&format!("  no effect: {key:?}")))
    })?;
    servers.disabled.iter().try_for_each(|name| crate::cli::say(&format!("{name} (disabled)")))
}
