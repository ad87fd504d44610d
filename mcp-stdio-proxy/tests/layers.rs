//! The layers of the crate: each folder uses those below it and none above.

use std::fs;
use std::path::{Path, PathBuf};

use gateway_tests::imports::{below, circles, folders};
use gateway_tests::types::sizes;

/// From the ground up. The files beside the folders are the ground and the roof.
const LAYERS: [&str; 15] = [
    "clock",
    "random",
    "messages",
    "access",
    "config",
    "process",
    "instances",
    "bridge",
    "sessions",
    "operations",
    "http",
    "healthcheck",
    "app",
    "main",
    "lib",
];

#[test]
fn no_layer_uses_one_above_it() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    let mut seen = 0;
    for (level, layer) in LAYERS.iter().enumerate() {
        for file in files(&source, layer) {
            seen += 1;
            let text = fs::read_to_string(&file).unwrap();
            let above = LAYERS.iter().skip(level + 1);
            for other in above.filter(|other| text.contains(&format!("crate::{other}::"))) {
                faults.push(format!("{} uses {other}", file.display()));
            }
            // Uses are read one to a line.
            assert!(!text.contains("crate::{"), "{}", file.display());
        }
    }
    let all = fs::read_dir(&source).unwrap().count();
    assert_eq!(all, LAYERS.len(), "every module has a layer");
    assert!(seen > 40, "only {seen} files were found");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_file_uses_itself_through_others() {
    let (faults, uses) = circles(&folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));
    assert!(faults.is_empty(), "circles: {faults:#?}");
    assert!(uses > 150, "only {uses} uses were found");
}

/// A larger type has more than one subject.
#[test]
fn no_type_has_more_than_12_fields_or_30_methods() {
    let mut sizes = sizes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sizes.len() > 80 && sizes["Process"].fields > 10, "{sizes:#?}");
    sizes.retain(|_, size| size.fields > 12 || size.methods > 30);
    assert!(sizes.is_empty(), "{sizes:#?}");
}

fn files(source: &Path, layer: &str) -> Vec<PathBuf> {
    let single = source.join(format!("{layer}.rs"));
    if single.exists() {
        return vec![single];
    }
    below(&source.join(layer))
}
