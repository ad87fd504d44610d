//! The e-mail address: verified, or none, or open.

use auth_service::{
    model::WantedFacts,
    upstream::{GithubError, RefreshError},
};
use gateway_tests::github::Reply;

use crate::support::{NOW, Setup};

const PATH: &str = "/user/emails";

fn needed() -> WantedFacts {
    WantedFacts { email: true, ..WantedFacts::default() }
}

#[tokio::test]
async fn addresses_of_an_enterprise_server_count_only_if_the_operator_vouches_for_them() {
    let setup = Setup::with(|provider| provider.trust_email = false);
    assert_eq!(setup.log_in(&needed()).await.unwrap().email, None);
    assert_eq!(setup.github.count(PATH), 0);
}

#[tokio::test]
async fn only_a_verified_primary_address_counts() {
    let setup = Setup::start();
    setup.github.verify_email(false);
    assert_eq!(setup.log_in(&needed()).await.unwrap().email, None);
    let address = |email: &str| {
        let body = serde_json::json!([{ "email": email, "primary": true, "verified": true }]);
        Reply::json(200, &body)
    };
    for (email, counts) in
        [("a@acme.com", true), ("a@evil.com@acme.com", false), ("a\n@acme.com", false), ("", false)]
    {
        setup.github.reply(PATH, Some(address(email)));
        assert_eq!(setup.log_in(&needed()).await.unwrap().email.is_some(), counts, "{email:?}");
    }
    for body in [
        r#"[{"email": "a@acme.com", "primary": "true", "verified": "true"}]"#,
        r#"[{"email": "a@acme.com", "primary": 1, "verified": 1}]"#,
        r#"[{"email": "a@acme.com"}]"#,
        "[]",
    ] {
        setup.github.reply(PATH, Some(Reply::new(200, body)));
        assert_eq!(setup.log_in(&needed()).await.unwrap().email, None, "{body}");
    }
}

/// A deny rule for an address must not miss somebody because GitHub was slow.
#[tokio::test]
async fn an_open_address_fails_the_check_if_a_rule_needs_it() {
    let setup = Setup::start();
    let token = setup.token(&needed()).await;
    let duplicates = r#"[{"email": "a@acme.com", "email": "b@acme.com", "primary": true}]"#;
    for reply in [
        Reply::new(502, ""),
        Reply::new(404, "<html>"),
        Reply::error(401, "Bad credentials"),
        Reply::limit(403, NOW + 60),
        Reply::secondary_limit(403),
        Reply::secondary_limit(429),
        Reply::new(200, "<html>"),
        Reply::new(200, "{}"),
        Reply::new(200, duplicates),
        Reply::new(200, format!("[{}]", " ".repeat(64 * 1024))),
    ] {
        setup.github.reply(PATH, Some(reply.clone()));
        let facts = setup.facts(&token, &needed()).await;
        assert!(matches!(facts, Err(RefreshError::NoAnswer(_))), "{facts:?}");
        let login = setup.log_in(&needed()).await;
        assert!(matches!(login, Err(GithubError::Unavailable(_))), "{login:?}");
        let none = WantedFacts::default();
        assert_eq!(setup.facts(&token, &none).await.unwrap().email, None);
        assert_eq!(setup.log_in(&none).await.unwrap().email, None);
    }
}

/// A GitHub App may lack the permission, which is an answer.
#[tokio::test]
async fn an_app_without_the_permission_gets_no_address() {
    let setup = Setup::start();
    for reply in [
        Reply::error(403, "Resource not accessible by integration"),
        Reply::error(404, "Not Found"),
    ] {
        setup.github.reply(PATH, Some(reply));
        assert_eq!(setup.log_in(&needed()).await.unwrap().email, None);
    }
}
