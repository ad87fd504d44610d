//! Compiled verdicts.

use super::{NOON, facts, read};
use crate::{
    access::{DeniedTools, Pattern},
    model::UnixTime,
};

const POLICY: &str = r#"
login.allow = ["*"]
[[rule]]
who = ["github:1"]
servers = ["git", "db-*"]
tools = ["read_*", "list_*"]
scopes = ["files:read"]
[[rule]]
who = ["*"]
servers = ["git"]
tools = ["read_*", "status"]
scopes = ["files:list"]
from = 2026-11-30T13:00:00Z
until = 2026-11-30T14:00:00Z
[[rule]]
effect = "deny"
who = ["*"]
not = ["team:github:acme/sre"]
servers = ["db-prod"]
tools = ["read_secret*"]
[[rule]]
effect = "deny"
who = ["*"]
servers = ["git"]
from = 2026-11-30T15:00:00Z
[[rule]]
effect = "deny"
who = ["github:2"]
servers = ["git"]
until = 2026-11-30T12:30:00Z
"#;

const HOUR: i64 = 3_600;

#[test]
fn a_verdict_holds_what_depends_on_the_person() {
    let policy = read(POLICY).policy;
    let one = policy.compile(&facts(r#"{"provider": "github", "id": "1"}"#), NOON);
    let git = one.server("git");
    assert!(git.allowed && git.tools_deny.is_empty());
    let allow: Vec<&str> = git.tools_allow.iter().flatten().map(Pattern::as_str).collect();
    assert_eq!(allow, ["list_*", "read_*"]);
    assert_eq!(git.scopes.unwrap().to_string(), "files:read");
    let production = one.server("db-prod");
    let deny: Vec<&str> = production.tools_deny.iter().map(DeniedTools::as_str).collect();
    assert_eq!(deny, ["read_secret*"]);
    for (tool, allowed) in [
        ("read_rows", true),
        ("read_secret_key", false),
        ("READ_SECRET_KEY", false),
        ("write_rows", false),
        ("list_x", true),
    ] {
        assert_eq!(production.admits_tool(tool), allowed, "{tool}");
    }
    assert!(!one.server("crm").allowed);
    assert!(!one.server("crm").admits_tool("read_x"));
    let sre = r#"{"provider": "github", "id": "1", "teams": ["acme/sre"]}"#;
    assert!(policy.compile(&facts(sre), NOON).server("db-prod").admits_tool("read_secret_key"));
}

#[test]
fn a_verdict_says_until_when_it_holds() {
    let policy = read(POLICY).policy;
    let at = |id: &str, seconds: i64, server: &str| {
        let facts = facts(&format!(r#"{{"provider": "github", "id": "{id}"}}"#));
        let verdict = policy.compile(&facts, UnixTime(NOON.0 + seconds)).server(server);
        (verdict.allowed, verdict.valid_until.map(|until| until.0 - NOON.0))
    };
    assert_eq!(at("1", 0, "git"), (true, Some(HOUR)));
    assert_eq!(at("1", 0, "db-test"), (true, None));
    assert_eq!(at("2", 0, "git"), (false, Some(HOUR / 2)));
    assert_eq!(at("3", 0, "git"), (false, Some(HOUR)));
    assert_eq!(at("3", HOUR, "git"), (true, Some(2 * HOUR)));
    assert_eq!(at("3", 2 * HOUR, "git"), (false, Some(3 * HOUR)));
    assert_eq!(at("1", 3 * HOUR, "git"), (false, None));
    let person = facts(r#"{"provider": "github", "id": "1"}"#);
    let verdict = policy.compile(&person, NOON);
    assert_eq!(verdict.valid_until(), Some(UnixTime(NOON.0 + HOUR)));
    let git = verdict.server("git");
    assert!(git.is_valid(UnixTime(NOON.0 + HOUR - 1)) && !git.is_valid(UnixTime(NOON.0 + HOUR)));
}

#[test]
fn a_closed_login_closes_every_server() {
    let policy =
        read(&POLICY.replace("login.allow = [\"*\"]", "login.allow = [\"github:9\"]")).policy;
    let verdict = policy.compile(&facts(r#"{"provider": "github", "id": "1"}"#), NOON);
    assert!(!verdict.may_log_in && !verdict.server("git").allowed);
    assert_eq!(verdict.valid_until(), None);
}
