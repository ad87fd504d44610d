//! RFC 7515: signatures of tokens; RFC 8725 §3.1, §3.2, §3.10 on the ways around them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::forger::{Forger, encoded, sign_with};

/// RFC 8725 §3.1, §3.2: the algorithm is that of the key, whatever the header says: `none`, or HMAC
/// with what is published as the secret.
#[tokio::test]
async fn the_header_does_not_choose_the_algorithm() {
    let forger = Forger::start().await;
    let message = |alg: &str| {
        let header = forger.header_with("alg", json!(alg));
        format!("{}.{}", encoded(&header), encoded(&forger.claims))
    };
    let (_, genuine) = forger
        .sign(&forger.header, &forger.claims)
        .rsplit_once('.')
        .map(|(message, signature)| (message.to_owned(), signature.to_owned()))
        .unwrap();
    for alg in ["none", "None", "", "ES384", "RS256", "HS256"] {
        for signature in ["", genuine.as_str()] {
            assert!(!forger.opens(&format!("{}.{signature}", message(alg))).await, "{alg}");
        }
    }
    let keys = forger.gateway.get("auth.gw.example", "/jwks").await.body;
    let (x, y) = (keys["keys"][0]["x"].as_str().unwrap(), keys["keys"][0]["y"].as_str().unwrap());
    let point = [x, y].map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).concat();
    let header = forger.header_with("alg", json!("HS256"));
    for secret in [keys.to_string().into_bytes(), keys["keys"][0].to_string().into_bytes(), point] {
        let key = EncodingKey::from_secret(&secret).unwrap();
        let token = sign_with(&key, Algorithm::HS256, &header, &forger.claims);
        assert!(!forger.opens(&token).await);
    }
}

/// §4.1.2, §4.1.3, §4.1.4: the key is one of ours by its `kid`; a key that the token brings along, or
/// names the address of, is not looked at.
#[tokio::test]
async fn only_published_keys_verify() {
    let forger = Forger::start().await;
    for kid in [Value::Null, json!("other"), json!(""), json!("../../key.pem"), json!(1)] {
        let header = forger.header_with("kid", kid.clone());
        assert!(!forger.opens(&forger.sign(&header, &forger.claims)).await, "{kid}");
    }
    let pem = auth_service::keys::generate_key().unwrap();
    let own = EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&own, Algorithm::ES256).unwrap();
    for (member, value) in [
        ("jwk", serde_json::to_value(&jwk).unwrap()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x5u")),
        ("cty", json!("JWT")),
    ] {
        let header = forger.header_with(member, value);
        let token = sign_with(&own, Algorithm::ES256, &header, &forger.claims);
        assert!(!forger.opens(&token).await, "{member}");
    }
}

/// §4.1.11: a token with extensions that must be understood, and are not, is invalid.
#[tokio::test]
async fn critical_extensions_are_refused() {
    let forger = Forger::start().await;
    for crit in [json!(["exp"]), json!(["b64"]), json!(["http://example.com/UNDEFINED"])] {
        let mut header = forger.header_with("crit", crit.clone());
        header["http://example.com/UNDEFINED"] = json!(true);
        assert!(!forger.opens(&forger.sign(&header, &forger.claims)).await, "{crit}");
    }
}

/// §5.2, §7.1: three parts of base64url, each what it should be, and nothing around them.
#[tokio::test]
async fn the_compact_form_is_read_strictly() {
    let forger = Forger::start().await;
    let good = forger.sign(&forger.header, &forger.claims);
    let parts: Vec<&str> = good.split('.').collect();
    let array = encoded(&json!([1]));
    for bad in [
        parts[..2].join("."),
        format!("{good}.x"),
        format!("{good}="),
        format!("{good}.{good}"),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{}", parts[0], array, parts[2]),
        format!("{}.{}.{}", array, parts[1], parts[2]),
        format!("{} {}", parts[0], good),
        "..".to_owned(),
        "a".repeat(20_000),
    ] {
        assert!(!forger.opens(&bad).await, "{bad}");
    }
    assert!(forger.opens(&good).await);
}

/// §5.2: a signature is good for what it was made of alone, also when it is remembered: by its hash, or
/// as it was sent (`oauth/verify/first_level.rs`).
#[tokio::test]
async fn a_token_that_was_seen_often_vouches_for_no_other() {
    let forger = Forger::start().await;
    let good = forger.sign(&forger.header, &forger.claims);
    for at in (0..good.len()).step_by(7) {
        assert!(forger.opens(&good).await);
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(!forger.opens(std::str::from_utf8(&changed).unwrap()).await, "byte {at}");
        let (start, rest) = (&good[..at], &good[at + 1..]);
        assert!(!forger.opens(&format!("{start}{rest}")).await, "without byte {at}");
    }
    assert!(!forger.opens(&good[good.len() - 8..]).await);
    let other = forger.claims_with("sub", json!("local:mallory"));
    let other = forger.sign(&forger.header, &other);
    let signature = |token: &str| token.rfind('.').unwrap();
    let spliced = format!("{}{}", &other[..signature(&other)], &good[signature(&good)..]);
    assert!(!forger.opens(&spliced).await);
    assert!(forger.opens(&good).await);
}
