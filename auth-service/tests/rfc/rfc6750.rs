//! RFC 6750: bearer tokens and the challenges of `/verify`.

use crate::support::{GIT, Gateway, TIME};

const METADATA: &str = "https://time.gw.example/.well-known/oauth-protected-resource/mcp";

/// §3.1: without a token the challenge has no error; RFC 9728 §5.1: it names the metadata.
#[tokio::test]
async fn a_request_without_a_token_is_challenged() {
    let gateway = Gateway::start();
    let expected = format!("Bearer resource_metadata=\"{METADATA}\", scope=\"mcp\"");
    for headers in [vec![], vec![("Authorization", "Basic abc")], vec![("Authorization", "Bearer")]]
    {
        let answer = gateway.forwarded(TIME, &headers).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, expected.as_str()));
    }
}

/// §3.1: `invalid_token` for everything that is not a good token of this server.
#[tokio::test]
async fn a_bad_token_is_invalid() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let good = tokens.text("access_token");
    let (head, signature) = good.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let unsigned =
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", head.split('.').nth(1).unwrap());
    for bad in
        ["x", "a.b.c", &format!("{head}.{flipped}"), &unsigned, &tokens.text("refresh_token")]
    {
        let answer = gateway.verify(TIME, bad).await;
        assert_eq!(answer.error(), (401, "invalid_token"), "{bad}");
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
        assert!(challenge.starts_with(&format!("Bearer resource_metadata=\"{METADATA}\"")));
    }
    assert_eq!(gateway.verify(TIME, &good).await.status, 200);
    gateway.clock.advance(3600);
    assert_eq!(gateway.verify(TIME, &good).await.error(), (401, "invalid_token"));
}

/// A token for one server is refused by another, with the challenge of the other.
#[tokio::test]
async fn a_token_opens_only_the_server_it_is_for() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    assert_eq!(gateway.verify(TIME, &token).await.status, 200);
    let refused = gateway.verify(GIT, &token).await;
    assert_eq!(refused.error(), (401, "invalid_token"));
    assert!(refused.header("www-authenticate").contains("https://git.gw.example/.well-known/"));
}

/// §3.1: a token that lacks a scope is `insufficient_scope`, and the challenge names all of them.
#[tokio::test]
async fn a_token_without_the_scopes_is_told_which() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    gateway.set_servers(&serde_json::json!({ "time": { "scopes": ["mcp", "time:read"] } }));
    let refused = gateway.verify(TIME, &token).await;
    assert_eq!(refused.error(), (403, "insufficient_scope"));
    assert!(refused.header("www-authenticate").contains("scope=\"mcp time:read\""));
}
