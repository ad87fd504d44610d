//! The part of `scripts/chaos` that runs no program: the history of a run, and the model that it is checked against.

pub mod endings;
pub mod gaps;
pub mod grants;
pub mod history;
pub mod model;
pub mod random;
pub mod sessions;
pub mod violation;

#[cfg(test)]
mod tests;
