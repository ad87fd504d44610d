//! The documents: pages that the programs generate are up to date, lists are complete, and links work.

mod generated;
mod links;
mod lists;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Returns the directory of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the text of a file of the repository.
fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
