//! The table of faults names tests that there are.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read is a fault of the test")]

use std::fs;
use std::path::Path;

/// `module::name` of every test of the proxy from outside.
fn tests() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let names = text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next());
        all.extend(names.map(|name| format!("{module}::{name}")));
    }
    all
}

#[test]
fn each_row_of_the_table_of_faults_has_its_test() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/PROXY-FAULTS.md");
    let text = fs::read_to_string(document).unwrap();
    let tests = tests();
    let named: Vec<&str> =
        text.split('`').skip(1).step_by(2).filter(|word| word.contains("::")).collect();
    assert!(named.len() > 40, "only {} are named", named.len());
    for name in named {
        let found = match name.strip_suffix('…') {
            Some(start) => tests.iter().filter(|test| test.starts_with(start)).count(),
            None => tests.iter().filter(|test| *test == name).count(),
        };
        assert_eq!(found, 1, "{name} is {found} tests");
    }
}
