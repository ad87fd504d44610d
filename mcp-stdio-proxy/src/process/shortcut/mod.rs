//! Starts from memory. `npx` and `uvx` look for a package, install it if necessary, and execute a program of
//! it. They cost half a second and a process or two. The program, and the runner's changes to the
//! environment, are therefore cached and executed directly the next time. Such a program is called
//! a *package runner*.

mod changes;
mod direct;
mod follow;
mod image;
mod installs;
mod memory;
mod package_runner;

pub use direct::Shortcut;
pub(super) use follow::Following;
pub use installs::{Installs, Package, Turn};
pub use memory::Memory;
pub use package_runner::{is_package_runner, package};
