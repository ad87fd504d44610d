//! RFC 7591: dynamic client registration.

use serde_json::json;

use crate::support::{CALLBACK, Gateway};

/// §3.2.1: 201 with all registered metadata, nothing `null`, not to be cached.
#[tokio::test]
async fn a_registration_echoes_what_was_registered() {
    let gateway = Gateway::start();
    let answer = gateway
        .register(json!({
            "redirect_uris": [CALLBACK, "cursor://anysphere.cursor-mcp/oauth/callback"],
            "client_name": "Cursor",
            "client_uri": "https://cursor.example",
            "application_type": "native",
            "token_endpoint_auth_method": "none",
            "software_id": null,
            "something_new": { "a": [1] },
        }))
        .await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.body["client_uri"], "https://cursor.example");
    assert_eq!(answer.body["application_type"], "native");
    assert_eq!(answer.body["response_types"], json!(["code"]));
    assert!(answer.body["client_id_issued_at"].is_i64());
    assert!(answer.body.get("client_secret").is_none(), "a public client gets no secret");
    assert!(answer.body.get("software_id").is_none());
    assert!(!answer.body.to_string().contains("null"), "{}", answer.body);
}

/// §3.2.1: `client_secret_expires_at` is there if a secret is; Redis has no secret.
#[tokio::test]
async fn a_confidential_client_gets_a_secret_that_is_stored_as_a_hash() {
    let gateway = Gateway::start();
    let answer = gateway.register(json!({ "redirect_uris": [CALLBACK] })).await;
    assert_eq!(answer.body["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!(answer.body["client_secret_expires_at"], 0);
    let key = format!("mcpgw:client:{}", answer.text("client_id"));
    let stored = gateway.redis.cli(&["GET", &key]);
    assert!(stored.contains("redirect_uris"), "{stored}");
    for secret in ["client_secret", "registration_access_token"] {
        assert!(!stored.contains(&answer.text(secret)), "{secret} is in Redis");
    }
}

/// §3.2.2: errors in JSON with the codes of the RFC.
#[tokio::test]
async fn a_bad_registration_is_refused() {
    let gateway = Gateway::start();
    for (metadata, error) in [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://localhost.evil.example/"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [1] }), "invalid_client_metadata"),
        (json!("text"), "invalid_client_metadata"),
        (
            json!({ "redirect_uris": [CALLBACK], "response_types": ["token"] }),
            "invalid_client_metadata",
        ),
        (
            json!({ "redirect_uris": [CALLBACK], "grant_types": ["implicit"] }),
            "invalid_client_metadata",
        ),
    ] {
        assert_eq!(gateway.register(metadata.clone()).await.error(), (400, error), "{metadata}");
    }
}

/// A body larger than any registration is refused before it is read.
#[tokio::test]
async fn a_huge_registration_is_refused() {
    let gateway = Gateway::start();
    let huge = json!({ "redirect_uris": [CALLBACK], "client_name": "x".repeat(100_000) });
    assert_eq!(gateway.register(huge).await.error(), (413, "invalid_request"));
}

/// Using a registration renews it; one that nobody uses ends.
#[tokio::test]
async fn a_registration_in_use_does_not_expire() {
    let life = [("CLIENT_LIFETIME", "100"), ("REFRESH_TOKEN_LIFETIME", "100")];
    let gateway = Gateway::with(&life);
    let (used, idle) = (gateway.app().await, gateway.app().await);
    gateway.clock.advance(60);
    gateway.tokens(&used, "alice", crate::support::TIME).await;
    gateway.clock.advance(60);
    let unknown = gateway.refresh(&idle, "x").await;
    assert_eq!(unknown.error(), (401, "invalid_client"));
    assert_eq!(gateway.refresh(&used, "x").await.error(), (400, "invalid_grant"));
}
