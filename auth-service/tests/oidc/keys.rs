//! Key rotation, and the limits of fetching keys.

use std::time::Duration;

use auth_service::upstream::OidcError;
use serde_json::{Value, json};

use crate::{
    login::{Login, assert_invalid},
    signer::{FOREIGN, OWN, encoded},
    standin::Reply,
};

/// A key set of one RSA key, with these headers.
fn key_set(login: &Login, jwk: &Value, headers: &str) {
    let body = json!({ "keys": [jwk] }).to_string();
    login.op.answer("/jwks", Reply::Raw("200 OK", headers.to_owned(), body.into_bytes()));
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let login = Login::start();
    login.log_in(|token| token).await.unwrap();
    key_set(&login, &FOREIGN.jwk("RS256", "new"), "");
    login.clock.advance(60);
    let rotated = login.log_in_with(|token| {
        let token = token.with_header("kid", json!("new"));
        FOREIGN.sign("RS256", &token.header, &token.claims.to_string())
    });
    assert_eq!(rotated.await.unwrap().id, "u1");
    assert_eq!(login.op.count("/jwks"), 2);
    assert_invalid(login.log_in(|token| token).await, "no key");
}

#[tokio::test]
async fn invented_key_ids_cause_one_fetch_a_minute() {
    let login = Login::start();
    login.log_in(|token| token).await.unwrap();
    login.clock.advance(60);
    for n in 0..20 {
        let forged = login.log_in(|token| token.with_header("kid", json!(format!("k{n}"))));
        assert_invalid(forged.await, "no key");
    }
    assert_eq!(login.op.count("/jwks"), 2);
    login.op.fail("/jwks");
    login.clock.advance(60);
    for _ in 0..20 {
        let forged = login.log_in(|token| token.with_header("kid", json!("other")));
        assert_invalid(forged.await, "no key");
    }
    assert_eq!(login.op.count("/jwks"), 3, "failures count, too");
    assert!(login.log_in(|token| token).await.is_ok(), "the known keys remain");
}

#[tokio::test]
async fn keys_are_kept_as_long_as_their_answer_says_within_limits() {
    for (headers, seconds) in [
        ("", 600),
        ("Cache-Control: no-store\r\n", 600),
        ("Cache-Control: public, max-age=5\r\n", 600),
        ("Cache-Control: public, max-age=7200\r\n", 7200),
        ("Cache-Control: max-age=7200\r\nAge: 1200\r\n", 6000),
        ("Cache-Control: max-age=99999999\r\n", 86_400),
    ] {
        let login = Login::start();
        key_set(&login, &OWN.jwk("RS256", "rsa"), headers);
        login.log_in(|token| token).await.unwrap();
        login.clock.advance(seconds - 1);
        login.log_in(|token| token).await.unwrap();
        assert_eq!(login.op.count("/jwks"), 1, "{headers}");
        login.clock.advance(1);
        login.log_in(|token| token).await.unwrap();
        assert_eq!(login.op.count("/jwks"), 2, "{headers}");
    }
}

#[tokio::test]
async fn stale_keys_serve_for_an_hour() {
    let login = Login::start();
    login.log_in(|token| token).await.unwrap();
    login.op.fail("/jwks");
    login.clock.advance(600 + 3599);
    assert!(login.log_in(|token| token).await.is_ok());
    login.clock.advance(1);
    let outcome = login.log_in(|token| token).await;
    assert!(matches!(outcome, Err(OidcError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn stale_keys_serve_others_while_one_login_waits_for_new_ones() {
    let login = Login::start();
    login.log_in(|token| token).await.unwrap();
    login.op.answer("/jwks", Reply::Silence);
    login.clock.advance(600);
    let verifies = || login.client.logout("eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.e30.x");
    let waits = async { assert_invalid(verifies().await, "no key") };
    let others = async {
        while login.op.count("/jwks") < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let outcome = tokio::time::timeout(Duration::from_secs(4), login.log_in(|token| token));
        assert!(outcome.await.unwrap().is_ok());
    };
    tokio::join!(waits, others);
}

#[tokio::test]
async fn without_a_key_id_exactly_one_key_must_fit() {
    let login = Login::start();
    let without = || login.log_in(|token| token.with_header("kid", Value::Null));
    assert_eq!(without().await.unwrap().id, "u1", "one RSA key among others");
    let (own, foreign) = (OWN.jwk("RS256", "a"), FOREIGN.jwk("RS256", "b"));
    for (keys, good) in [
        (json!([own, foreign]), false),
        (json!([foreign, own]), false),
        (json!([foreign]), false),
        (json!([own]), true),
    ] {
        let login = Login::start();
        login.op.json("/jwks", json!({ "keys": keys }));
        let outcome = login.log_in(|token| token.with_header("kid", Value::Null)).await;
        assert_eq!(outcome.is_ok(), good, "{keys}");
    }
}

#[tokio::test]
async fn a_key_must_fit_the_algorithm() {
    for (member, value, good) in [
        ("use", json!("sig"), true),
        ("use", json!("enc"), false),
        ("alg", json!("RS256"), true),
        ("alg", json!("RS512"), false),
        ("alg", json!("RSA-OAEP"), false),
        ("kty", json!("EC"), false),
        ("kid", json!("other"), false),
        ("kid", Value::Null, false),
        ("e", json!("AQ"), false),
        ("e", json!("AAAAAQ"), false),
        ("n", json!(7), false),
        ("x5c", json!("not a list"), true),
        ("key_ops", json!(["odd"]), true),
    ] {
        let login = Login::start();
        let mut jwk = OWN.jwk("RS256", "rsa");
        jwk[member] = value.clone();
        key_set(&login, &jwk, "");
        assert_eq!(login.log_in(|token| token).await.is_ok(), good, "{member} {value}");
    }
}

/// The identity of the curve as a key: anybody can sign anything with S = 0.
#[tokio::test]
async fn a_key_that_proves_nothing_is_ignored() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let login = Login::start();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(identity), "kid": "ed" });
    login.op.json("/jwks", json!({ "keys": [jwk] }));
    let signature = encoded([identity, [0; 32]].concat());
    let forged = login.log_in_with(|token| {
        let header = json!({ "alg": "EdDSA", "kid": "ed" });
        OWN.sign("", &header, &token.claims.to_string()) + &signature
    });
    assert_invalid(forged.await, "no key");
}

#[tokio::test]
async fn a_key_set_without_keys_or_with_too_many_is_no_answer() {
    let many: Vec<Value> = (0..101).map(|n| OWN.jwk("RS256", &format!("k{n}"))).collect();
    for body in [
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": {} }),
        json!({ "keys": many }),
        json!([OWN.jwk("RS256", "rsa")]),
    ] {
        let login = Login::start();
        login.op.json("/jwks", body.clone());
        let outcome = login.log_in(|token| token).await;
        assert!(matches!(outcome, Err(OidcError::Unavailable(_))), "{body}");
    }
}
