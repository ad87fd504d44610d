//! RFC 8707: resource indicators.

use serde_json::json;

use crate::support::{GIT, Gateway, TIME, redirected};

/// §2: spellings of the same resource are the same; the canonical one is issued.
#[tokio::test]
async fn spellings_of_a_resource_are_folded() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for spelling in [
        TIME,
        "https://time.gw.example/mcp/",
        "HTTPS://Time.gw.example:443/mcp",
        "https://time.gw.example",
        "https://time.gw.example/",
    ] {
        let token = gateway.tokens(&app, "alice", spelling).await.text("access_token");
        assert_eq!(gateway.verify(TIME, &token).await.status, 200, "{spelling}");
    }
}

/// §2: several resources are several audiences; §2.2: a token request may name some of them.
#[tokio::test]
async fn a_grant_for_several_servers_gives_tokens_for_each() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let both = [("resource", TIME), ("resource", GIT)];
    let (answer, verifier) = gateway.consent(&app, "alice", &both).await;
    let tokens = gateway.redeem(&app, &answer["code"], &verifier).await;
    let all = tokens.text("access_token");
    assert_eq!(gateway.verify(TIME, &all).await.status, 200);
    assert_eq!(gateway.verify(GIT, &all).await.status, 200);
    let refresh = async |resource: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", app.id.as_str()),
            ("refresh_token", &tokens.text("refresh_token")),
            ("resource", resource),
        ];
        gateway.post("/token", &form).await
    };
    let one = refresh(TIME).await.text("access_token");
    assert_eq!(gateway.verify(TIME, &one).await.status, 200);
    assert_eq!(gateway.verify(GIT, &one).await.status, 401);
    assert_eq!(refresh("https://other.example/mcp").await.error(), (400, "invalid_target"));
}

/// §2: a resource that was not granted cannot be had at the token endpoint.
#[tokio::test]
async fn a_token_request_cannot_reach_beyond_the_grant() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", app.id.as_str()),
        ("refresh_token", &tokens.text("refresh_token")),
        ("resource", GIT),
    ];
    assert_eq!(gateway.post("/token", &form).await.error(), (400, "invalid_target"));
}

/// MCP 2025-03-26 has no `resource`: fine with one server. Of several, the person chooses one.
#[tokio::test]
async fn without_a_resource_the_only_server_is_meant() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    gateway.set_servers(&json!({ "time": {} }));
    let (answer, verifier) = gateway.consent(&app, "alice", &[("resource", "")]).await;
    let token = gateway.redeem(&app, &answer["code"], &verifier).await.text("access_token");
    assert_eq!(gateway.verify(TIME, &token).await.status, 200);
}

/// §2: "an absolute URI … MUST NOT include a fragment component"; what is none, or not a server here,
/// is `invalid_target`.
#[tokio::test]
async fn what_is_no_resource_is_an_invalid_target() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for resource in [
        "https://time.gw.example/mcp#x",
        "https://time.gw.example/mcp?x#y",
        "https://time.gw.example/other?x",
        "https://x@time.gw.example/mcp",
        "http://time.gw.example/mcp",
        "https://time.gw.example/other",
        "https://time.gw.example.evil.example/mcp",
        "https://auth.gw.example",
        "/mcp",
        "time",
        "urn:x",
    ] {
        let more = [("resource", resource)];
        let url = app.authorize_url(&gateway_tests::pkce::pair().1, &more);
        let refused = gateway.browser().get(&url).await;
        assert_eq!(redirected(&refused)["error"], "invalid_target", "{resource}");
    }
}
