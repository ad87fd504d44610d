//! Lists that have to be complete, and paths of the repository that have to exist.

use std::fs;

use auth_service::oauth::Endpoint;

use crate::{links::documents, read, root};

#[test]
fn every_endpoint_is_documented() {
    let page = read("docs/ENDPOINTS.md");
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let listed: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    for endpoint in Endpoint::ALL {
        assert!(listed.contains(&endpoint.path()), "docs/ENDPOINTS.md lacks {}", endpoint.path());
    }
}

/// Each page of `docs/` is in the index, once.
#[test]
fn every_page_is_in_the_index() {
    let index = read("docs/README.md");
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") && name != "README.md" {
            let link = format!("- [{name}]({name}): ");
            assert_eq!(index.matches(&link).count(), 1, "docs/README.md: {name}");
        }
    }
}

/// Files that a document names, such as `tests/e2e/clients.rs`, exist. The changelog also names earlier ones. A name
/// with `NAME` or `NNNN` stands for several files.
#[test]
fn every_path_exists() {
    let folders = [
        "auth-service",
        "benches",
        "docker",
        "docs",
        "gateway-contract",
        "mcp-stdio-proxy",
        "scripts",
        "tests",
        "traefik",
    ];
    let mut faults = Vec::new();
    for path in documents(&root()) {
        if path.ends_with("CHANGELOG.md") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for code in text.split('`').skip(1).step_by(2) {
            let is_path = !["NAME", "NNNN"].iter().any(|mark| code.contains(mark))
                && code.contains('/')
                && code.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c))
                && folders.contains(&code.split('/').next().unwrap());
            // A page about one crate may name its files from there.
            let places = ["", "auth-service", "mcp-stdio-proxy"]
                .map(|crate_| root().join(crate_).join(code));
            if is_path && !places.iter().any(|place| place.exists()) {
                faults.push(format!("{}: {code}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
