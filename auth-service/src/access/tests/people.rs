//! The meaning of each form of an entry: a table of entries, people, and whether the entry means the person.

use super::{
    super::certainty::Certainty::{self, No, Unknown, Yes},
    facts, read,
};
use crate::access::who::any_means;

/// The providers and roles that the entries name.
const FRAME: &str = r#"
[provider.okta]
kind = "oidc"
[provider.kc]
kind = "oidc"
unique_names = true
[provider.ghes]
kind = "github"
[roles]
a = ["github:1", "group:okta:staff"]
"role:x" = ["github:2"]
"*" = ["github:3"]
"a,b" = ["github:4"]
"a.b" = ["github:5"]
"RÔLE" = ["github:6"]
nobody = []
deep = ["role:a", "team:github:acme/dev"]
"#;

/// Checks that each entry means the person of each row with the stated certainty.
fn check(rows: &[(&str, &str, Certainty)]) {
    for (entry, person, expected) in rows {
        let entry = toml_string(entry);
        let document = read(&format!("login.allow = [{entry}]\n{FRAME}"));
        let facts = facts(person);
        let evidence = document.policy.evidence(&facts);
        let found = any_means(&document.policy.login_allow, &evidence);
        assert_eq!(found, *expected, "{entry} for {person}");
        // Certainty decides a login, and doubt keeps a deny entry in effect.
        assert_eq!(document.policy.admits(&evidence), *expected == Yes, "{entry} for {person}");
        let deny = read(&format!("login.allow = [\"*\"]\nlogin.deny = [{entry}]\n{FRAME}"));
        assert_eq!(deny.policy.admits(&deny.policy.evidence(&facts)), *expected == No, "{entry}");
    }
}

/// Quotes `text` for TOML, whose escapes of basic strings include those of JSON.
pub(super) fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[test]
fn everybody_of_a_provider() {
    check(&[
        ("*", r#"{"provider": "github", "id": "1"}"#, Yes),
        ("*", r#"{"provider": "client", "id": "x"}"#, Yes),
        ("*", r#"{"provider": "okta", "unknown": ["groups"]}"#, Yes),
        ("github:*", r#"{"provider": "github", "id": "1"}"#, Yes),
        ("github:*", r#"{"provider": "github"}"#, Yes),
        ("github:*", r#"{"provider": "ghes", "id": "1"}"#, No),
        ("github:*", r#"{"provider": "okta", "id": "github:1", "login": "github:*"}"#, No),
        ("local:*", r#"{"provider": "local", "id": "kid", "login": "kid"}"#, Yes),
        ("local:*", r#"{"provider": "github", "id": "kid", "login": "kid"}"#, No),
        ("okta:*", r#"{"provider": "okta", "id": "00u1"}"#, Yes),
        ("okta:*", r#"{"provider": "kc", "id": "00u1"}"#, No),
        ("okta:*", r#"{"provider": "github", "id": "1", "groups": ["*"]}"#, No),
        ("client:*", r#"{"provider": "client", "id": "nightly"}"#, Yes),
        ("client:*", r#"{"provider": "github", "id": "1", "client": "nightly"}"#, No),
    ]);
}

#[test]
fn an_id_is_compared_exactly() {
    check(&[
        ("id:github:583231", r#"{"provider": "github", "id": "583231"}"#, Yes),
        ("id:github:583231", r#"{"provider": "github", "id": "5832310"}"#, No),
        ("id:github:583231", r#"{"provider": "github", "id": "0583231"}"#, No),
        ("id:github:583231", r#"{"provider": "github", "id": "9", "login": "583231"}"#, No),
        ("id:github:583231", r#"{"provider": "okta", "id": "583231"}"#, No),
        ("id:github:583231", r#"{"provider": "github", "login": "583231"}"#, Unknown),
        ("id:github:583231", r#"{"provider": "okta"}"#, No),
        ("id:github:1", r#"{"provider": "github", "id": "2", "unknown": ["id"]}"#, Unknown),
        ("github:583231", r#"{"provider": "github", "id": "583231", "login": "x"}"#, Yes),
        ("github:583231", r#"{"provider": "github", "id": "9", "login": "583231"}"#, No),
        ("github:583231", r#"{"provider": "local", "id": "583231"}"#, No),
        ("local:7", r#"{"provider": "local", "id": "7", "login": "7"}"#, Yes),
        ("id:okta:00u1", r#"{"provider": "okta", "id": "00u1"}"#, Yes),
        ("id:okta:00u1", r#"{"provider": "okta", "id": "00U1"}"#, No),
        ("id:okta:7", r#"{"provider": "okta", "id": "7"}"#, Yes),
        ("id:okta:7", r#"{"provider": "github", "id": "7"}"#, No),
        ("id:okta:a:b", r#"{"provider": "okta", "id": "a:b"}"#, Yes),
        ("id:okta:a:b", r#"{"provider": "okta", "id": "a"}"#, No),
        ("id:okta:github:7", r#"{"provider": "okta", "id": "github:7"}"#, Yes),
        ("github:7", r#"{"provider": "okta", "id": "github:7"}"#, No),
        ("id:okta:auth0|1", r#"{"provider": "okta", "id": "auth0|1"}"#, Yes),
        ("id:okta:tid/oid", r#"{"provider": "okta", "id": "tid/oid"}"#, Yes),
        ("id:okta:*", r#"{"provider": "okta", "id": "7"}"#, No),
        ("id:okta:*", r#"{"provider": "okta", "id": "*"}"#, Yes),
        ("id:okta:~w4k", r#"{"provider": "okta", "id": "~w4k"}"#, Yes),
    ]);
}

#[test]
fn a_login_name_counts_where_nobody_can_take_it() {
    check(&[
        ("github:alice", r#"{"provider": "github", "id": "1", "login": "alice"}"#, Yes),
        ("github:alice", r#"{"provider": "github", "id": "1", "login": "Alice"}"#, Yes),
        ("github:ALICE", r#"{"provider": "github", "id": "1", "login": "alice"}"#, Yes),
        ("github:alice", r#"{"provider": "github", "id": "1", "login": "alice2"}"#, No),
        ("github:alice", r#"{"provider": "github", "id": "1", "login": "alice "}"#, No),
        ("github:alice", r#"{"provider": "github", "id": "1", "login": "\u0430lice"}"#, No),
        ("github:alice", r#"{"provider": "github", "id": "1", "login": "alice\n"}"#, No),
        ("github:alice", r#"{"provider": "github", "id": "1", "login": ""}"#, No),
        ("github:alice", r#"{"provider": "github", "id": "1"}"#, No),
        ("github:alice", r#"{"provider": "github", "id": "1", "unknown": ["login"]}"#, Unknown),
        ("github:alice", r#"{"provider": "local", "id": "alice", "login": "alice"}"#, No),
        ("github:alice", r#"{"provider": "okta", "id": "1", "login": "alice"}"#, No),
        ("github:kim", r#"{"provider": "github", "id": "1", "login": "\u212aim"}"#, No),
        ("github:kim", r#"{"provider": "github", "id": "1", "login": "\u212aIM"}"#, No),
        ("github:sam", r#"{"provider": "github", "id": "1", "login": "\u017fam"}"#, No),
        ("github:strasse", r#"{"provider": "github", "id": "1", "login": "stra\u00dfe"}"#, No),
        ("github:i", r#"{"provider": "github", "id": "1", "login": "\u0130"}"#, No),
        ("login:github:alice", r#"{"provider": "github", "id": "1", "login": "aLiCe"}"#, Yes),
        ("login:github:7", r#"{"provider": "github", "id": "9", "login": "7"}"#, Yes),
        ("login:github:7", r#"{"provider": "github", "id": "7", "login": "x"}"#, No),
        ("login:ghes:alice", r#"{"provider": "ghes", "id": "1", "login": "ALICE"}"#, Yes),
        ("login:ghes:alice", r#"{"provider": "github", "id": "1", "login": "alice"}"#, No),
        ("login:kc:alice", r#"{"provider": "kc", "id": "u1", "login": "alice"}"#, Yes),
        ("login:kc:alice", r#"{"provider": "kc", "id": "u1", "login": "Alice"}"#, No),
        ("login:kc:a@idm.example", r#"{"provider": "kc", "login": "a@idm.example"}"#, Yes),
        ("login:local:alice", r#"{"provider": "local", "id": "alice", "login": "alice"}"#, Yes),
        // A login code for Alice is one for alice: both are local:alice.
        ("local:alice", r#"{"provider": "local", "id": "alice", "login": "Alice"}"#, Yes),
        ("alice", r#"{"provider": "github", "id": "1", "login": "ALICE"}"#, Yes),
        ("alice", r#"{"provider": "local", "id": "alice", "login": "alice"}"#, Yes),
        ("alice", r#"{"provider": "kc", "id": "alice", "login": "alice"}"#, No),
        ("alice", r#"{"provider": "ghes", "id": "1", "login": "alice"}"#, No),
        ("alice", r#"{"provider": "client", "id": "alice", "login": "alice"}"#, No),
        ("alice", r#"{"provider": "github", "id": "1", "unknown": ["login"]}"#, Unknown),
        ("7", r#"{"provider": "github", "id": "9", "login": "7"}"#, Yes),
        ("7", r#"{"provider": "github", "id": "7", "login": "x"}"#, No),
    ]);
}

#[test]
fn organizations_and_teams_ignore_the_case_of_ascii() {
    check(&[
        ("org:github:acme", r#"{"provider": "github", "orgs": ["acme"]}"#, Yes),
        ("org:github:acme", r#"{"provider": "github", "orgs": ["x", "ACME"]}"#, Yes),
        ("org:github:Acme", r#"{"provider": "github", "orgs": ["acme"]}"#, Yes),
        ("org:github:acme", r#"{"provider": "github", "orgs": ["acme2", "acm"]}"#, No),
        ("org:github:acme", r#"{"provider": "github", "orgs": [" acme"]}"#, No),
        ("org:github:acme", r#"{"provider": "github", "orgs": ["\u0430cme"]}"#, No),
        ("org:github:kit", r#"{"provider": "github", "orgs": ["\u212ait", "\u212aIT"]}"#, No),
        ("org:github:acme", r#"{"provider": "github", "teams": ["acme/dev"]}"#, No),
        ("org:github:acme", r#"{"provider": "github", "groups": ["acme"]}"#, No),
        ("org:github:acme", r#"{"provider": "ghes", "orgs": ["acme"]}"#, No),
        ("org:github:acme", r#"{"provider": "okta", "orgs": ["acme"]}"#, No),
        ("org:github:acme", r#"{"provider": "github", "unknown": ["orgs"]}"#, Unknown),
        ("org:github:acme", r#"{"provider": "github", "unknown": ["teams"]}"#, No),
        ("org:github:acme", r#"{"provider": "okta", "unknown": ["orgs"]}"#, No),
        (
            "org:github:acme",
            r#"{"provider": "github", "orgs": ["acme"], "unknown": ["orgs"]}"#,
            Yes,
        ),
        (
            "org:github:acme",
            r#"{"provider": "github", "orgs": ["x"], "unknown": ["orgs"]}"#,
            Unknown,
        ),
        ("org:ghes:acme", r#"{"provider": "ghes", "orgs": ["Acme"]}"#, Yes),
        ("team:github:acme/dev", r#"{"provider": "github", "teams": ["acme/dev"]}"#, Yes),
        ("team:github:acme/dev", r#"{"provider": "github", "teams": ["Acme/DEV"]}"#, Yes),
        ("team:github:acme/dev", r#"{"provider": "github", "teams": ["other/dev"]}"#, No),
        ("team:github:acme/dev", r#"{"provider": "github", "teams": ["dev", "acme"]}"#, No),
        ("team:github:acme/dev", r#"{"provider": "github", "orgs": ["acme/dev"]}"#, No),
        ("team:github:acme/dev", r#"{"provider": "github", "teams": ["acme/dev/x"]}"#, No),
        ("team:github:acme/dev", r#"{"provider": "ghes", "teams": ["acme/dev"]}"#, No),
        ("team:github:acme/dev", r#"{"provider": "github", "unknown": ["teams"]}"#, Unknown),
        ("team:github:acme/dev", r#"{"provider": "github", "unknown": ["orgs"]}"#, No),
    ]);
}

#[test]
fn a_group_is_compared_byte_for_byte() {
    check(&[
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["staff"]}"#, Yes),
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["Staff", "STAFF"]}"#, No),
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["/staff", "staff/"]}"#, No),
        ("group:okta:/staff", r#"{"provider": "okta", "groups": ["/staff"]}"#, Yes),
        ("group:okta:/staff", r#"{"provider": "okta", "groups": ["staff"]}"#, No),
        ("group:okta:staff", r#"{"provider": "kc", "groups": ["staff"]}"#, No),
        ("group:okta:staff", r#"{"provider": "github", "groups": ["staff"]}"#, No),
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["*"]}"#, No),
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["group:okta:staff"]}"#, No),
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["x,staff", "staff,x"]}"#, No),
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["staff\n", "\nstaff"]}"#, No),
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["x\nstaff"]}"#, No),
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["staff\u0000"]}"#, No),
        ("group:okta:staff", r#"{"provider": "okta", "groups": ["staff "]}"#, No),
        ("group:okta:*", r#"{"provider": "okta", "groups": ["staff"]}"#, No),
        ("group:okta:*", r#"{"provider": "okta", "groups": ["*"]}"#, Yes),
        ("group:okta:a,b", r#"{"provider": "okta", "groups": ["a", "b"]}"#, No),
        ("group:okta:a,b", r#"{"provider": "okta", "groups": ["a,b"]}"#, Yes),
        ("group:okta:a:b", r#"{"provider": "okta", "groups": ["a:b"]}"#, Yes),
        ("group:okta:a:b", r#"{"provider": "okta", "groups": ["a", "b"]}"#, No),
        ("group:okta:All Staff", r#"{"provider": "okta", "groups": ["All Staff"]}"#, Yes),
        ("group:okta:\u{e9}quipe", r#"{"provider": "okta", "groups": ["\u00e9quipe"]}"#, Yes),
        // The same letter, decomposed: another group.
        ("group:okta:\u{e9}quipe", r#"{"provider": "okta", "groups": ["e\u0301quipe"]}"#, No),
        ("group:okta:line\nfeed", r#"{"provider": "okta", "groups": ["line\nfeed"]}"#, Yes),
        ("group:okta:role:a", r#"{"provider": "okta", "groups": ["role:a"]}"#, Yes),
        ("role:a", r#"{"provider": "okta", "groups": ["role:a", "a"]}"#, No),
        ("group:okta:staff", r#"{"provider": "okta", "unknown": ["groups"]}"#, Unknown),
        ("group:okta:staff", r#"{"provider": "github", "unknown": ["groups"]}"#, No),
        (
            "group:okta:staff",
            r#"{"provider": "okta", "groups": ["staff"], "unknown": ["groups"]}"#,
            Yes,
        ),
    ]);
}

#[test]
fn an_address_must_be_verified_and_have_one_at_sign() {
    check(&[
        ("email:okta:a@acme.com", r#"{"provider": "okta", "verified_email": "a@acme.com"}"#, Yes),
        ("email:okta:a@acme.com", r#"{"provider": "okta", "verified_email": "a@ACME.com"}"#, Yes),
        ("email:okta:a@ACME.COM", r#"{"provider": "okta", "verified_email": "a@acme.com"}"#, Yes),
        ("email:okta:a@acme.com", r#"{"provider": "okta", "verified_email": "A@acme.com"}"#, No),
        ("email:okta:a@acme.com", r#"{"provider": "kc", "verified_email": "a@acme.com"}"#, No),
        ("email:okta:a@acme.com", r#"{"provider": "okta", "login": "a@acme.com"}"#, No),
        (
            "email:okta:a@acme.com",
            r#"{"provider": "okta", "unknown": ["verified_email"]}"#,
            Unknown,
        ),
        ("email:okta:a+b@acme.com", r#"{"provider": "okta", "verified_email": "a@acme.com"}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "a@acme.com"}"#, Yes),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "a@AcMe.CoM"}"#, Yes),
        ("domain:okta:ACME.com", r#"{"provider": "okta", "verified_email": "a@acme.com"}"#, Yes),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "a@sub.acme.com"}"#, No),
        ("domain:okta:sub.acme.com", r#"{"provider": "okta", "verified_email": "a@acme.com"}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "a@acme.com."}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "a@notacme.com"}"#, No),
        (
            "domain:okta:acme.com",
            r#"{"provider": "okta", "verified_email": "a@evil.com@acme.com"}"#,
            No,
        ),
        (
            "domain:okta:acme.com",
            r#"{"provider": "okta", "verified_email": "a@acme.com@evil.com"}"#,
            No,
        ),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "a@@acme.com"}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "@acme.com"}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "acme.com"}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "a@acme.com\n"}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "okta", "verified_email": "a@ acme.com"}"#, No),
        (
            "domain:okta:acme.com",
            r#"{"provider": "okta", "verified_email": "a@\u0430cme.com"}"#,
            No,
        ),
        ("domain:okta:kit.com", r#"{"provider": "okta", "verified_email": "a@\u212ait.com"}"#, No),
        ("domain:okta:kit.com", r#"{"provider": "okta", "verified_email": "a@\u212aIT.com"}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "okta"}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "github", "verified_email": "a@acme.com"}"#, No),
        ("domain:okta:acme.com", r#"{"provider": "okta", "unknown": ["verified_email"]}"#, Unknown),
        ("domain:okta:acme.com", r#"{"provider": "kc", "unknown": ["verified_email"]}"#, No),
    ]);
}

#[test]
fn a_client_is_meant_by_its_id_alone() {
    check(&[
        ("client:nightly", r#"{"provider": "client", "id": "nightly"}"#, Yes),
        ("client:nightly", r#"{"provider": "client", "id": "Nightly"}"#, No),
        ("client:nightly", r#"{"provider": "client", "id": "x", "login": "nightly"}"#, No),
        ("client:nightly", r#"{"provider": "github", "id": "nightly"}"#, No),
        ("client:nightly", r#"{"provider": "github", "id": "1", "client": "nightly"}"#, No),
        ("client:nightly", r#"{"provider": "client"}"#, Unknown),
        (
            "client:https://a.example/c",
            r#"{"provider": "client", "id": "https://a.example/c"}"#,
            Yes,
        ),
        ("id:client:nightly", r#"{"provider": "client", "id": "nightly"}"#, Yes),
    ]);
}

#[test]
fn a_role_means_its_members() {
    check(&[
        ("role:a", r#"{"provider": "github", "id": "1"}"#, Yes),
        ("role:a", r#"{"provider": "okta", "groups": ["staff"]}"#, Yes),
        ("role:a", r#"{"provider": "okta", "unknown": ["groups"]}"#, Unknown),
        ("role:a", r#"{"provider": "github", "id": "2", "login": "a"}"#, No),
        ("role:role:x", r#"{"provider": "github", "id": "2"}"#, Yes),
        ("role:role:x", r#"{"provider": "github", "id": "1"}"#, No),
        ("role:*", r#"{"provider": "github", "id": "3"}"#, Yes),
        ("role:*", r#"{"provider": "github", "id": "1"}"#, No),
        ("role:a,b", r#"{"provider": "github", "id": "4"}"#, Yes),
        ("role:a,b", r#"{"provider": "github", "id": "1"}"#, No),
        ("role:a.b", r#"{"provider": "github", "id": "5"}"#, Yes),
        ("role:R\u{d4}LE", r#"{"provider": "github", "id": "6"}"#, Yes),
        ("role:nobody", r#"{"provider": "github", "id": "1"}"#, No),
        ("role:nobody", r#"{"provider": "github", "unknown": ["id", "orgs", "teams"]}"#, No),
        ("role:deep", r#"{"provider": "github", "id": "1"}"#, Yes),
        ("role:deep", r#"{"provider": "github", "id": "9", "teams": ["acme/dev"]}"#, Yes),
        ("role:deep", r#"{"provider": "github", "id": "9", "unknown": ["teams"]}"#, Unknown),
        ("role:deep", r#"{"provider": "okta", "unknown": ["groups"]}"#, Unknown),
        ("role:deep", r#"{"provider": "okta", "groups": ["x"]}"#, No),
    ]);
}
