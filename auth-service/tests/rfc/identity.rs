//! `X-MCP-Identity`: who asks, signed (RFC 7519, RFC 8725).

use auth_service::model::{Clock, Fingerprint};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use crate::{
    forger::{Forger, parts},
    support::{GIT, Gateway, ISSUER, TIME},
};

/// The claims of an identity, checked as a server behind the gateway would.
async fn checked(gateway: &Gateway, token: &str) -> Value {
    let keys = gateway.get("auth.gw.example", "/jwks").await.body;
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::ES256, Some("mcp-identity+jwt")));
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    // The clock of these tests is not that of the library.
    validation.validate_exp = false;
    validation.set_audience(&[TIME]);
    validation.set_issuer(&[ISSUER]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn a_server_gets_to_know_who_asks_in_a_signed_form() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let answer = gateway.verify(TIME, &token).await;
    let now = gateway.clock.now().0;
    let held = parts(&token)[1].clone();
    assert_eq!(held["client_name"], "Test App");
    let hash = |name: &str| Fingerprint::of(held[name].as_str().unwrap()).to_string();
    let expected = json!({
        "iss": ISSUER, "aud": TIME, "sub": "local:alice", "preferred_username": "alice",
        "client_id": app.id, "client_name": held["client_name"], "scope": "mcp", "mcp_server": "time", "iat": now, "exp": now + 60,
        "grant_hash": hash("grant_id"), "token_hash": hash("jti"), "token_exp": held["exp"],
    });
    assert_eq!(checked(&gateway, answer.header("x-mcp-identity")).await, expected);
}

/// RFC 8725 §3.11: a token of one kind is never one of another.
#[tokio::test]
async fn an_identity_is_no_access_token() {
    let forger = Forger::start().await;
    let good = forger.sign(&forger.header, &forger.claims);
    let answer = forger.gateway.verify(TIME, &good).await;
    let identity = answer.header("x-mcp-identity");
    assert!(!forger.opens(identity).await);
    // Not even one with all claims of an access token.
    let typ = parts(identity)[0]["typ"].clone();
    let dressed_up = forger.sign(&forger.header_with("typ", typ), &forger.claims);
    assert!(!forger.opens(&dressed_up).await);
    assert!(forger.opens(&good).await);
}

/// Half of its minute is for the way to the server.
#[tokio::test]
async fn one_signature_serves_for_half_a_minute() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let identity = async || {
        let answer = gateway.verify(TIME, &token).await;
        assert_eq!(answer.status, 200);
        answer.header("x-mcp-identity").to_owned()
    };
    // Two signatures of one text differ: they are random (FIPS 186-5 §6.4.1).
    let first = identity().await;
    gateway.clock.advance(29);
    assert_eq!(identity().await, first);
    gateway.clock.advance(1);
    let second = identity().await;
    assert_ne!(second, first);
    let iat = |token: &str| parts(token)[1]["iat"].as_i64().unwrap();
    assert_eq!(iat(&second) - iat(&first), 30);
    // A clock that is set back makes no token of the future.
    gateway.clock.advance(-3);
    assert_eq!(iat(&identity().await), iat(&second) - 3);
}

/// What is remembered follows the catalogue, and each server has its own.
#[tokio::test]
async fn an_identity_holds_the_scopes_and_the_place_of_now() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let both = [("resource", TIME), ("resource", GIT)];
    let (code, verifier) = gateway.consent(&app, "alice", &both).await;
    let token = gateway.redeem(&app, &code["code"], &verifier).await.text("access_token");
    let claims = async |resource: &str| {
        let answer = gateway.verify(resource, &token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let claims = parts(answer.header("x-mcp-identity"))[1].clone();
        assert_eq!(claims["scope"], answer.header("x-auth-scopes"));
        let text = |name: &str| claims[name].as_str().unwrap().to_owned();
        [text("mcp_server"), text("aud"), text("scope")]
    };
    assert_eq!(claims(TIME).await, ["time", TIME, "mcp"]);
    assert_eq!(claims(GIT).await, ["git", GIT, "mcp"]);
    gateway.set_servers(&json!({
        "time": { "command": "x", "scopeDetails": { "mcp": { "includes": ["mcp:read"] } } },
        "other": { "command": "y", "resource": GIT },
    }));
    assert_eq!(claims(TIME).await, ["time", TIME, "mcp mcp:read"]);
    assert_eq!(claims(GIT).await, ["other", GIT, "mcp"]);
}

/// Off, the header is there and empty: a client's own copy must not be what remains.
#[tokio::test]
async fn the_header_is_empty_if_it_is_off() {
    let gateway = Gateway::with(&[("SIGNED_IDENTITY", "false")]);
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let answer = gateway.verify(TIME, &token).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["x-mcp-identity"], "");
}
