//! Answers of a refresh about a person: still here, gone, or nothing.

use auth_service::{
    model::{Groups, Sighting},
    upstream::RefreshError,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::{
    login::{DISCOVERY, Login, Token, discovery, groups, tokens},
    signer::FOREIGN,
    standin::Reply,
};

const JSON: &str = "Content-Type: application/json\r\n";

async fn refresh(login: &Login, id: &str) -> Result<Sighting, RefreshError> {
    let token = SecretString::from("refresh-1".to_owned());
    let renewed = login.client.renew(&token).await?;
    login.client.facts(renewed, id).await
}

/// Refreshes with the ID token that `change` makes of a good one, which has no nonce.
async fn refresh_with(
    login: &Login,
    change: impl FnOnce(Token) -> Token,
) -> Result<Sighting, RefreshError> {
    let token = change(login.token("").with("nonce", Value::Null)).sign();
    login.op.json("/token", tokens(Some(&token)));
    refresh(login, "u1").await
}

#[tokio::test]
async fn a_refresh_states_the_groups_of_now() {
    let login = Login::start();
    let sighting =
        refresh_with(&login, |token| token.with("groups", json!(["dev"]))).await.unwrap();
    assert_eq!(sighting.groups, groups(&["dev"]));
    assert_eq!(sighting.token.unwrap().refresh.unwrap().expose_secret(), "refresh-2");
    let body = &login.op.seen("/token")[0].body;
    assert!(body.contains("grant_type=refresh_token") && body.contains("refresh_token=refresh-1"));
}

#[tokio::test]
async fn the_next_token_is_there_before_anything_else_is_checked() {
    let login = Login::start();
    login.op.json("/token", tokens(Some("not a token")));
    let renewed = login.client.renew(&SecretString::from("r".to_owned())).await.unwrap();
    assert_eq!(renewed.refresh_token().unwrap().expose_secret(), "refresh-2");
    assert!(
        !format!("{renewed:?}").contains("refresh-2") && !format!("{renewed:?}").contains("not a")
    );
    assert!(matches!(login.client.facts(renewed, "u1").await, Err(RefreshError::NoAnswer(_))));
    login.op.json("/token", json!({ "access_token": "a", "token_type": "bearer" }));
    let renewed = login.client.renew(&SecretString::from("r".to_owned())).await.unwrap();
    assert!(renewed.refresh_token().is_none(), "the previous one remains");
}

#[tokio::test]
async fn an_answer_without_an_id_token_is_completed_by_userinfo() {
    let login = Login::start();
    login.op.json("/token", tokens(None));
    login.op.json("/userinfo", json!({ "sub": "u1", "groups": ["dev"], "sid": "x" }));
    let sighting = refresh(&login, "u1").await.unwrap();
    assert_eq!((sighting.groups, sighting.sid), (groups(&["dev"]), None));
    login.op.fail("/userinfo");
    assert!(matches!(refresh(&login, "u1").await, Err(RefreshError::NoAnswer(_))));
    let mut document = discovery(&login.op.base);
    document.as_object_mut().unwrap().remove("userinfo_endpoint");
    login.op.json(DISCOVERY, document);
    login.clock.advance(3600);
    assert!(matches!(refresh(&login, "u1").await, Err(RefreshError::NoAnswer(_))));
}

#[tokio::test]
async fn another_account_is_a_definite_no() {
    let login = Login::start();
    let other = refresh_with(&login, |token| token.with("sub", json!("u2"))).await;
    assert!(matches!(other, Err(RefreshError::Denied(_))), "{other:?}");
    login.op.json("/token", tokens(None));
    login.op.json("/userinfo", json!({ "sub": "u2", "groups": ["staff"] }));
    assert!(matches!(refresh(&login, "u1").await, Err(RefreshError::Denied(_))));
}

#[tokio::test]
async fn a_token_that_fails_a_check_says_nothing() {
    let login = Login::start();
    let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let changes: [&dyn Fn(Token) -> Token; 6] = [
        &|token| Token { signer: &FOREIGN, ..token },
        &|token| token.with("iss", json!("https://other.example")),
        &|token| token.with("aud", json!("other")),
        &|token| token.with("exp", json!(1)),
        &|token| token.with("at_hash", json!("x")),
        &|token| token.with("events", events.clone()),
    ];
    for (row, change) in changes.into_iter().enumerate() {
        let outcome = refresh_with(&login, change).await;
        assert!(matches!(outcome, Err(RefreshError::NoAnswer(_))), "{row}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_overage_at_a_refresh_makes_the_groups_unknown() {
    let login = Login::start();
    let names = json!({ "groups": "src1" });
    let outcome =
        refresh_with(&login, |token| token.with("groups", Value::Null).with("_claim_names", names));
    assert_eq!(outcome.await.unwrap().groups, Groups::Unknown);
}

#[tokio::test]
async fn failures_of_a_refresh_are_told_apart() {
    let login = Login::start();
    let error = |status, code: &str, headers: &str| {
        let body = json!({ "error": code }).to_string();
        Reply::Raw(status, format!("{JSON}{headers}"), body.into_bytes())
    };
    let of = async |reply| {
        login.op.answer("/token", reply);
        refresh(&login, "u1").await.unwrap_err()
    };
    // A locked account is `invalid_request` at canaille.
    for code in ["invalid_grant", "invalid_request", "invalid_scope", "login_required", "odd"] {
        for status in ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "200 OK"] {
            let outcome = of(error(status, code, "")).await;
            assert_eq!(outcome, RefreshError::Denied(code.to_owned()), "{status}");
        }
    }
    for code in ["invalid_client", "unauthorized_client", "unsupported_grant_type"] {
        let outcome = of(error("401 Unauthorized", code, "")).await;
        assert_eq!(outcome, RefreshError::Misconfigured(code.to_owned()));
    }
    for reply in [
        error("400 Bad Request", "temporarily_unavailable", ""),
        error("400 Bad Request", "slow_down", ""),
        error("429 Too Many Requests", "invalid_grant", ""),
        error("400 Bad Request", "invalid_grant", "Retry-After: 5\r\n"),
        error("500 Internal Server Error", "invalid_grant", ""),
        error("502 Bad Gateway", "invalid_grant", ""),
        Reply::Raw("302 Found", "Location: /login\r\n".to_owned(), Vec::new()),
        Reply::Raw("400 Bad Request", String::new(), b"<html>".to_vec()),
        Reply::Raw("404 Not Found", String::new(), Vec::new()),
        Reply::Raw("200 OK", JSON.to_owned(), b"{}".to_vec()),
        Reply::Raw("200 OK", JSON.to_owned(), Vec::new()),
    ] {
        let outcome = of(reply).await;
        assert!(matches!(outcome, RefreshError::NoAnswer(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_says_nothing() {
    let login = Login::start();
    login.op.fail(DISCOVERY);
    assert!(matches!(refresh(&login, "u1").await, Err(RefreshError::NoAnswer(_))));
    let login = Login::start();
    login.op.json(DISCOVERY, json!({ "issuer": "https://moved.example" }));
    assert!(matches!(refresh(&login, "u1").await, Err(RefreshError::Misconfigured(_))));
}
