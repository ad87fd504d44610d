//! Logout tokens of a provider (Back-Channel Logout 1.0 §2.6).

use auth_service::{
    model::UnixTime,
    upstream::{Logout, OidcError},
};
use serde_json::{Value, json};

use crate::{
    login::{CLIENT, Login, Token, assert_invalid},
    signer::{FOREIGN, OWN, sign_with_secret},
};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const NOW: i64 = 1_800_000_000;

fn token(login: &Login) -> Token {
    let claims = json!({
        "iss": login.op.base,
        "aud": CLIENT,
        "iat": NOW,
        "exp": NOW + 120,
        "jti": "j1",
        "sub": "u1",
        "sid": "s1",
        "events": { EVENT: {} },
    });
    let header = json!({ "alg": "RS256", "typ": "logout+jwt", "kid": "rsa" });
    Token { header, claims, algorithm: "RS256", signer: &OWN }
}

async fn logout(login: &Login, change: impl FnOnce(Token) -> Token) -> Result<Logout, OidcError> {
    login.client.logout(&change(token(login)).sign()).await
}

#[tokio::test]
async fn a_good_token_names_the_person_and_the_session() {
    let login = Login::start();
    let expected = Logout {
        id: Some("u1".to_owned()),
        sid: Some("s1".to_owned()),
        jti: "j1".to_owned(),
        expires_at: UnixTime(NOW + 240),
    };
    assert_eq!(logout(&login, |token| token).await.unwrap(), expected);
    let of_person = logout(&login, |token| token.with("sid", Value::Null)).await.unwrap();
    assert_eq!((of_person.id.as_deref(), of_person.sid), (Some("u1"), None));
    let of_session = logout(&login, |token| token.with("sub", Value::Null)).await.unwrap();
    assert_eq!((of_session.id, of_session.sid.as_deref()), (None, Some("s1")));
    let odd = logout(&login, |token| token.with("sub", json!("É"))).await.unwrap();
    assert_eq!(odd.id.as_deref(), Some("~w4k"), "the id of the login");
    for typ in [Value::Null, json!("JWT"), json!("application/logout+jwt"), json!("LOGOUT+JWT")] {
        assert!(logout(&login, |token| token.with_header("typ", typ)).await.is_ok());
    }
    assert!(logout(&login, |token| token.with("exp", Value::Null)).await.is_ok());
}

#[tokio::test]
async fn a_token_of_somebody_else_or_of_another_kind_is_refused() {
    let login = Login::start();
    let with =
        |name: &'static str, value: Value| logout(&login, move |token| token.with(name, value));
    assert_invalid(logout(&login, |token| Token { signer: &FOREIGN, ..token }).await, "no key");
    for iss in [json!("https://other.example"), json!(7), Value::Null] {
        assert_invalid(with("iss", iss).await, "iss");
    }
    for aud in [json!("other"), json!([]), json!(["other"])] {
        assert_invalid(with("aud", aud).await, "aud");
    }
    for typ in ["at+jwt", "id+jwt"] {
        let outcome = logout(&login, |token| token.with_header("typ", json!(typ))).await;
        assert_invalid(outcome, "typ");
    }
    for events in [Value::Null, json!({}), json!([EVENT]), json!({ EVENT: true }), json!(EVENT)] {
        assert_invalid(with("events", events).await, "events");
    }
    for nonce in [json!("n"), json!("")] {
        assert_invalid(with("nonce", nonce).await, "nonce");
    }
    for jti in [Value::Null, json!(""), json!(7), json!("x".repeat(256))] {
        assert_invalid(with("jti", jti).await, "jti");
    }
    let nobody = logout(&login, |token| token.with("sub", Value::Null).with("sid", Value::Null));
    assert_invalid(nobody.await, "neither");
    let header = json!({ "alg": "HS256", "kid": "rsa" });
    let claims = token(&login).claims.to_string();
    let symmetric = sign_with_secret(b"secret", &header, &claims);
    assert_invalid(login.client.logout(&symmetric).await, "asymmetric");
}

#[tokio::test]
async fn an_id_token_does_not_log_out() {
    let login = Login::start();
    let outcome = login.client.logout(&login.token("n").sign()).await;
    assert_invalid(outcome, "events");
}

#[tokio::test]
async fn only_young_tokens_count() {
    let login = Login::start();
    let with =
        |name: &'static str, value: Value| logout(&login, move |token| token.with(name, value));
    for (name, value) in [
        ("iat", json!(NOW + 60)),
        ("iat", json!(NOW - 179)),
        ("exp", json!(NOW - 59)),
        ("iat", json!(f64::from(i32::try_from(NOW).unwrap()) + 0.5)),
    ] {
        assert!(with(name, value.clone()).await.is_ok(), "{name} {value}");
    }
    assert_invalid(with("iat", json!(NOW + 61)).await, "not yet");
    assert_invalid(with("iat", json!(NOW - 180)).await, "too old");
    assert_invalid(with("iat", Value::Null).await, "iat is missing");
    assert_invalid(with("exp", json!(NOW - 60)).await, "expired");
    assert_invalid(with("exp", json!("never")).await, "not a number");
}

/// Anybody can send logout tokens.
#[tokio::test]
async fn what_strangers_send_is_bounded() {
    let login = Login::start();
    let large = format!("{}.{}.{}", "a".repeat(6000), "b".repeat(6000), "c".repeat(6000));
    assert_invalid(login.client.logout(&large).await, "too large");
    for n in 0..20 {
        let forged = logout(&login, |token| token.with_header("kid", json!(format!("k{n}"))));
        assert_invalid(forged.await, "no key");
    }
    assert_eq!(login.op.count("/jwks"), 1);
}
