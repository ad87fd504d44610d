//! The examples of `docs/ACCESS.md`.

use super::{NOON, read};

const EXAMPLES: [(&str, usize); 3] = [
    (include_str!("../../../../docs/access/home.toml"), 5),
    (include_str!("../../../../docs/access/team.toml"), 11),
    (include_str!("../../../../docs/access/company.toml"), 13),
];

#[test]
fn the_expectations_of_the_examples_hold() {
    for (text, count) in EXAMPLES {
        let document = read(text);
        assert_eq!(document.expectations.len(), count);
        assert!(document.failures(NOON).is_empty(), "{}", document.failures(NOON)[0]);
        assert_eq!(document.warnings, []);
    }
}

/// Checks that each rule and each entry of `login` is guarded by an expectation.
#[test]
fn the_expectations_notice_a_change_of_the_examples() {
    for (text, from, to) in [
        (0, "\"local:*\"", "\"local:x\""),
        (0, "[\"time\", \"fetch\"]", "[\"time\", \"notes\"]"),
        (0, "[\"*\"]\nservers = [\"time\"", "[\"github:alice\"]\nservers = [\"time\""),
        (1, "tools = [\"read_*\", \"list_*\"]", ""),
        (1, "until = 2027-01-31T18:00:00Z", ""),
        (1, "until = 2027-01-31T18:00:00Z", "until = 2027-01-31T17:59:59Z"),
        (1, "not = [\"role:sre\"]", ""),
        (1, "effect = \"deny\"", ""),
        (1, "[\"org:github:acme\"", "[\"org:github:other\""),
        (2, "deny = [\"group:okta:suspended\"]", ""),
        (2, "\"client:nightly\"]\nservers", "\"client:other\"]\nservers"),
        (2, "\"role:finance\", ", ""),
        (2, "clients = [\"https://claude.ai/*\", ", "clients = ["),
        (2, "\"write_*\", ", ""),
        (2, "tools = [\"export_*\"]", ""),
        (2, "servers = [\"git\", \"ci-*\"]", "servers = [\"*\"]"),
    ] {
        let changed = EXAMPLES[text].0.replacen(from, to, 1);
        assert_ne!(changed, EXAMPLES[text].0, "{from}");
        assert!(!read(&changed).failures(NOON).is_empty(), "{from}");
    }
}
