//! The wings of `oauth/`: each uses those before it and what all share. In every floor, no two files use each other,
//! directly or through others.

use std::path::{Path, PathBuf};

use gateway_tests::imports::{Folder, circles, folders};

/// From the ground up. A file of no wing is shared by all, and uses none.
const WINGS: [&str; 8] =
    ["", "people", "client", "authorize", "token", "verify", "accounts", "administration"];
/// A wing beside the others: it uses any of them, and none uses it.
const BESIDE: &str = "discovery";

fn wing(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(wing, _)| wing)
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn no_wing_uses_one_above_it() {
    let floor = Folder::read(&source(), "oauth");
    assert!(floor.files.len() > 40, "only {} files were found", floor.files.len());
    let rank = |module: &str| WINGS.iter().position(|name| *name == wing(module));
    let mut faults = Vec::new();
    for module in floor.files.keys().filter(|module| *module != "mod") {
        for used in floor.used_by(module) {
            let is_fault = match (rank(module), rank(used)) {
                (Some(own), Some(other)) => other > own,
                (Some(_), None) => true,
                (None, _) => wing(module) != BESIDE,
            };
            if is_fault {
                faults.push(format!("{module} uses {used}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_file_uses_itself_through_others() {
    let (faults, uses) = circles(&folders(&source()));
    assert!(faults.is_empty(), "circles: {faults:#?}");
    assert!(uses > 200, "only {uses} uses were found");
}
