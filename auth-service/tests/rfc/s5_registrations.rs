//! A flood of registrations costs nothing that others need.

use gateway_tests::pkce;
use serde_json::json;

use crate::support::{App, CALLBACK, Gateway, TIME, answer, query};

async fn flood(gateway: &Gateway, count: usize) -> Vec<App> {
    let mut flood = Vec::new();
    for _ in 0..count {
        flood.push(gateway.app().await);
    }
    flood
}

/// Neither who has registered just now, nor who is on the consent page, nor who is connected.
#[tokio::test]
async fn s5_a_flood_at_the_limit_evicts_nobody() {
    let gateway = Gateway::with(&[("MAX_CLIENTS", "300")]);
    let connected = gateway.app().await;
    let tokens = gateway.tokens(&connected, "alice", TIME).await;
    let (waiting, fresh) = (gateway.app().await, gateway.app().await);
    let (verifier, challenge) = pkce::pair();
    let mut browser = gateway.browser();
    let page = browser.get(&waiting.authorize_url(&challenge, &[])).await;
    // The flood poses as in use: each opens its page and goes on to the login.
    for app in flood(&gateway, 300).await {
        let mut stranger = gateway.browser();
        let page = stranger.get(&app.authorize_url(&pkce::pair().1, &[])).await;
        stranger.decide(&page, "github", "").await;
    }
    let done = browser.decide(&page, "local", &gateway.login_code("bob").await).await;
    let code = query(&browser.follow(done, CALLBACK).await)["code"].clone();
    assert_eq!(gateway.redeem(&waiting, &code, &verifier).await.status, 200);
    gateway.tokens(&fresh, "carol", TIME).await;
    let refreshed = gateway.refresh(&connected, &tokens.text("refresh_token")).await;
    assert_eq!(refreshed.status, 200);
}

/// A registration that was evicted while its person was on the consent page, or at GitHub, is put
/// back by the consent.
#[tokio::test]
async fn s5_an_evicted_registration_comes_back_with_the_consent() {
    let gateway = Gateway::start();
    for way in ["local", "github"] {
        let app = gateway.app().await;
        let evict = || gateway.redis.cli(&["DEL", &format!("mcpgw:client:{}", app.id)]);
        let (verifier, challenge) = pkce::pair();
        let mut browser = gateway.browser();
        let page = browser.get(&app.authorize_url(&challenge, &[])).await;
        if way == "local" {
            evict();
        }
        let sent = browser.decide(&page, way, &gateway.login_code("octocat").await).await;
        if way == "github" {
            evict();
        }
        let code = query(&browser.follow(sent, CALLBACK).await)["code"].clone();
        assert_eq!(gateway.redeem(&app, &code, &verifier).await.status, 200, "{way}");
    }
}

/// The pool of those that nobody has consented to has a fixed number of places.
#[tokio::test]
async fn s5_unused_registrations_have_a_fixed_number_of_places() {
    let gateway = Gateway::start();
    let first = gateway.app().await;
    let script = "for i = 1, 4096 do redis.call('ZADD', KEYS[1], ARGV[1], i) end";
    let later = (gateway.config_now() + 1).to_string();
    gateway.redis.cli(&["EVAL", script, "1", "mcpgw:unused-clients", &later]);
    gateway.clock.advance(2);
    gateway.app().await;
    assert_eq!(gateway.redis.cli(&["ZCARD", "mcpgw:unused-clients"]).trim(), "4096");
    assert_eq!(gateway.refresh(&first, "x").await.error(), (401, "invalid_client"));
}

/// A registration that its client deleted is not put back by a page that is still open.
#[tokio::test]
async fn s5_a_deleted_registration_does_not_come_back() {
    let gateway = Gateway::start();
    let metadata = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let registered = gateway.register(metadata).await;
    let app = App { id: registered.text("client_id"), secret: None };
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
    let request = gateway.http.delete(format!("{}/register/{}", gateway.base, app.id));
    let token = registered.text("registration_access_token");
    assert_eq!(answer(request.bearer_auth(token)).await.status, 204);
    let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
    assert!(crate::session::code(&done).is_none(), "{done:?}");
}
