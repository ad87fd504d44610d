//! Tests of the parser with rules as operators write them.

use super::*;

#[test]
fn hosts_are_what_a_rule_asks_for() {
    for (rule, expected) in [
        ("Host(`time.example`)", vec!["time.example"]),
        ("Host(`Time.Example`) && PathPrefix(`/mcp`)", vec!["time.example"]),
        (
            "(Host(\"a.example\") || Host(`b.example`)) && !Path(`/x`)",
            vec!["a.example", "b.example"],
        ),
        ("Host(`a.example`, `b.example`)", vec!["a.example", "b.example"]),
        ("Host(`a.example`) && !Host(`b.example`)", vec!["a.example"]),
        ("!(Host(`b.example`) || Host(`c.example`)) && Host(`a.example`)", vec!["a.example"]),
        ("PathRegexp(`^/(a|b)(/|$)`) && Host(`a.example`)", vec!["a.example"]),
        ("HostRegexp(`^.+\\.example$`)", vec![]),
        ("Header(`Host`, `b.example`) && Host(`a.example`)", vec!["a.example"]),
        ("PathPrefix(`/Host(x)`)", vec![]),
    ] {
        assert_eq!(
            TraefikRule::parse(rule).map(|rule| rule.hosts()).as_deref(),
            Some(&expected.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>()[..]),
            "{rule}"
        );
    }
}

#[test]
fn what_is_no_rule_names_no_host() {
    for rule in [
        "Host(`a`",
        "Host(`a)",
        "Host(a)",
        "Host `a`)",
        "(Host(`a`)",
        "Host(`a`))",
        "Host",
        "; Host(`a`)",
        "Host(\"a\\\"\")",
        "Host(`a`) & Host(`b`)",
        "Host(`a`) Host(`b`)",
        "Host(`a`) ||",
        "",
        &"(".repeat(100_000),
        &"!".repeat(100_000),
    ] {
        assert_eq!(TraefikRule::parse(rule), None, "{rule}");
    }
}

#[test]
fn s3_a_rule_that_can_match_a_host_is_seen() {
    let auth = "auth.gw.example";
    for (rule, expected) in [
        ("Host(`auth.gw.example`)", true),
        ("Host(`Auth.GW.example`) && Path(`/authorize`)", true),
        ("Host(`a.example`) || Host(`auth.gw.example`)", true),
        ("Host(`a.example`) || PathPrefix(`/authorize`)", true),
        ("PathPrefix(`/`)", true),
        ("!Host(`a.example`)", true),
        ("HostRegexp(`^[a-z]+\\.gw\\.example$`)", true),
        ("HostRegexp(`^[a-z]+\\.gw\\.example$`) && !Host(`auth.gw.example`)", false),
        ("HostRegexp(`^.+\\.apps\\.example$`)", false),
        ("HostRegexp(`apps`)", true),
        ("HostSNI(`*`)", true),
        ("Host(`a.example`) && PathPrefix(`/authorize`)", false),
        ("Host(`a.example`)", false),
        ("!(Host(`auth.gw.example`) || Path(`/x`))", false),
    ] {
        let read = TraefikRule::parse(rule).unwrap();
        assert_eq!(read.can_match(auth, None), expected, "{rule}");
    }
    let shared = TraefikRule::parse("Host(`gw.example`) && PathPrefix(`/time/`)").unwrap();
    assert!(shared.can_match("gw.example", Some("/time/mcp")));
    assert!(!shared.can_match("gw.example", Some("/token")));
}
