//! The floors of the crate: each file uses those below it and none above.

use std::fs;
use std::path::{Path, PathBuf};

use gateway_tests::imports::{below, circles, folders};

/// From the ground up.
const FLOORS: [&str; 29] = [
    "sync",
    "grants",
    "unguessable",
    "protocol",
    "audit",
    "translate",
    "stream",
    "session",
    "catalogue",
    "child",
    "parking",
    "settings",
    "health",
    "unavailable",
    "probe",
    "backend",
    "room",
    "hub",
    "check",
    "report",
    "metrics",
    "identity",
    "http",
    "inner",
    "logs",
    "cli",
    "healthcheck",
    "app",
    "main",
];

#[test]
fn no_floor_uses_one_above_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    let mut seen = 0;
    for (level, floor) in FLOORS.iter().enumerate() {
        for file in files(&source, floor) {
            seen += 1;
            let text = fs::read_to_string(&file).unwrap();
            let above = FLOORS.iter().skip(level + 1);
            for other in above.filter(|other| text.contains(&format!("crate::{other}"))) {
                faults.push(format!("{} uses {other}", file.display()));
            }
            // Uses are read one to a line.
            assert!(!text.contains("crate::{"), "{}", file.display());
        }
    }
    let all = fs::read_dir(&source).unwrap().count();
    assert_eq!(all, FLOORS.len() + 1, "every module has a floor, and lib.rs needs none");
    assert!(seen > 40, "only {seen} files were found");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_file_uses_itself_through_others() {
    let (faults, uses) = circles(&folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));
    assert!(faults.is_empty(), "circles: {faults:#?}");
    assert!(uses > 150, "only {uses} uses were found");
}

fn files(source: &Path, floor: &str) -> Vec<PathBuf> {
    let single = source.join(format!("{floor}.rs"));
    if single.exists() {
        return vec![single];
    }
    below(&source.join(floor))
}
