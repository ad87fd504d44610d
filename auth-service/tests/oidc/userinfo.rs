//! Userinfo: asked when a wanted claim is absent, and about the same person.

use auth_service::{model::Groups, upstream::OidcError};
use serde_json::{Value, json};

use crate::{
    login::DISCOVERY,
    login::{Login, Token, assert_invalid, discovery, groups},
};

fn thin(token: Token) -> Token {
    let absent = ["preferred_username", "name", "email", "email_verified", "groups"];
    absent.into_iter().fold(token, |token, claim| token.with(claim, Value::Null))
}

#[tokio::test]
async fn a_thin_token_is_completed_by_userinfo() {
    let login = Login::start();
    login.op.json(
        "/userinfo",
        json!({ "sub": "u1", "preferred_username": "alice", "name": "A", "email": "a@acme.com",
            "email_verified": "true", "groups": ["staff", "dev"], "sid": "other", "tid": "x" }),
    );
    let sighting = login.log_in(thin).await.unwrap();
    assert_eq!(sighting.login.as_deref(), Some("alice"));
    assert_eq!(sighting.email.as_deref(), Some("a@acme.com"));
    assert_eq!(sighting.groups, groups(&["dev", "staff"]));
    assert_eq!(sighting.sid.as_deref(), Some("s1"), "the session is that of the token");
    let seen = login.op.seen("/userinfo");
    assert_eq!(seen[0].authorization.as_deref(), Some("Bearer access"));
}

#[tokio::test]
async fn each_wanted_claim_is_looked_for() {
    let login = Login::start();
    login.op.json(
        "/userinfo",
        json!({ "sub": "u1", "preferred_username": "u", "email": "u@acme.com",
            "email_verified": true, "groups": ["u"] }),
    );
    let without = |claim: &'static str| login.log_in(move |token| token.with(claim, Value::Null));
    assert_eq!(without("groups").await.unwrap().groups, groups(&["u"]));
    assert_eq!(without("preferred_username").await.unwrap().login.as_deref(), Some("u"));
    assert_eq!(without("email").await.unwrap().email.as_deref(), Some("u@acme.com"));
    let verified = without("email_verified").await.unwrap();
    assert_eq!(verified.email.as_deref(), Some("u@acme.com"));
    assert_eq!(verified.groups, groups(&["staff"]), "the token comes first");
}

#[tokio::test]
async fn userinfo_of_somebody_else_is_refused() {
    let login = Login::start();
    for sub in [json!("u2"), json!(""), json!("U1"), json!(["u1"]), json!(1), Value::Null] {
        login.op.json("/userinfo", json!({ "sub": sub, "groups": ["admins"] }));
        assert_invalid(login.log_in(thin).await, "another person");
    }
    login.op.json("/userinfo", json!({ "groups": ["admins"] }));
    assert_invalid(login.log_in(thin).await, "another person");
}

#[tokio::test]
async fn a_failing_userinfo_is_no_answer() {
    let login = Login::start();
    login.op.fail("/userinfo");
    assert!(matches!(login.log_in(thin).await, Err(OidcError::Unavailable(_))));
}

#[tokio::test]
async fn groups_that_no_document_has_are_none_unless_they_are_elsewhere() {
    let login = Login::start();
    login.op.json("/userinfo", json!({ "sub": "u1" }));
    assert_eq!(login.log_in(thin).await.unwrap().groups, groups(&[]));
    let overage = json!({ "groups": "src1" });
    let outcome = login.log_in(|token| thin(token).with("_claim_names", overage)).await;
    assert_eq!(outcome.unwrap().groups, Groups::Unknown);
    login.op.json("/userinfo", json!({ "sub": "u1", "hasgroups": true }));
    assert_eq!(login.log_in(thin).await.unwrap().groups, Groups::Unknown);
}

#[tokio::test]
async fn a_truncated_list_of_groups_is_unknown() {
    let login = Login::with(|provider| provider.groups_limit = Some(100));
    let many = |count: usize| (0..count).map(|n| format!("g{n}")).collect::<Vec<_>>();
    let of = |count: usize| login.log_in(move |token| token.with("groups", json!(many(count))));
    assert_ne!(of(99).await.unwrap().groups, Groups::Unknown);
    assert_eq!(of(100).await.unwrap().groups, Groups::Unknown);
    let login = Login::start();
    let outcome = login.log_in(|token| token.with("groups", json!(many(1001)))).await;
    assert_eq!(outcome.unwrap().groups, Groups::Unknown);
}

#[tokio::test]
async fn a_provider_without_userinfo_states_what_its_token_has() {
    let login = Login::start();
    let mut document = discovery(&login.op.base);
    document.as_object_mut().unwrap().remove("userinfo_endpoint");
    login.op.json(DISCOVERY, document);
    let sighting = login.log_in(thin).await.unwrap();
    assert_eq!((sighting.login, sighting.email), (None, None));
    assert_eq!(sighting.groups, groups(&[]));
}

#[tokio::test]
async fn names_that_cannot_be_shown_are_dropped() {
    let login = Login::start();
    login.op.json("/userinfo", json!({ "sub": "u1" }));
    for name in [json!("a\nb"), json!("x".repeat(256)), json!(""), json!(7)] {
        let outcome = login.log_in(|token| {
            token
                .with("preferred_username", name.clone())
                .with("name", name)
                .with("sid", json!("x".repeat(256)))
        });
        let sighting = outcome.await.unwrap();
        assert_eq!((sighting.login, sighting.display_name, sighting.sid), (None, None, None));
    }
}
