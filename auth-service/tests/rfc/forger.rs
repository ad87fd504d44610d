//! Tokens that are almost good: signed with the key of the gateway, or said to be.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::support::{Gateway, TIME};

pub(crate) struct Forger {
    pub(crate) gateway: Gateway,
    /// The header of a token that is good.
    pub(crate) header: Value,
    /// Its claims.
    pub(crate) claims: Value,
    key: EncodingKey,
}

impl Forger {
    pub(crate) async fn start() -> Self {
        let gateway = Gateway::start();
        let app = gateway.app().await;
        let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
        let parts = parts(&token);
        let pem = std::fs::read(&gateway.config.signing_key_file).unwrap();
        let key = EncodingKey::from_ec_pem(&pem).unwrap();
        Self { gateway, header: parts[0].clone(), claims: parts[1].clone(), key }
    }

    /// A token with the key of the gateway.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        sign_with(&self.key, Algorithm::ES256, header, claims)
    }

    /// The header with one member changed, or taken away.
    pub(crate) fn header_with(&self, member: &str, value: Value) -> Value {
        with(&self.header, member, value)
    }

    /// The claims with one member changed, or taken away.
    pub(crate) fn claims_with(&self, member: &str, value: Value) -> Value {
        with(&self.claims, member, value)
    }

    /// Whether the token opens the server; what does not is `invalid_token`.
    pub(crate) async fn opens(&self, token: &str) -> bool {
        let answer = self.gateway.verify(TIME, token).await;
        if answer.status == 200 {
            return true;
        }
        assert_eq!(answer.error(), (401, "invalid_token"), "{token}");
        false
    }
}

/// Header and claims of a token.
pub(crate) fn parts(token: &str) -> Vec<Value> {
    token.split('.').take(2).map(decoded).collect()
}

/// A token with another key, whatever its header says.
pub(crate) fn sign_with(
    key: &EncodingKey,
    algorithm: Algorithm,
    header: &Value,
    claims: &Value,
) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn with(object: &Value, member: &str, value: Value) -> Value {
    let mut object = object.clone();
    match value {
        Value::Null => drop(object.as_object_mut().unwrap().remove(member)),
        value => object[member] = value,
    }
    object
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) fn encoded(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The control of everything that is forged: as it is, the token is good.
#[tokio::test]
async fn what_is_signed_here_as_the_gateway_signs_it_is_good() {
    let forger = Forger::start().await;
    assert_eq!(forger.header["typ"], json!("at+jwt"));
    assert!(forger.opens(&forger.sign(&forger.header, &forger.claims)).await);
}
