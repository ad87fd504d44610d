//! Starts from memory. `npx` and `uvx` look for a package, install it if necessary, and execute a program of
//! it. They cost half a second and a process or two. The program, and the runner's changes to the
//! environment, are therefore cached and executed directly the next time. The code calls such a package
//! runner a *package runner*.

mod changes;
mod follow;
mod image;
mod installs;
mod memory;
mod package_runner;

use changes::Changes;
pub(super) use follow::{Following, follow};
use image::Image;
pub use installs::{Installs, Package, Turn};
pub use memory::Memory;
pub use package_runner::{is_package_runner, package};

use super::{Invocation, Origin, Program};

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
    fn new(image: &Image, env: &[changes::Variable]) -> Option<Self> {
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
