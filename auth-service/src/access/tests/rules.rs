//! Rules: a table of policies, questions and decisions.

use super::{NOON, explain, facts, read};
use crate::model::UnixTime;

/// Everybody may log in.
const LOGIN: &str = "login.allow = [\"*\"]\n";

/// A person with a group.
const ANN: &str = r#"{"provider": "okta", "id": "a", "groups": ["staff"], "client": "cli"}"#;

/// Checks the decisions for `person`. A target that begins with `!` must be denied.
fn check(rules: &str, person: &str, targets: &[&str]) {
    let document = read(&format!("{LOGIN}{rules}"));
    let person = facts(person);
    for target in targets {
        let (target, allowed) = target.strip_prefix('!').map_or((*target, true), |t| (t, false));
        let explanation = explain(&document, &person, target, NOON);
        assert_eq!(explanation.allowed, allowed, "{target}: {}\n{rules}", explanation.because());
    }
}

fn rule(body: &str) -> String {
    format!("[[rule]]\n{}\n", body.replace("; ", "\n"))
}

#[test]
fn nothing_is_allowed_without_a_rule() {
    check("", ANN, &["!git", "!git/commit"]);
    let closed = read(&rule(r#"who = ["*"]; servers = ["*"]"#));
    assert!(!explain(&closed, &facts(ANN), "git", NOON).allowed);
    assert!(!explain(&read(""), &facts(ANN), "git", NOON).allowed);
}

#[test]
fn servers_and_tools_are_patterns() {
    let rows: [(&str, &[&str]); 15] = [
        (r#"servers = ["*"]"#, &["git", "db-prod/x"]),
        (r#"servers = ["git"]"#, &["git", "git/commit", "!gitlab", "!gi", "!db/git"]),
        (r#"servers = ["db-*"]"#, &["db-prod", "!db", "!adb-x", "db-a-b/t"]),
        (r#"servers = ["*-prod"]"#, &["db-prod", "!db-prod-x"]),
        (r#"servers = ["a*b*c"]"#, &["abc", "a1b2c", "!acb", "!abcd"]),
        (r#"servers = ["git", "db"]"#, &["git", "db", "!x"]),
        (r#"servers = ["git"]; tools = ["read_*"]"#, &["git", "git/read_x", "!git/write_x"]),
        (r#"servers = ["git"]; tools = ["read_*"]"#, &["!git/Read_x", "!git/ read_x", "!db"]),
        (r#"servers = ["git"]; tools = ["a.c"]"#, &["git/a.c", "!git/abc"]),
        (r#"servers = ["git"]; tools = ["[ab]"]"#, &["git/[ab]", "!git/a"]),
        (r#"servers = ["git"]; tools = ["a?"]"#, &["git/a?", "!git/ab"]),
        (r#"servers = ["git"]; tools = ["x/y"]"#, &["git/x/y", "!git/x"]),
        (r#"servers = ["git"]; tools = ["*"]"#, &["git/anything", "git/\u{e4}", "git/a\nb"]),
        (r#"servers = ["git"]; tools = ["*_all"]"#, &["git/delete_all", "!git/all"]),
        (r#"servers = ["git"]; tools = ["Get*"]"#, &["git/GetX", "!git/getX"]),
    ];
    for (body, targets) in rows {
        check(&rule(&format!("who = [\"*\"]; {body}")), ANN, targets);
    }
}

#[test]
fn deny_wins_whatever_the_order() {
    let allow = rule(r#"who = ["*"]; servers = ["*"]"#);
    let rows: [(&str, &[&str]); 9] = [
        (r#"servers = ["git"]"#, &["!git", "!git/commit", "db"]),
        (r#"servers = ["git"]; tools = ["del_*"]"#, &["git", "git/read", "!git/del_x", "db/del_x"]),
        // Another spelling that a server may accept is denied, too.
        (r#"servers = ["git"]; tools = ["del_*"]"#, &["!git/DEL_x", "!git/Del_X", "!git/del_x "]),
        (r#"servers = ["git"]; tools = ["DEL_*"]"#, &["!git/del_x", "git/xdel_x"]),
        (r#"servers = ["git"]; tools = ["del_*"]"#, &["!git/\u{200b}del_x", "!git/read\u{200b}"]),
        (r#"servers = ["*"]; tools = ["*"]"#, &["git", "!git/x"]),
        (r#"servers = ["git"]; clients = ["web*"]"#, &["git"]),
        (r#"servers = ["git"]; clients = ["c*"]"#, &["!git", "db"]),
        (r#"servers = ["git"]; clients = ["C*", "cl"]"#, &["git"]),
    ];
    for (body, targets) in rows {
        let deny = rule(&format!("effect = \"deny\"; who = [\"*\"]; {body}"));
        check(&format!("{allow}{deny}"), ANN, targets);
        check(&format!("{deny}{allow}"), ANN, targets);
    }
}

#[test]
fn an_exception_takes_people_out_of_a_rule() {
    let allow = rule(r#"who = ["*"]; servers = ["*"]"#);
    let but = rule(r#"who = ["*"]; not = ["group:okta:staff"]; servers = ["git"]"#);
    check(&but, ANN, &["!git"]);
    check(&but, r#"{"provider": "okta", "id": "b"}"#, &["git"]);
    check(&but, r#"{"provider": "okta", "id": "b", "unknown": ["groups"]}"#, &["!git"]);
    let deny =
        rule(r#"effect = "deny"; who = ["*"]; not = ["group:okta:staff"]; servers = ["git"]"#);
    let deny = format!("{allow}{deny}");
    check(&deny, ANN, &["git"]);
    check(&deny, r#"{"provider": "okta", "id": "b"}"#, &["!git", "db"]);
    check(&deny, r#"{"provider": "okta", "id": "b", "unknown": ["groups"]}"#, &["!git", "db"]);
    check(&deny, r#"{"provider": "github", "id": "b", "groups": ["staff"]}"#, &["!git"]);
    check(&rule(r#"who = ["*"]; not = []; servers = ["git"]"#), ANN, &["git"]);
}

#[test]
fn the_unknown_counts_against_the_person() {
    let unknown = r#"{"provider": "okta", "id": "a", "unknown": ["groups"]}"#;
    let allow = rule(r#"who = ["group:okta:staff"]; servers = ["git"]"#);
    check(&allow, unknown, &["!git"]);
    let all = rule(r#"who = ["*"]; servers = ["*"]"#);
    let deny = rule(r#"effect = "deny"; who = ["group:okta:bad"]; servers = ["git"]"#);
    check(&format!("{all}{deny}"), unknown, &["!git", "db"]);
    check(&format!("{all}{deny}"), ANN, &["git"]);
    let deny =
        rule(r#"effect = "deny"; who = ["group:okta:bad"]; servers = ["git"]; tools = ["w_*"]"#);
    check(&format!("{all}{deny}"), unknown, &["git", "git/r", "!git/w_x"]);
    // The client in use.
    let person = r#"{"provider": "okta", "id": "a", "unknown": ["client"]}"#;
    let only = rule(r#"who = ["*"]; servers = ["git"]; clients = ["cli"]"#);
    check(&only, person, &["!git"]);
    check(&only, ANN, &["git"]);
    check(&only, r#"{"provider": "okta", "id": "a"}"#, &["!git"]);
    let not = rule(r#"effect = "deny"; who = ["*"]; servers = ["git"]; clients = ["web"]"#);
    check(&format!("{all}{not}"), person, &["!git", "db"]);
    check(&format!("{all}{not}"), r#"{"provider": "okta", "id": "a"}"#, &["git"]);
    let any = rule(r#"who = ["*"]; servers = ["git"]; clients = ["*"]"#);
    check(&any, person, &["git"]);
    // A client that acts for itself is the client in use.
    let own = rule(r#"who = ["client:*"]; servers = ["git"]; clients = ["nightly"]"#);
    check(&own, r#"{"provider": "client", "id": "nightly"}"#, &["git"]);
    check(&own, r#"{"provider": "client", "id": "other"}"#, &["!git"]);
}

#[test]
fn login_is_asked_first() {
    let all = "[[rule]]\nwho = [\"*\"]\nservers = [\"*\"]\n";
    let id = |id: &str| format!(r#"{{"provider": "okta", "id": "{id}", "groups": ["{id}"]}}"#);
    for (login, person, allowed) in [
        ("login.allow = []", id("a"), false),
        ("login.allow = [\"id:okta:a\"]", id("a"), true),
        ("login.allow = [\"id:okta:a\"]", id("b"), false),
        ("login.allow = [\"*\"]\nlogin.deny = [\"id:okta:a\"]", id("a"), false),
        ("login.allow = [\"*\"]\nlogin.deny = [\"id:okta:a\"]", id("b"), true),
        ("login.allow = [\"id:okta:a\"]\nlogin.deny = [\"*\"]", id("a"), false),
        ("login.deny = []", id("a"), false),
        (
            "login.allow = [\"group:okta:a\"]",
            r#"{"provider": "okta", "id": "a", "unknown": ["groups"]}"#.into(),
            false,
        ),
        (
            "login.allow = [\"*\"]\nlogin.deny = [\"group:okta:x\"]",
            r#"{"provider": "okta", "id": "a", "unknown": ["groups"]}"#.into(),
            false,
        ),
        (
            "login.allow = [\"*\"]\nlogin.deny = [\"group:okta:x\"]",
            r#"{"provider": "github", "id": "a", "unknown": ["groups"]}"#.into(),
            true,
        ),
    ] {
        let document = read(&format!("{login}\n{all}"));
        let facts = facts(&person);
        assert_eq!(explain(&document, &facts, "git", NOON).allowed, allowed, "{login} {person}");
        assert_eq!(document.policy.compile(&facts, NOON).may_log_in, allowed, "{login}");
    }
}

#[test]
fn a_rule_applies_from_a_time_until_another() {
    let from = "2026-12-01T00:00:00+01:00"; // 2026-11-30T23:00:00Z
    let until = "2026-12-02T00:00:00.5Z";
    let body = format!("who = [\"*\"]; servers = [\"git\"]; from = {from}; until = {until}");
    let document = read(&format!("{LOGIN}{}", rule(&body)));
    let (start, end) = (NOON.0 + 11 * 3_600, NOON.0 + 36 * 3_600);
    for (time, allowed) in
        [(start - 1, false), (start, true), (end, true), (end + 1, false), (0, false)]
    {
        let explanation = explain(&document, &facts(ANN), "git", UnixTime(time));
        assert_eq!(explanation.allowed, allowed, "{time}: {}", explanation.because());
    }
    let late = explain(&document, &facts(ANN), "git", UnixTime(end + 1)).because();
    assert!(late.contains("ended at 2026-12-02T00:00:01Z"), "{late}");
}

#[test]
fn scopes_of_rules_are_united() {
    let a = rule(r#"who = ["*"]; servers = ["git"]; scopes = ["read"]"#);
    let b = rule(r#"who = ["group:okta:staff"]; servers = ["*"]; scopes = ["write", "read"]"#);
    let free = rule(r#"who = ["group:okta:staff"]; servers = ["git"]; tools = ["x"]"#);
    for (rules, person, scopes) in [
        (a.clone(), ANN, Some("read")),
        (format!("{a}{b}"), ANN, Some("read write")),
        (format!("{a}{b}"), r#"{"provider": "okta", "unknown": ["groups"]}"#, Some("read")),
        (format!("{a}{b}{free}"), ANN, None),
    ] {
        let document = read(&format!("{LOGIN}{rules}"));
        let explanation = explain(&document, &facts(person), "git", NOON);
        let found = explanation.scopes.map(|scopes| scopes.to_string());
        assert_eq!(found.as_deref(), scopes, "{rules}");
        let verdict = document.policy.compile(&facts(person), NOON).server("git");
        assert_eq!(verdict.scopes.map(|scopes| scopes.to_string()).as_deref(), scopes);
    }
}

#[test]
fn an_explanation_names_the_rule_and_the_reason() {
    let text = include_str!("../../../../docs/access/company.toml");
    let document = read(text);
    for (person, target, rule, because) in [
        (
            r#"{"provider": "okta", "id": "1", "groups": ["mcp-users"]}"#,
            "ledger",
            Some("the ledger is for finance"),
            "rule 3 \"the ledger is for finance\": * matches, and none of role:finance, client:nightly does",
        ),
        (
            r#"{"provider": "okta", "id": "1", "unknown": ["groups"]}"#,
            "git",
            Some("login.deny"),
            "login.deny: group:okta:suspended cannot be ruled out",
        ),
        (
            r#"{"provider": "github", "id": "1"}"#,
            "git",
            Some("login.allow"),
            "login.allow: no entry matches",
        ),
        (
            r#"{"provider": "github", "id": "1", "unknown": ["orgs"]}"#,
            "git",
            Some("login.allow"),
            "login.allow: org:github:acme cannot be confirmed",
        ),
        (
            r#"{"provider": "github", "id": "1", "orgs": ["acme"]}"#,
            "crm",
            None,
            "no rule allows it",
        ),
        (
            r#"{"provider": "okta", "id": "1", "groups": ["mcp-users"]}"#,
            "crm",
            Some("staff"),
            "rule 1 \"staff\": role:staff matches",
        ),
    ] {
        let explanation = explain(&document, &facts(person), target, NOON);
        assert_eq!(explanation.rule().as_deref(), rule, "{person}");
        assert_eq!(explanation.because(), because, "{person}");
    }
}
