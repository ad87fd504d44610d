//! Checks of ID tokens: the signature and each of the claims.

use auth_service::upstream::OidcError;
use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use serde_json::{Value, json};

use crate::{
    login::{CLIENT, Login, assert_invalid, groups, kid, tokens},
    signer::{ALGORITHMS, FOREIGN, OWN, encoded, sign_with_secret},
};

#[tokio::test]
async fn every_asymmetric_algorithm_is_accepted() {
    let login = Login::start();
    for algorithm in ALGORITHMS {
        let hash = match algorithm {
            "RS384" | "PS384" | "ES384" => &SHA384,
            "RS512" | "PS512" | "EdDSA" => &SHA512,
            _ => &SHA256,
        };
        let hash = digest(hash, b"access");
        let half = encoded(&hash.as_ref()[..hash.as_ref().len() / 2]);
        let header = json!({ "alg": algorithm, "kid": kid(algorithm) });
        let good = login.log_in_with(|token| {
            let token = token.with("at_hash", json!(half));
            OWN.sign(algorithm, &header, &token.claims.to_string())
        });
        assert_eq!(good.await.unwrap().id, "u1", "{algorithm}");
        let forged =
            login.log_in_with(|token| FOREIGN.sign(algorithm, &header, &token.claims.to_string()));
        assert_invalid(forged.await, "no key");
    }
}

#[tokio::test]
async fn a_symmetric_or_missing_algorithm_is_refused() {
    let login = Login::start();
    let jwk = OWN.jwk("RS256", "rsa");
    // The secrets that an attacker knows: the public key in its forms.
    for secret in [jwk["n"].as_str().unwrap().to_owned(), jwk.to_string(), "secret".to_owned()] {
        let header = json!({ "alg": "HS256", "kid": "rsa" });
        let forged = login.log_in_with(|token| {
            sign_with_secret(secret.as_bytes(), &header, &token.claims.to_string())
        });
        assert_invalid(forged.await, "asymmetric");
    }
    for alg in ["none", "None", "ES512", "HS1", ""] {
        let header = json!({ "alg": alg });
        for signature in ["", "x"] {
            let forged = login.log_in_with(|token| {
                let unsigned = OWN.sign("", &header, &token.claims.to_string());
                format!("{unsigned}{signature}")
            });
            assert_invalid(forged.await, "malformed");
        }
    }
}

/// A key set with a symmetric key, whose secret everybody can read there.
#[tokio::test]
async fn a_symmetric_key_of_the_key_set_verifies_nothing() {
    let login = Login::start();
    login.op.json("/jwks", json!({ "keys": [{ "kty": "oct", "k": encoded("k"), "kid": "rsa" }] }));
    let header = json!({ "alg": "HS256", "kid": "rsa" });
    let forged =
        login.log_in_with(|token| sign_with_secret(b"k", &header, &token.claims.to_string()));
    assert_invalid(forged.await, "asymmetric");
}

#[tokio::test]
async fn a_token_of_somebody_else_is_refused() {
    let login = Login::start();
    let other = |name, value: Value| login.log_in(move |token| token.with(name, value));
    let slash = format!("{}/", login.op.base);
    for iss in [
        json!("https://other.example"),
        json!(slash),
        json!(1234),
        json!([login.op.base]),
        Value::Null,
    ] {
        assert_invalid(other("iss", iss).await, "iss");
    }
    for aud in [json!("other"), json!([]), json!(["other"]), json!(""), json!({ "0": CLIENT })] {
        assert_invalid(other("aud", aud).await, "aud");
    }
    for aud in [Value::Null, json!(7), json!([CLIENT, 7]), json!([[CLIENT]])] {
        assert_invalid(other("aud", aud).await, "malformed aud");
    }
    assert_invalid(other("aud", json!([CLIENT, "other"])).await, "azp");
    for azp in [json!("other"), json!(7), json!([CLIENT])] {
        assert_invalid(other("azp", azp).await, "azp");
    }
    let zitadel = login
        .log_in(|token| token.with("aud", json!([CLIENT, "project"])).with("azp", json!(CLIENT)));
    assert_eq!(zitadel.await.unwrap().id, "u1");
    assert_eq!(other("aud", json!([CLIENT, CLIENT])).await.unwrap().id, "u1");
}

#[tokio::test]
async fn a_nonce_of_another_login_is_refused() {
    let login = Login::start();
    let (_, earlier) = login.begin().await;
    for nonce in [json!(earlier["nonce"]), json!(""), Value::Null, json!([earlier["nonce"]])] {
        assert_invalid(login.log_in(|token| token.with("nonce", nonce)).await, "nonce");
    }
}

#[tokio::test]
async fn times_are_checked_with_a_minute_of_leeway() {
    let login = Login::start();
    let now = 1_800_000_000;
    let at = |name, value: Value| login.log_in(move |token| token.with(name, value));
    for (name, value) in [
        ("exp", json!(now - 59)),
        ("exp", json!(f64::from(now) + 0.5)),
        ("iat", json!(now + 60)),
        ("iat", Value::Null),
        ("iat", json!(f64::from(now) - 0.25)),
        ("nbf", json!(now)),
        ("auth_time", json!(0)),
        ("auth_time", json!(1.5)),
    ] {
        assert!(at(name, value.clone()).await.is_ok(), "{name} {value}");
    }
    assert_invalid(at("exp", json!(now - 60)).await, "expired");
    assert_invalid(at("exp", Value::Null).await, "exp is missing");
    assert_invalid(at("iat", json!(now + 61)).await, "not yet");
    assert_invalid(at("nbf", json!(now + 61)).await, "not yet");
    for name in ["exp", "iat", "nbf"] {
        for value in [json!("never"), json!(now.to_string())] {
            assert_invalid(at(name, value).await, "not a number");
        }
        // The library refuses these itself.
        for value in [json!(true), json!([now]), json!({})] {
            assert!(matches!(at(name, value).await, Err(OidcError::Invalid(_))));
        }
    }
}

#[tokio::test]
async fn an_access_token_of_another_answer_is_refused() {
    let login = Login::start();
    let other = encoded(&digest(&SHA256, b"other").as_ref()[..16]);
    let whole = encoded(digest(&SHA256, b"access").as_ref());
    for hash in [json!(other), json!(whole), json!(""), json!(7)] {
        assert_invalid(login.log_in(|token| token.with("at_hash", hash)).await, "at_hash");
    }
}

#[tokio::test]
async fn a_jwt_of_another_kind_is_refused() {
    let login = Login::start();
    for typ in ["at+jwt", "logout+jwt", "application/at+jwt", "dpop+jwt"] {
        let outcome = login.log_in(|token| token.with_header("typ", json!(typ))).await;
        assert_invalid(outcome, "typ");
    }
    for typ in [Value::Null, json!("jwt"), json!("application/JWT")] {
        assert!(login.log_in(|token| token.with_header("typ", typ)).await.is_ok());
    }
    // Some providers send logout tokens with the type JWT.
    let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let outcome = login.log_in(|token| token.with("events", events)).await;
    assert_invalid(outcome, "logout token");
    for crit in [json!(["b64"]), json!(["exp"]), json!([])] {
        assert_invalid(login.log_in(|token| token.with_header("crit", crit)).await, "critical");
    }
}

#[tokio::test]
async fn malformed_tokens_are_refused() {
    let login = Login::start();
    for text in ["", ".", "..", "a.b.c", "é.é.é", "eyJhbGciOiJSUzI1NiJ9..", "x"] {
        let outcome = login.log_in_with(|_| text.to_owned()).await;
        assert!(outcome.is_err(), "{text:?}");
    }
    let good = |token: &crate::login::Token| token.sign();
    assert_invalid(login.log_in_with(|token| format!("{}.x", good(&token))).await, "malformed");
    assert_invalid(login.log_in_with(|token| format!("{}A", good(&token))).await, "no key");
}

/// A parser that takes the other one of two claims would see another person.
#[tokio::test]
async fn duplicate_claims_are_refused() {
    let login = Login::start();
    for twice in [r#""sub":"u2","#, r#""aud":"other","#, r#""groups":["admins"],"#] {
        let outcome = login.log_in_with(|token| {
            let claims = token.claims.to_string().replacen('{', &format!("{{{twice}"), 1);
            token.signer.sign("RS256", &token.header, &claims)
        });
        assert_invalid(outcome.await, "no key");
    }
}

#[tokio::test]
async fn the_subject_is_the_providers_name_and_an_id() {
    let login = Login::start();
    let id = |sub: Value| login.log_in(move |token| token.with("sub", sub));
    for (sub, subject) in [
        ("7", "own:7"),
        ("a:b", "own:a:b"),
        ("github:7", "own:github:7"),
        ("client:x", "own:client:x"),
        ("a b", "own:~YSBi"),
        ("a\0", "own:~YQA"),
        ("É", "own:~w4k"),
        ("E\u{301}", "own:~RcyB"),
        ("~w4k", "own:~fnc0aw"),
    ] {
        assert_eq!(id(json!(sub)).await.unwrap().subject(), subject);
    }
    for sub in [json!(""), json!(7), json!(true), Value::Null] {
        assert_invalid(id(sub).await, "sub");
    }
    // The library refuses these itself.
    for sub in [json!(["u1"]), json!({ "u1": 1 })] {
        assert!(matches!(id(sub).await, Err(OidcError::Invalid(_))));
    }
    assert_invalid(id(json!("x".repeat(1025))).await, "id");
    let long = id(json!("x".repeat(256))).await.unwrap().id;
    assert!(long.starts_with('~'), "{long}");
}

#[tokio::test]
async fn an_answer_without_an_id_token_is_no_login() {
    let login = Login::start();
    let (start, _) = login.begin().await;
    login.op.json("/token", tokens(None));
    assert_invalid(login.client.identify(("code", None), &start.verifier).await, "no ID token");
}

#[tokio::test]
async fn only_accounts_of_the_hosted_domain_log_in() {
    let login = Login::with(|provider| provider.hosted_domain = Some("acme.com".to_owned()));
    assert_eq!(login.begin().await.1["hd"], "acme.com");
    assert!(login.log_in(|token| token.with("hd", json!("acme.com"))).await.is_ok());
    for hd in [Value::Null, json!("evil.com"), json!("ACME.com"), json!(["acme.com"])] {
        assert_invalid(login.log_in(|token| token.with("hd", hd)).await, "hd");
    }
}

/// Shapes that real providers have: glewlwyd, canaille, Zitadel.
#[tokio::test]
async fn odd_claims_of_real_providers_do_no_harm() {
    let login = Login::with(|provider| provider.groups = "/urn:roles".to_owned());
    let sighting = login.log_in(|token| {
        token
            .with("scope", json!(["openid", "g_profile"]))
            .with("c_hash", json!("x"))
            .with("auth_time", json!(0))
            .with("urn:roles", json!({ "admin": { "1": "acme.com" } }))
            .with("amr", json!({}))
    });
    assert_eq!(sighting.await.unwrap().groups, groups(&["admin"]));
}
