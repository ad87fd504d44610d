//! Confirmation of commands that end or delete something.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;

use super::exit::Stop;

/// The options of a command that ends or deletes something.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Confirmation {
    /// Do not ask for confirmation. Needed without a terminal.
    #[arg(long, short = 'y')]
    yes: bool,
    /// Show what the command would end or delete, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Confirmation {
    /// Fails if nobody could be asked, before anything is read.
    pub(super) fn check(self) -> Result<(), Stop> {
        if self.yes || self.dry_run || is_interactive() {
            return Ok(());
        }
        let why = "not confirmed, because there is no terminal to ask on: add --yes, or --dry-run to see what it would do";
        Err(Stop::Refused(why.to_owned()))
    }

    /// Returns `true` if the operator has to see first what the command hits.
    pub(super) fn needs_preview(self) -> bool {
        self.dry_run || !self.yes
    }

    /// Asks `question`. Returns `true` if the command goes on, and `false` after a dry run.
    pub(super) fn ask(self, question: &str) -> anyhow::Result<bool> {
        if self.dry_run {
            eprint("dry run: nothing was changed")?;
            return Ok(false);
        }
        if self.yes {
            return Ok(true);
        }
        self.check()?;
        let mut errors = std::io::stderr().lock();
        write!(errors, "{question} [y/N] ")?;
        errors.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(true);
        }
        Err(Stop::Refused("not confirmed: nothing was changed".to_owned()).into())
    }
}

/// Returns `true` if somebody can read a question and answer it.
fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Writes a line for people to standard error, where it is not taken for a result.
fn eprint(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stderr(), "{line}")?)
}
