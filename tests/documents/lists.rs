//! Lists that have to be complete: endpoints, labels of containers, keys of the servers file, and the index.

use std::fs;

use auth_service::oauth::Endpoint;

use crate::{read, root};

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
