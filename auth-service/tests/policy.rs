//! The commands `policy check` and `policy explain`, without settings and without Redis.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{fs, path::Path, process::Command};

use serde_json::Value;

/// The result of a command: its exit code, and its output.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Runs `auth-service policy` without an environment, in an empty directory.
fn policy(arguments: &[&str]) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-service"));
    command.env_clear().current_dir(&directory).arg("policy").args(arguments);
    let output = command.output().expect("it runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn example(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("docs/access").join(name).to_str().unwrap().to_owned()
}

fn with_file(text: &str, run: impl FnOnce(&str)) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    run(file.path().to_str().unwrap());
}

#[test]
fn check_counts_the_expectations_that_hold() {
    for (name, count) in [("home.toml", 5), ("team.toml", 11), ("company.toml", 13)] {
        let file = example(name);
        let ran = policy(&["check", &file]);
        let expected = format!("{file}: {count} of {count} expectations hold\n");
        assert_eq!((ran.code, &*ran.out, &*ran.err), (0, &*expected, ""), "{name}");
    }
}

#[test]
fn check_reports_mistakes_with_their_places() {
    with_file("[login]\nalow = []\n[[rule]]\nwho = []\nservers = [\"git\"]\n", |file| {
        let ran = policy(&["check", file]);
        assert_eq!(ran.code, 1);
        let lines: Vec<&str> = ran.out.lines().collect();
        assert_eq!(lines[0], format!("{file}:2:1: unknown key \"alow\"; did you mean \"allow\"?"));
        assert!(lines[1].starts_with(&format!("{file}:4:7: ")), "{lines:?}");
        assert!(ran.err.contains("2 problem(s)"), "{}", ran.err);
    });
    for (text, what) in [("x".repeat(300_000), "larger than 256 kB"), ("[".to_owned(), "1:")] {
        with_file(&text, |file| {
            let ran = policy(&["check", file]);
            assert_eq!(ran.code, 1, "{}", ran.out);
            assert!(format!("{}{}", ran.out, ran.err).contains(what), "{}{}", ran.out, ran.err);
        });
    }
    let absent = policy(&["check", "/nonexistent/access.toml"]);
    assert!(absent.code == 1 && absent.out.contains("cannot read"), "{}", absent.out);
}

#[test]
fn check_reports_each_failing_expectation_with_its_reason() {
    let text = fs::read_to_string(example("team.toml")).unwrap();
    let changed = text.replacen("not = [\"role:sre\"]", "", 1);
    with_file(&changed, |file| {
        let ran = policy(&["check", file]);
        assert_eq!(ran.code, 1);
        assert!(ran.out.contains("10 of 11 expectations hold"), "{}", ran.out);
        let line = ran.out.lines().next().unwrap();
        for part in [file, ": test 2: db-prod/drop_table should be allowed", "rule 3", "* matches"]
        {
            assert!(line.contains(part), "{line}");
        }
    });
}

#[test]
fn check_knows_the_servers_of_another_file() {
    let servers =
        r#"{"mcpServers": {"git": {"command": "g"}, "notes": {"command": "n", "disabled": true}}}"#;
    let rules =
        "login.allow = [\"*\"]\n[[rule]]\nwho = [\"*\"]\nservers = [\"notes\", \"gti\", \"g*\"]\n";
    with_file(servers, |servers| {
        with_file(rules, |file| {
            let ran = policy(&["check", file, "--servers", servers]);
            assert_eq!(
                (ran.code, &*ran.out),
                (1, &*format!("{file}:2:1: there is no server \"gti\"\n"))
            );
            assert_eq!(policy(&["check", file]).code, 0);
        });
    });
}

/// Returns the JSON of `policy explain`.
fn explained(file: &str, facts: &str, person: &str, target: &str) -> Value {
    let ran = policy(&["explain", "--file", file, "--as", facts, "--json", person, target]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
}

#[test]
fn explain_states_decision_rule_and_reason() {
    let team = example("team.toml");
    let dana = r#"{"provider": "github", "id": "1", "login": "dana", "orgs": ["acme"], "teams": ["acme/dev"]}"#;
    let found = explained(&team, dana, "-", "db-prod/drop_table");
    assert_eq!(found["decision"], "deny");
    assert_eq!(found["rule"], "only SRE changes production");
    assert!(found["because"].as_str().unwrap().contains("none of role:sre does"), "{found}");
    let found = explained(&team, dana, "github:1", "git/commit");
    assert_eq!((&found["decision"], &found["rule"]), (&"allow".into(), &"developers".into()));
    let found = explained(&team, dana, "-", "notes");
    assert_eq!((&found["decision"], &found["rule"]), (&"deny".into(), &Value::Null));
    let text = policy(&["explain", "--file", &team, "--as", dana, "-", "db-prod/drop_table"]);
    let lines: Vec<&str> = text.out.lines().collect();
    assert_eq!(lines[0], "github:1; login dana; orgs acme; teams acme/dev");
    assert!(lines[1].starts_with("allow    login.allow: org:github:acme matches  "), "{lines:?}");
    assert!(
        lines[2].starts_with("allow    rule 1 \"developers\": role:dev matches  "),
        "{lines:?}"
    );
    assert!(lines[3].starts_with("deny     rule 3 "), "{lines:?}");
    assert!(lines[4].starts_with("=> DENIED: rule 3 "), "{lines:?}");
}

/// Checks that of a person without `--as` only the id is known.
#[test]
fn explain_holds_the_unknown_against_a_person() {
    let home = example("home.toml");
    for (person, target, decision) in [
        ("github:583231", "notes/write_file", "ALLOWED"),
        ("github:9", "time", "DENIED"),
        ("local:kid", "time", "ALLOWED"),
    ] {
        let ran = policy(&["explain", "--file", &home, person, target]);
        assert!(ran.out.contains(&format!("=> {decision}")), "{}{}", ran.out, ran.err);
    }
    let ran = policy(&["explain", "--file", &home, "github:9", "time"]);
    assert!(ran.out.contains("login.allow: github:alice cannot be confirmed"), "{}", ran.out);
}

#[test]
fn explain_refuses_what_it_cannot_read() {
    let home = example("home.toml");
    let alice = r#"{"provider": "github", "id": "1"}"#;
    for (arguments, what) in [
        (&["--as", alice, "github:2", "time"][..], "PERSON and --as differ"),
        (&["-", "time"], "needs --as"),
        (&["alice", "time"], "write PROVIDER:ID"),
        (&["github:", "time"], "write PROVIDER:ID"),
        (&["--as", "{", "-", "time"], "--as: "),
        (
            &["--as", r#"{"provider": "github", "grups": []}"#, "-", "time"],
            "did you mean \"groups\"",
        ),
        (&["--as", alice, "-", "time/"], "the tool is missing"),
        (&["--as", alice, "-", "Time"], "names no server"),
    ] {
        let ran = policy(&[&["explain", "--file", &home], arguments].concat());
        assert!(ran.code == 1 && ran.err.contains(what), "{arguments:?}: {} {}", ran.out, ran.err);
    }
    // Without --file it is access.toml in the working directory, which is empty here.
    let ran = policy(&["explain", "--as", alice, "-", "time"]);
    assert!(ran.code == 1 && ran.err.contains("cannot read access.toml"), "{}", ran.err);
    with_file("[[rule]]", |file| {
        let ran = policy(&["explain", "--file", file, "--as", alice, "-", "time"]);
        assert!(ran.code == 1 && ran.err.contains(":1:1: "), "{}", ran.err);
    });
}
