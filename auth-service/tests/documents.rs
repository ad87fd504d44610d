//! What the documents say is there: `docs/RFC.md` and the table of `lib.rs` name files and tests.
#![expect(clippy::unwrap_used, reason = "a document that cannot be read is a fault of the test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The cells of the rows of all tables, without heads and rules.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().map(|line| line.trim_start_matches("//! ")).collect();
    let mut rows = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let rule = |line: &str| line.starts_with("|--") || line.starts_with("| --");
        let head = lines.get(index + 1).is_some_and(|next| rule(next));
        if line.starts_with('|') && !rule(line) && !head {
            let cells = line.trim_matches('|').split('|').map(str::trim);
            rows.push(cells.collect());
        }
    }
    rows
}

/// What stands in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// A file of the repository, or of the sources of this crate.
fn file_exists(name: &str) -> bool {
    let sources = root().join("auth-service/src");
    root().join(name).is_file() || sources.join(name).is_file()
}

/// Whether `module::test` is a test: of `tests/rfc`, of the end-to-end tests (`e2e::`), or in a file
/// of the sources.
fn test_exists(name: &str) -> bool {
    let Some((module, test)) = name.rsplit_once("::") else { return false };
    if let Some(file) = module.strip_prefix("e2e::") {
        let scenarios = fs::read_to_string(root().join(format!("tests/e2e/{file}.rs")));
        // A scenario, or a table whose rows are tests.
        let marks = [format!("(\"{test}\", "), format!("fn {test}() -> Vec<Row>")];
        return scenarios.is_ok_and(|text| marks.iter().any(|mark| text.contains(mark)));
    }
    let path = module.replace("::", "/");
    let places = ["tests/rfc/", "tests/", "src/"];
    let places = places.map(|place| format!("auth-service/{place}{path}.rs"));
    let mark = format!("fn {test}(");
    places.iter().filter_map(|place| fs::read_to_string(root().join(place)).ok()).any(|text| {
        let Some(at) = text.find(&mark) else { return false };
        let mut above = text[..at].lines().rev().take(3);
        above.any(|line| ["#[test]", "#[tokio::test"].iter().any(|mark| line.contains(mark)))
    })
}

#[test]
fn every_rule_has_its_file_and_its_test() {
    let text = fs::read_to_string(root().join("docs/RFC.md")).unwrap();
    let rows = rows(&text);
    assert!(rows.len() > 200, "only {} rows were found", rows.len());
    let mut faults = Vec::new();
    for row in rows {
        let [section, rule, files, tests] = row[..] else {
            faults.push(format!("not four cells: {row:?}"));
            continue;
        };
        let (files, tests) = (quoted(files), quoted(tests));
        if section.is_empty() || rule.is_empty() || files.is_empty() || tests.is_empty() {
            faults.push(format!("an empty cell: {row:?}"));
        }
        faults.extend(
            files.iter().filter(|file| !file_exists(file)).map(|file| format!("no file {file}")),
        );
        faults.extend(
            tests.iter().filter(|test| !test_exists(test)).map(|test| format!("no test {test}")),
        );
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Each RFC that has a file of tests has rules, too.
#[test]
fn every_rfc_with_tests_has_rules() {
    let text = fs::read_to_string(root().join("docs/RFC.md")).unwrap();
    let entries = fs::read_dir(root().join("auth-service/tests/rfc")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| name.starts_with("rfc")).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let module = name.trim_end_matches(".rs");
        assert!(text.contains(&format!("`{module}::")), "docs/RFC.md does not name {module}");
    }
}

/// `cargo run -q -p auth-service -- reference > docs/CLI.md` writes it again.
#[test]
fn the_reference_of_the_command_line_is_that_of_the_program() {
    let text = fs::read_to_string(root().join("docs/CLI.md")).unwrap();
    let is = auth_service::cli::reference::page();
    let other = is.lines().zip(text.lines()).find(|(is, was)| is != was);
    assert!(
        is == text,
        "docs/CLI.md is stale; run cargo run -q -p auth-service -- reference > docs/CLI.md: {other:?}"
    );
    assert!(is.lines().count() > 200, "{is}");
}

#[test]
fn the_table_of_the_crate_is_true() {
    let text = fs::read_to_string(root().join("auth-service/src/lib.rs")).unwrap();
    let rows = rows(&text);
    assert!(rows.len() > 10);
    for name in rows.iter().flat_map(|row| row.iter().flat_map(|cell| quoted(cell))) {
        let file = Path::new(name).extension().is_some();
        assert!(
            !file || file_exists(name) || file_exists(&format!("auth-service/{name}")),
            "{name}"
        );
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    assert!(test_exists("rfc7636::a_verifier_has_its_form"));
    assert!(test_exists("oauth::authorize::pkce::only_s256_challenges_are_taken"));
    assert!(test_exists("e2e::discovery::plain_http_redirects"));
    assert!(file_exists("oauth/authorize/pkce.rs") && file_exists("traefik/traefik.yml"));
    for absent in
        ["rfc7636::nothing", "rfc1::a", "e2e::discovery::plain", "oauth::authorize::pkce::fits"]
    {
        assert!(!test_exists(absent), "{absent}");
    }
    assert_eq!(rows("| a | b |\n|---|---|\n| 1 | `2` |"), [["1", "`2`"]]);
}

/// The table of `docs/AUDIT.md` has each kind of event, once and in order, and says which are off.
#[test]
fn the_kinds_of_audit_events_are_documented() {
    use gateway_contract::audit::EventKind;
    let text = fs::read_to_string(root().join("docs/AUDIT.md")).unwrap();
    let table = text.split("\n## Kinds\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let found: Vec<_> =
        rows(table).iter().map(|row| (quoted(row[0])[0].to_owned(), row[2].to_owned())).collect();
    let by_default = |kind: EventKind| match kind {
        EventKind::AuditLost => "always",
        kind if kind.is_off_by_default() => "off",
        _ => "on",
    };
    let all = EventKind::ALL.map(|kind| (kind.as_str().to_owned(), by_default(kind).to_owned()));
    assert_eq!(found, all);
}
