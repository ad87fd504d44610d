//! RFC 9068: the JWT profile of access tokens, checked with the published keys alone.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;

use crate::support::{Gateway, ISSUER, TIME};

/// §2.1, §2.2: header and claims; a resource server needs nothing but the metadata.
#[tokio::test]
async fn an_access_token_can_be_verified_with_the_published_keys() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let keys = gateway.get("auth.gw.example", "/jwks").await.body;
    assert!(keys["keys"][0].get("d").is_none(), "a private key is published");
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::ES256, Some("at+jwt")));
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[TIME]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], "local:alice");
    assert_eq!(claims["client_id"], app.id);
    assert_eq!(claims["scope"], "mcp");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert!(claims["jti"].is_string());
}

/// An access token never outlives its grant, and the answer says when it ends.
#[tokio::test]
async fn a_token_ends_with_its_grant_at_the_latest() {
    let gateway = Gateway::with(&[("REFRESH_TOKEN_LIFETIME", "1000")]);
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    assert_eq!(tokens.body["expires_in"], 1000);
    let claims = &crate::forger::parts(&tokens.text("access_token"))[1];
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 1000);
}
