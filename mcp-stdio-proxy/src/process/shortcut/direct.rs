//! The direct start of a program that a package runner has executed.

use super::changes::{Changes, Variable};
use super::image::Image;
use crate::process::invocation::Invocation;
use crate::process::program::{Origin, Program};

/// A program that can be executed without the package runner.
#[derive(Debug)]
pub struct Shortcut {
    program: String,
    /// The `argv[0]` of the program, by which Python, for example, finds its packages.
    name: String,
    args: Vec<String>,
    changes: Changes,
}

impl Shortcut {
    /// Returns the shortcut for `image`, the program of a package runner with the environment `env`. Returns
    /// `None` if it cannot be expressed as a command.
    pub(super) fn new(image: &Image, env: &[Variable]) -> Option<Self> {
        let text = |arg: &std::ffi::OsString| arg.to_str().map(str::to_owned);
        let mut args = image.args.iter().map(text);
        Some(Self {
            name: args.next()??,
            args: args.collect::<Option<_>>()?,
            program: image.program.to_str()?.to_owned(),
            changes: Changes::between(env, &image.env),
        })
    }

    /// Replaces the package runner `program` by the program that it executed.
    #[must_use]
    pub fn shorten(&self, program: Program) -> Program {
        let invocation = Invocation {
            command: self.program.clone(),
            name: Some(self.name.clone()),
            args: self.args.clone(),
            env: self.changes.applied(program.invocation.env),
            ..program.invocation
        };
        Program { invocation, origin: Origin::Memory, ..program }
    }

    /// Returns the program, for the log.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }
}
