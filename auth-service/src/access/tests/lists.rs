//! The policy of gateways without `access.toml`.

use super::{NOON, facts};
use crate::{
    access::{Lists, Policy, Provider, ProviderKind, policy_of},
    model::{AllowList, Person},
};

fn provider(unique_names: bool) -> Provider {
    Provider { name: "oidc".to_owned(), kind: ProviderKind::Oidc, unique_names }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn may_use(policy: &Policy, person: &str) -> bool {
    let verdict = policy.compile(&facts(person), NOON);
    let server = verdict.server("any");
    assert_eq!(verdict.may_log_in, server.allowed && server.admits_tool("any"), "{person}");
    assert!(server.scopes.is_none() && server.valid_until.is_none());
    verdict.may_log_in
}

/// Compares with the list of today, for each entry and each account.
#[test]
fn the_github_list_admits_the_same_people_as_before() {
    for list in [
        &["alice"][..],
        &["ALICE", " bob "],
        &["github:alice"],
        &["github:7"],
        &["*"],
        &["github:*"],
        &["local:alice"],
        &["", " "],
        &[],
    ] {
        let list = strings(list);
        let (policy, _) = policy_of(Lists { github: &list, ..Lists::default() });
        // `github:*` is new.
        let before = AllowList::new(list.iter().map(|one| one.replace("github:*", "*")).collect());
        for (id, login) in [("7", "alice"), ("8", "Bob"), ("9", "7"), ("10", "\u{212a}im")] {
            let subject = format!("github:{id}");
            let expected = before.admits(Person { subject: &subject, name: login });
            let person = format!(r#"{{"provider": "github", "id": "{id}", "login": "{login}"}}"#);
            assert_eq!(may_use(&policy, &person), expected, "{list:?} {person}");
        }
    }
}

#[test]
fn a_list_admits_people_of_its_provider_alone() {
    let github = strings(&["*"]);
    let oidc = provider(false);
    let allow = strings(&["group:staff", "id:u1", "domain:oidc:acme.com"]);
    let lists = Lists { github: &github, local: false, oidc: Some((&oidc, &allow)) };
    let (policy, ignored) = policy_of(lists);
    assert_eq!(ignored, []);
    for (person, admitted) in [
        (r#"{"provider": "github", "id": "1", "login": "x"}"#, true),
        (r#"{"provider": "oidc", "id": "u1"}"#, true),
        (r#"{"provider": "oidc", "id": "u2", "login": "x"}"#, false),
        (r#"{"provider": "oidc", "id": "u2", "groups": ["staff"]}"#, true),
        (r#"{"provider": "oidc", "id": "u2", "verified_email": "a@acme.com"}"#, true),
        (r#"{"provider": "okta", "id": "u1", "groups": ["staff"]}"#, false),
        (r#"{"provider": "local", "id": "kid", "login": "kid"}"#, false),
        (r#"{"provider": "client", "id": "nightly"}"#, true),
    ] {
        assert_eq!(may_use(&policy, person), admitted, "{person}");
    }
    let (policy, _) = policy_of(Lists { github: &[], local: true, oidc: Some((&oidc, &[])) });
    for (person, admitted) in [
        (r#"{"provider": "github", "id": "1", "login": "x"}"#, false),
        (r#"{"provider": "oidc", "id": "u1"}"#, false),
        (r#"{"provider": "local", "id": "kid", "login": "kid"}"#, true),
    ] {
        assert_eq!(may_use(&policy, person), admitted, "{person}");
    }
    let star = strings(&["*"]);
    let (policy, _) = policy_of(Lists { oidc: Some((&oidc, &star)), ..Lists::default() });
    assert!(may_use(&policy, r#"{"provider": "oidc", "id": "u1"}"#));
    assert!(!may_use(&policy, r#"{"provider": "github", "id": "1", "login": "x"}"#));
}

#[test]
fn entries_without_a_meaning_are_reported() {
    let github = strings(&["local:alice", "\u{430}lice", "a b", "alice"]);
    let allow = strings(&["alice", "login:bob", "group:", "role:x"]);
    let oidc = provider(false);
    let lists = Lists { github: &github, local: false, oidc: Some((&oidc, &allow)) };
    let (policy, ignored) = policy_of(lists);
    let variables: Vec<&str> = ignored.iter().map(|one| one.variable).collect();
    assert_eq!(variables[..3], ["ALLOWED_GITHUB_USERS"; 3], "{ignored:?}");
    assert_eq!(variables[3..], ["OIDC_ALLOW"; 4], "{ignored:?}");
    assert!(may_use(&policy, r#"{"provider": "github", "id": "1", "login": "alice"}"#));
    let unique = provider(true);
    let lists = Lists { github: &[], local: false, oidc: Some((&unique, &allow)) };
    assert!(may_use(&policy_of(lists).0, r#"{"provider": "oidc", "id": "1", "login": "bob"}"#));
}
