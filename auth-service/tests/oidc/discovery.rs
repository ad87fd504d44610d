//! The discovery document: when it is read, and what it must state.

use auth_service::{
    model::Prompt,
    upstream::{LoginRequest, OidcError},
};
use serde_json::{Value, json};

use crate::{
    login::{DISCOVERY, Login, discovery},
    standin::Reply,
};

const REQUEST: LoginRequest<'static> =
    LoginRequest { state: "state", prompt: Prompt::Needed, offline: false };

async fn fault(login: &Login) -> String {
    match login.client.start(&REQUEST).await {
        Err(OidcError::Misconfigured(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nothing_is_read_before_the_first_login_and_then_hourly() {
    let login = Login::start();
    assert_eq!(login.op.count(DISCOVERY), 0);
    for _ in 0..3 {
        login.log_in(|token| token).await.unwrap();
    }
    assert_eq!((login.op.count(DISCOVERY), login.op.count("/jwks")), (1, 1));
    login.clock.advance(3599);
    login.begin().await;
    assert_eq!(login.op.count(DISCOVERY), 1);
    login.clock.advance(1);
    login.begin().await;
    assert_eq!(login.op.count(DISCOVERY), 2);
}

#[tokio::test]
async fn the_issuer_is_compared_byte_for_byte() {
    for (stated, slash) in [
        ("{}/", true),
        ("{}//", true),
        ("https://other.example", false),
        ("{}/realms/x", false),
        ("HTTP{}", false),
        ("", false),
    ] {
        let login = Login::start();
        let stated = stated.replace("HTTP{}", &login.op.base.to_uppercase());
        let stated = stated.replace("{}", &login.op.base);
        let mut document = discovery(&login.op.base);
        document["issuer"] = json!(stated);
        login.op.json(DISCOVERY, document);
        let why = fault(&login).await;
        let both = [format!("\"{stated}\""), format!("\"{}\"", login.op.base)];
        assert!(both.iter().all(|issuer| why.contains(issuer)), "{why}");
        assert_eq!(why.contains("slash"), slash, "{why}");
    }
}

#[tokio::test]
async fn a_configured_slash_is_kept_and_not_doubled() {
    let login = Login::with(|provider| provider.issuer.push('/'));
    let mut document = discovery(&login.op.base);
    document["issuer"] = json!(format!("{}/", login.op.base));
    login.op.json(DISCOVERY, document);
    let iss = json!(format!("{}/", login.op.base));
    assert!(login.log_in(|token| token.with("iss", iss)).await.is_ok());
    assert!(login.log_in(|token| token).await.is_err(), "without the slash");
}

#[tokio::test]
async fn endpoints_are_https_or_loopback() {
    for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
        for url in [
            "http://idp.example/x",
            "http://10.0.0.1/x",
            "http://127.0.0.1.evil.example/x",
            "ftp://127.0.0.1/x",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "/relative",
            "",
        ] {
            let login = Login::start();
            let mut document = discovery(&login.op.base);
            document[endpoint] = json!(url);
            login.op.json(DISCOVERY, document);
            let why = fault(&login).await;
            assert!(why.contains(endpoint), "{why}");
        }
        let login = Login::start();
        let mut document = discovery(&login.op.base);
        document[endpoint] = json!("https://another-host.example/x");
        login.op.json(DISCOVERY, document);
        assert!(login.client.start(&REQUEST).await.is_ok(), "Google and Cognito have other hosts");
    }
}

#[tokio::test]
async fn a_document_without_an_endpoint_is_refused() {
    for endpoint in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
        for value in [Value::Null, json!(7)] {
            let login = Login::start();
            let mut document = discovery(&login.op.base);
            document[endpoint] = value;
            login.op.json(DISCOVERY, document);
            assert!(fault(&login).await.contains(endpoint));
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_again_soon_but_not_by_everybody() {
    let login = Login::start();
    login.op.fail(DISCOVERY);
    for _ in 0..20 {
        assert!(matches!(login.client.start(&REQUEST).await, Err(OidcError::Unavailable(_))));
    }
    assert_eq!(login.op.count(DISCOVERY), 1);
    login.op.json(DISCOVERY, discovery(&login.op.base));
    login.clock.advance(10);
    login.begin().await;
}

#[tokio::test]
async fn the_last_document_serves_while_the_provider_is_down() {
    let login = Login::start();
    login.log_in(|token| token).await.unwrap();
    login.op.answer(DISCOVERY, Reply::Raw("200 OK", String::new(), b"<html>".to_vec()));
    login.clock.advance(3600);
    assert!(login.log_in(|token| token).await.is_ok());
    login.clock.advance(24 * 3600);
    assert!(matches!(login.client.start(&REQUEST).await, Err(OidcError::Unavailable(_))));
}

#[tokio::test]
async fn the_last_document_does_not_hide_another_issuer() {
    let login = Login::start();
    login.log_in(|token| token).await.unwrap();
    let mut document = discovery(&login.op.base);
    document["issuer"] = json!("https://moved.example");
    login.op.json(DISCOVERY, document);
    login.clock.advance(3600);
    assert!(fault(&login).await.contains("moved.example"));
    assert!(fault(&login).await.contains("moved.example"), "nor a moment later");
}

#[tokio::test]
async fn one_caller_fetches_for_all() {
    let login = Login::start();
    let starts = (0..50).map(|_| login.client.start(&REQUEST));
    let starts = futures_util::future::join_all(starts).await;
    assert!(starts.iter().all(Result::is_ok));
    assert_eq!(login.op.count(DISCOVERY), 1);
}

#[tokio::test]
async fn the_summary_states_what_the_provider_offers() {
    let login = Login::start();
    let mut document = discovery(&login.op.base);
    document["claims_supported"] = json!(["sub", "email"]);
    document["backchannel_logout_supported"] = json!(true);
    login.op.json(DISCOVERY, document);
    let summary = login.client.summary().await.unwrap();
    assert_eq!(summary.issuer, login.op.base);
    assert_eq!((summary.keys, summary.offline_access), (4, Some(true)));
    assert_eq!(
        (summary.groups, summary.userinfo, summary.backchannel_logout),
        (Some(false), true, true)
    );
}
