//! The contract with Traefik's `ForwardAuth`.

use reqwest::Method;

use crate::support::{Gateway, TIME};

/// All identity headers are there, also those that are empty, so that none of the client's remains.
#[tokio::test]
async fn a_good_token_gives_all_identity_headers() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let answer = gateway.verify(&format!("{TIME}?x=1"), &token).await;
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("x-mcp-server", "time"),
        ("x-user-id", "local:alice"),
        ("x-user-name", "alice"),
        ("x-user-email", ""),
        ("x-client-id", app.id.as_str()),
        ("x-auth-scopes", "mcp"),
        ("x-client-address", "127.0.0.1"),
        (
            "x-mcp-challenge",
            "Bearer resource_metadata=\"https://time.gw.example/.well-known/oauth-protected-resource/mcp\"",
        ),
    ] {
        assert_eq!(answer.headers[name], value, "{name}");
    }
}

/// The method of the request does not matter: DELETE and GET are checked like POST.
#[tokio::test]
async fn every_method_is_checked() {
    let gateway = Gateway::start();
    for method in [Method::GET, Method::POST, Method::DELETE, Method::HEAD, Method::PATCH] {
        let request = gateway.http.request(method.clone(), format!("{}/verify", gateway.base));
        let request = request.header("X-Forwarded-Host", "time.gw.example");
        let answer = request.header("X-Forwarded-Uri", "/mcp").send().await.unwrap();
        assert_eq!(answer.status(), 401, "{method}");
    }
}

/// What is not a server is 404 with a hint, and a URL that can be read in two ways is 400.
#[tokio::test]
async fn what_is_no_server_is_not_found() {
    let gateway = Gateway::start();
    let answer = gateway.forwarded("https://nothing.gw.example/mcp", &[]).await;
    assert_eq!(answer.error(), (404, "not_found"));
    assert!(answer.text("error_description").contains("check its name"));
    let odd = gateway.forwarded("https://time.gw.example/a%2f..%2fmcp", &[]).await;
    assert_eq!(odd.error(), (400, "invalid_request"));
    let request = gateway.http.get(format!("{}/verify", gateway.base));
    assert_eq!(crate::support::answer(request).await.error(), (400, "invalid_request"));
}

/// Traefik answers 401 without a word to what is longer than it sets aside.
#[tokio::test]
async fn refusals_are_short_enough_for_traefik() {
    let middlewares = include_str!("../../../traefik/dynamic/middlewares.yml");
    let most =
        middlewares.lines().find_map(|line| line.trim().strip_prefix("maxResponseBodySize: "));
    let most: usize = most.unwrap().parse().unwrap();
    let mut gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let strict = Gateway::with(&[("TRUSTED_PROXIES", "10.0.0.0/8")]);
    let mut refusals = vec![
        gateway.forwarded("https://time.gw.example/a%2f..%2fmcp", &[]).await,
        gateway.forwarded(TIME, &[]).await,
        gateway.verify(TIME, "x").await,
        gateway.verify(crate::support::GIT, &token).await,
        strict.verify(TIME, &token).await,
        gateway.forwarded("https://nothing.gw.example/mcp", &[]).await,
    ];
    gateway.redis.kill();
    refusals.push(gateway.verify(TIME, &token).await);
    let statuses: Vec<_> = refusals.iter().map(|refusal| refusal.status).collect();
    assert_eq!(statuses, [400, 401, 401, 401, 403, 404, 503]);
    for refusal in refusals {
        assert!(refusal.body.to_string().len() * 3 < most, "{refusal:?}");
    }
}

/// Who comes behind us might take the other one.
#[tokio::test]
async fn two_tokens_are_none() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let header = ("Authorization", format!("Bearer {token}"));
    let twice = [(header.0, header.1.as_str()), (header.0, header.1.as_str())];
    assert_eq!(gateway.forwarded(TIME, &twice[..1]).await.status, 200);
    assert_eq!(gateway.forwarded(TIME, &twice).await.error(), (401, "invalid_token"));
}

/// GHSA-7x63-xv5r-3p2x (oauth2-proxy): whoever may set `X-Forwarded-*` chooses what is checked, so only
/// the proxies may ask at all.
#[tokio::test]
async fn only_trusted_proxies_may_ask() {
    let gateway = Gateway::with(&[("TRUSTED_PROXIES", "10.0.0.0/8")]);
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let answer = gateway.verify(TIME, &token).await;
    assert_eq!(answer.error(), (403, "access_denied"));
    assert!(!answer.headers.contains_key("x-user-id"));
    // X-Forwarded-For is what this peer says, and changes nothing.
    let answer = gateway.forwarded(TIME, &[("X-Forwarded-For", "10.0.0.1")]).await;
    assert_eq!(answer.error(), (403, "access_denied"));
}

/// With a shared secret the address does not matter: neither a trusted one without the secret may ask,
/// nor is one with it refused.
#[tokio::test]
async fn a_shared_secret_stands_for_the_address() {
    let secret = "sixteen-characters-and-more";
    for trusted in ["127.0.0.0/8", "none"] {
        let settings = [("VERIFY_SECRET", secret), ("TRUSTED_PROXIES", trusted)];
        let gateway = Gateway::with(&settings);
        let ask = async |secrets: &[&str]| {
            let headers: Vec<_> = secrets.iter().map(|value| ("X-Verify-Secret", *value)).collect();
            gateway.forwarded(TIME, &headers).await.status
        };
        assert_eq!(ask(&[secret]).await, 401, "{trusted}: it may ask, and has no token");
        assert_eq!(ask(&[]).await, 403, "{trusted}");
        assert_eq!(ask(&[""]).await, 403, "{trusted}");
        assert_eq!(ask(&["sixteen-characters-and-mor"]).await, 403, "{trusted}");
        assert_eq!(ask(&["SIXTEEN-characters-and-more"]).await, 403, "{trusted}");
        assert_eq!(ask(&[secret, secret]).await, 403, "{trusted}: one of them is not the proxy's");
    }
}
