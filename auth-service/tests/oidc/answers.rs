//! Answers of a provider that are none: redirects, floods, slow or wrong bodies, and errors.

use std::time::{Duration, Instant};

use auth_service::{
    config::ClientAuth,
    model::Prompt,
    upstream::{LoginRequest, OidcError},
};
use serde_json::{Value, json};

use crate::{
    login::{DISCOVERY, Login, discovery, query, tokens},
    signer::OWN,
    standin::{Reply, StandIn},
};

const JSON: &str = "Content-Type: application/json\r\n";

/// The paths that a login with a thin token asks, in their order.
const PATHS: [&str; 4] = [DISCOVERY, "/token", "/jwks", "/userinfo"];

/// A login in which `path` answers with `reply`.
async fn log_in(path: &str, reply: Reply) -> Result<String, OidcError> {
    let login = Login::start();
    login.op.json("/userinfo", json!({ "sub": "u1", "groups": ["staff"] }));
    if path == DISCOVERY {
        login.op.answer(path, reply);
        let request = LoginRequest { state: "s", prompt: Prompt::Needed, offline: false };
        return login.client.start(&request).await.map(|start| start.url);
    }
    let (start, query) = login.begin().await;
    let token = login.token(&query["nonce"]).with("groups", Value::Null).sign();
    login.op.json("/token", tokens(Some(&token)));
    login.op.answer(path, reply);
    let sighting = login.client.identify(("code", None), &start.verifier).await;
    sighting.map(|sighting| sighting.id)
}

async fn assert_unavailable(reply: &Reply) {
    for path in PATHS {
        let outcome = log_in(path, reply.clone()).await;
        assert!(matches!(outcome, Err(OidcError::Unavailable(_))), "{path}: {outcome:?}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = StandIn::start();
    for path in PATHS {
        other.json(path, discovery(&other.base));
    }
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        for path in PATHS {
            let location = format!("Location: {}{path}\r\n", other.base);
            let outcome = log_in(path, Reply::Raw(status, location, Vec::new())).await;
            assert!(matches!(outcome, Err(OidcError::Unavailable(_))), "{path}: {outcome:?}");
            assert_eq!(other.count(path), 0, "{status} {path}");
        }
    }
}

#[tokio::test]
async fn large_answers_are_refused() {
    let filler = " ".repeat(600 * 1024);
    for path in PATHS {
        let login = Login::start();
        let good = match path {
            DISCOVERY => discovery(&login.op.base),
            "/token" => tokens(Some("x")),
            _ => json!({ "sub": "u1", "keys": [{}], "groups": [] }),
        };
        let body = format!("{filler}{good}").into_bytes();
        let outcome = log_in(path, Reply::Raw("200 OK", JSON.to_owned(), body)).await;
        let Err(OidcError::Unavailable(why)) = outcome else { panic!("{path}: {outcome:?}") };
        assert!(why.contains("larger"), "{path}: {why}");
    }
}

#[tokio::test]
async fn a_slow_answer_ends_after_eight_seconds() {
    for reply in [Reply::Silence, Reply::Drip] {
        let began = Instant::now();
        let logins = PATHS.map(|path| log_in(path, reply.clone()));
        for outcome in futures_util::future::join_all(logins).await {
            assert!(matches!(outcome, Err(OidcError::Unavailable(_))), "{outcome:?}");
        }
        let took = began.elapsed();
        assert!((7..13).contains(&took.as_secs()), "{took:?}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_no_answer() {
    for (kind, body) in [
        ("Content-Type: text/html\r\n", "<html>200</html>"),
        (JSON, "<html>200</html>"),
        (JSON, ""),
        (JSON, "[]"),
        (JSON, "null"),
        (JSON, r#"{"a": 1, "a": 2}"#),
        (JSON, "{\"sub\": \"\u{0}"),
    ] {
        assert_unavailable(&Reply::Raw("200 OK", kind.to_owned(), body.into())).await;
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_unavailable(&Reply::Raw("200 OK", JSON.to_owned(), deep.into())).await;
}

/// A page of an error can be JSON that somebody else wrote.
#[tokio::test]
async fn a_document_with_another_status_is_no_answer() {
    for status in ["203 Non-Authoritative", "400 Bad Request", "404 Not Found", "500 Error"] {
        for path in [DISCOVERY, "/jwks", "/userinfo"] {
            let login = Login::start();
            let good = match path {
                DISCOVERY => discovery(&login.op.base),
                "/jwks" => json!({ "keys": [OWN.jwk("RS256", "rsa")] }),
                _ => json!({ "sub": "u1", "groups": ["staff"] }),
            };
            login.op.json("/userinfo", json!({ "sub": "u1" }));
            login.op.answer(path, Reply::Raw(status, JSON.to_owned(), good.to_string().into()));
            let request = LoginRequest { state: "s", prompt: Prompt::Needed, offline: false };
            let Ok(start) = login.client.start(&request).await else {
                assert_eq!(path, DISCOVERY);
                continue;
            };
            assert_ne!(path, DISCOVERY, "{status}");
            let nonce = query(&start.url).remove("nonce").unwrap();
            let token = login.token(&nonce).with("groups", Value::Null).sign();
            login.op.json("/token", tokens(Some(&token)));
            let outcome = login.client.identify(("code", None), &start.verifier).await;
            assert!(matches!(outcome, Err(OidcError::Unavailable(_))), "{path}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn duplicate_members_of_an_answer_are_refused() {
    let login = Login::start();
    let twice = |value: &Value, member: &str| {
        value.to_string().replacen('{', &format!("{{{member},"), 1).into_bytes()
    };
    let document = twice(&discovery(&login.op.base), r#""token_endpoint":"https://evil.example""#);
    let userinfo = twice(&json!({ "sub": "u1" }), r#""sub":"u2""#);
    let token = twice(&tokens(Some("x")), r#""id_token":"y""#);
    for (path, body) in [(DISCOVERY, document), ("/userinfo", userinfo), ("/token", token)] {
        let outcome = log_in(path, Reply::Raw("200 OK", JSON.to_owned(), body)).await;
        assert!(matches!(outcome, Err(OidcError::Unavailable(_))), "{path}: {outcome:?}");
    }
}

#[tokio::test]
async fn errors_of_the_token_endpoint_name_who_must_act() {
    let error = |status, code: &str, headers: &str| {
        let body = json!({ "error": code, "error_description": "secret-looking" }).to_string();
        Reply::Raw(status, format!("{JSON}{headers}"), body.into_bytes())
    };
    for code in ["invalid_grant", "access_denied", "anything"] {
        let outcome = log_in("/token", error("400 Bad Request", code, "")).await;
        assert!(matches!(&outcome, Err(OidcError::Refused(text)) if text == code), "{outcome:?}");
    }
    for code in ["invalid_client", "unauthorized_client", "redirect_uri_mismatch"] {
        let outcome = log_in("/token", error("401 Unauthorized", code, "")).await;
        assert!(matches!(&outcome, Err(OidcError::Misconfigured(_))), "{outcome:?}");
    }
    let some = "invalid_grant";
    for reply in [
        error("429 Too Many Requests", some, ""),
        error("403 Forbidden", some, "Retry-After: 60\r\n"),
        error("500 Internal Server Error", some, ""),
        error("503 Service Unavailable", some, ""),
        error("400 Bad Request", "temporarily_unavailable", ""),
        Reply::Raw("403 Forbidden", String::new(), b"<html>".to_vec()),
    ] {
        let outcome = log_in("/token", reply).await;
        assert!(matches!(outcome, Err(OidcError::Unavailable(_))), "{outcome:?}");
    }
    let github_like = log_in("/token", error("200 OK", some, "")).await;
    assert!(matches!(github_like, Err(OidcError::Refused(_))), "{github_like:?}");
    let mac = json!({ "access_token": "a", "token_type": "mac", "id_token": "x" });
    let outcome = log_in("/token", Reply::Json(mac)).await;
    assert!(matches!(outcome, Err(OidcError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn the_client_authenticates_as_the_provider_offers() {
    let basic = "Basic Z2F0ZXdheTpzZWNyZXQ=";
    for (offered, configured, expected) in [
        (Value::Null, None, Some(basic)),
        (json!(["client_secret_basic", "client_secret_post"]), None, Some(basic)),
        (json!(["client_secret_post"]), None, None),
        (json!(["private_key_jwt"]), None, Some(basic)),
        (Value::Null, Some(ClientAuth::Post), None),
        (json!(["client_secret_post"]), Some(ClientAuth::Basic), Some(basic)),
    ] {
        let login = Login::with(|provider| provider.client_auth = configured);
        let mut document = discovery(&login.op.base);
        document["token_endpoint_auth_methods_supported"] = offered;
        login.op.json(DISCOVERY, document);
        login.log_in(|token| token).await.unwrap();
        let seen = &login.op.seen("/token")[0];
        assert_eq!(seen.authorization.as_deref(), expected);
        assert_eq!(seen.body.contains("client_secret=secret"), expected.is_none());
    }
}

/// Anybody can begin logins and send invented codes.
#[tokio::test]
async fn concurrent_logins_at_a_provider_are_limited() {
    let login = Login::start();
    let (start, _) = login.begin().await;
    login.op.answer("/token", Reply::Silence);
    let logins = (0..100).map(|_| login.client.identify(("code", None), &start.verifier));
    let outcomes = tokio::time::timeout(
        Duration::from_secs(6),
        futures_util::StreamExt::collect::<Vec<_>>(futures_util::StreamExt::take(
            logins.collect::<futures_util::stream::FuturesUnordered<_>>(),
            36,
        )),
    );
    let outcomes = outcomes.await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(OidcError::Busy))));
    assert_eq!(login.op.count("/token"), 64);
}

#[tokio::test]
async fn credentials_can_be_tried_without_a_login() {
    let login = Login::start();
    let error = |code: &str| {
        let body = json!({ "error": code }).to_string().into_bytes();
        Reply::Raw("400 Bad Request", JSON.to_owned(), body)
    };
    login.op.answer("/token", error("invalid_grant"));
    login.client.try_credentials().await.unwrap();
    login.op.answer("/token", error("invalid_client"));
    let outcome = login.client.try_credentials().await;
    assert!(matches!(outcome, Err(OidcError::Misconfigured(_))), "{outcome:?}");
}
