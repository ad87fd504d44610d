//! The tests of a file.

use super::{NOON, facts, read};

const POLICY: &str = r#"
login.allow = ["*"]
[[rule]]
name = "staff"
who = ["group:okta:staff"]
servers = ["git"]
until = 2026-11-30T13:00:00Z
"#;

fn failures(test: &str) -> Vec<String> {
    let document = read(&format!("{POLICY}{test}"));
    document.failures(NOON).iter().map(ToString::to_string).collect()
}

#[test]
fn an_expectation_that_fails_is_explained() {
    let test = "[[test]]\nname = \"n\"\nas = { provider = \"okta\", id = \"1\" }\nallow = [\"git\"]\n\
        deny = [\"git/x\"]\n[[test]]\nas = { provider = \"okta\", groups = [\"staff\"] }\n\
        deny = [\"db\", \"git/x\"]";
    assert_eq!(
        failures(test),
        [
            "11:10: test 1 \"n\": git should be allowed for okta:1, but is denied: no rule allows it",
            "15:15: test 2: git/x should be denied for okta:?; groups staff, but is allowed: \
             rule 1 \"staff\": group:okta:staff matches",
        ]
    );
}

#[test]
fn a_test_may_state_its_time() {
    for (at, fails) in [
        ("", false),
        ("at = 2026-11-30T12:59:59Z", false),
        ("at = 2026-11-30T13:00:00Z", true),
        ("at = 2026-11-30T12:30:00-01:00", true),
    ] {
        let test = format!(
            "[[test]]\nas = {{ provider = \"okta\", groups = [\"staff\"] }}\n{at}\nallow = [\"git\"]"
        );
        let found = failures(&test);
        assert_eq!(!found.is_empty(), fails, "{at}: {found:?}");
        assert!(!fails || found[0].contains("ended at 2026-11-30T13:00:00Z"), "{found:?}");
    }
}

#[test]
fn facts_are_the_same_as_json() {
    let table = "{ provider = \"github\", id = \"2\", login = \"sam\", orgs = [\"acme\"], teams = [\"a/b\"], \
        groups = [\"x\"], verified_email = \"a@b\", client = \"c\", unknown = [\"teams\", \"login\"] }";
    let document = read(&format!("[[test]]\nas = {table}\ndeny = [\"git\"]"));
    let json = facts(
        r#"{"provider": "github", "id": "2", "login": "sam", "orgs": ["acme"], "teams": ["a/b"],
            "groups": ["x"], "verified_email": "a@b", "client": "c", "unknown": ["teams", "login"]}"#,
    );
    assert_eq!(*document.expectations[0].facts, json);
    let line = json.to_string();
    assert_eq!(
        line,
        "github:2; login sam; verified e-mail a@b; client c; orgs acme; teams a/b; groups x; \
         unknown: teams, login"
    );
    for (bad, what) in [
        ("{", "EOF"),
        ("[]", "must be a table"),
        ("{}", "needs \"provider\""),
        (r#"{"provider": null}"#, "null"),
        (r#"{"provider": "x", "team": []}"#, "did you mean \"teams\""),
        (r#"{"provider": "x", "id": 7}"#, "\"id\" must be a string"),
        (r#"{"provider": "x", "orgs": "acme"}"#, "a list"),
        (r#"{"provider": "x", "unknown": ["x"]}"#, "cannot be unknown"),
    ] {
        let found = crate::access::facts_from_json(bad).unwrap_err();
        assert!(found.contains(what), "{bad}: {found}");
    }
}
