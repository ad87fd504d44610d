//! Exit codes of the commands.

use crate::store;

/// The exit codes, with their meaning for `docs/CLI.md`.
pub(super) const CODES: [(u8, &str); 7] = [
    (0, "The command succeeded."),
    (FAILED, "The command failed."),
    (2, "The arguments are wrong."),
    (
        3,
        "Nothing matched the selection, or there is no such person, client, grant, server or sign-in.",
    ),
    (4, "The act was refused, or was not confirmed."),
    (UNREACHABLE, "Redis or a proxy cannot be reached."),
    (6, "A check found something: `doctor`, `server check`."),
];

const FAILED: u8 = 1;
const UNREACHABLE: u8 = 5;

/// A reason to stop that has an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// The arguments contradict each other or lack something.
    #[error("{0}")]
    Usage(String),
    /// Nothing matched.
    #[error("{0}")]
    NothingMatched(String),
    /// A rule or the operator refused.
    #[error("{0}")]
    Refused(String),
    /// A proxy cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// A check found something.
    #[error("{0}")]
    Findings(String),
}

impl Stop {
    const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::NothingMatched(_) => 3,
            Self::Refused(_) => 4,
            Self::Unreachable(_) => UNREACHABLE,
            Self::Findings(_) => 6,
        }
    }
}

/// Returns the exit code of a command that failed with `error`.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stop.code();
    }
    if store::is_unreachable(error.as_ref()) { UNREACHABLE } else { FAILED }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_reason_keeps_its_code_under_a_context() {
        let stop = || anyhow::Error::from(Stop::NothingMatched("no".to_owned()));
        assert_eq!(exit_code(&stop()), 3);
        assert_eq!(exit_code(&Err::<(), _>(stop()).context("while listing").unwrap_err()), 3);
        assert_eq!(exit_code(&anyhow::anyhow!("x")), 1);
        let codes: Vec<u8> = CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6]);
    }
}
