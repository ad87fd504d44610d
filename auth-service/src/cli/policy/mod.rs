//! Commands `policy check` and `policy explain`, which need neither settings nor Redis.

mod check;
mod explain;

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context, ensure};
use gateway_contract::servers::Problem;

use crate::access::{Document, limits};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check a policy file and its tests; exit code 1 if something is wrong.
    Check(check::Check),
    /// Explain whether a person may use a server or a tool.
    Explain(explain::Explain),
}

pub(super) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Check(check) => check::run(&check),
        Command::Explain(explain) => explain::run(&explain),
    }
}

/// Parses the file at `path`.
fn read(path: &Path) -> anyhow::Result<Result<Document, Vec<Problem>>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    // One byte more than the file may have.
    let most = u64::try_from(limits::FILE).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .with_context(cannot)?;
    let size = limits::FILE / 1024;
    ensure!(bytes.len() <= limits::FILE, "{} is larger than {size} kB", path.display());
    let text = String::from_utf8(bytes).with_context(cannot)?;
    Ok(Document::read(&text, &[]))
}

/// Returns problems as lines `FILE:LINE:COLUMN: …`.
fn lines(path: &Path, problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| format!("{}:{problem}", path.display())).collect()
}
