//! Starts from memory. `npx` and `uvx` look for a package, install it if need be, and execute what is in
//! it; they cost half a second and a process or two. What they execute is remembered, with what they changed
//! in the environment, and executed directly the next time.

mod changes;
mod finder;
mod follow;
mod image;
mod installs;
mod memory;

use changes::Changes;
pub use finder::{is_finder, package};
pub(super) use follow::{Following, follow};
use image::Image;
pub use installs::{Installs, Package, Turn};
pub use memory::Memory;

use super::{Origin, Program};

/// An execution that can be repeated without the finder.
#[derive(Debug)]
pub struct Shortcut {
    program: String,
    /// The name it is executed under, which programs such as Python find their packages by.
    name: String,
    args: Vec<String>,
    changes: Changes,
}

impl Shortcut {
    /// Returns how to repeat `image`, of a finder that was started with the environment `env`. `None` if
    /// that cannot be written as a command.
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

    /// Makes `program`, a start of the finder, one of what it has executed.
    #[must_use]
    pub fn shorten(&self, program: Program) -> Program {
        Program {
            command: self.program.clone(),
            name: Some(self.name.clone()),
            args: self.args.clone(),
            env: self.changes.applied(program.env),
            origin: Origin::Memory,
            ..program
        }
    }

    /// Returns the program, for the log.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }
}
