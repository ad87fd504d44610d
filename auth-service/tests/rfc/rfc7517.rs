//! RFC 7517: the published keys.

use std::collections::HashSet;

use auth_service::{
    keys::{SigningKeys, generate_key},
    oauth::{BearerError, Operation, RequestTarget},
};
use serde_json::Value;

use crate::support::{Gateway, TIME};

/// Members that only private keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

fn assert_public(key: &Value) {
    for member in ["kty", "use", "alg", "kid", "crv", "x", "y"] {
        assert!(key[member].is_string(), "{member}: {key}");
    }
    assert_eq!((&key["use"], &key["alg"]), (&Value::from("sig"), &Value::from("ES256")));
    assert!(PRIVATE.iter().all(|member| key.get(member).is_none()), "{key}");
}

/// §4, §5: a set of public keys, each with what a verifier chooses it by.
#[tokio::test]
async fn the_keys_are_public_and_named() {
    let gateway = Gateway::start();
    let answer = gateway.get("auth.gw.example", "/jwks").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/json"));
    let keys = answer.body["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    assert_public(&keys[0]);
}

/// §4.5, §5: while a key is replaced both are published under names of their own; the new one signs,
/// and what the old one signed is good.
#[tokio::test]
async fn a_key_is_replaced_without_ending_a_session() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let before = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let old = std::fs::read_to_string(&gateway.config.signing_key_file).unwrap();
    let file = gateway.config.signing_key_file.with_file_name("two.pem");
    std::fs::write(&file, format!("{}{old}", generate_key().unwrap())).unwrap();
    let server = gateway.instance_with(|core| core.keys = SigningKeys::load(&file).unwrap());
    let published = serde_json::to_value(server.core.keys.jwks()).unwrap();
    let keys = published["keys"].as_array().unwrap();
    keys.iter().for_each(assert_public);
    let names: HashSet<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!((keys.len(), names.len()), (2, 2));
    let signed = server.core.keys.sign("at+jwt", &serde_json::json!({})).unwrap();
    let kid = jsonwebtoken::decode_header(&signed).unwrap().kid.unwrap();
    assert_eq!(keys[0]["kid"], kid);
    let target = RequestTarget { authority: "time.gw.example", path: "/mcp" };
    let bearer = format!("Bearer {before}");
    assert!(
        server.verifier.verify(target, Some(bearer.as_bytes()), &Operation::Unstated).await.is_ok()
    );
    std::fs::write(&file, generate_key().unwrap()).unwrap();
    let server = gateway.instance_with(|core| core.keys = SigningKeys::load(&file).unwrap());
    let after = server.verifier.verify(target, Some(bearer.as_bytes()), &Operation::Unstated).await;
    assert!(matches!(after, Err(BearerError::Unauthorized(_))), "its key is gone");
}
