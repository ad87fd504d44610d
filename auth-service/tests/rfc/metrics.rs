//! What the operator sees: `METRICS_LISTEN`, and the audit events of `/verify`.

use gateway_tests::port::free_address;

use auth_service::model::Fingerprint;
use gateway_tests::{exposition, pkce};
use serde_json::json;

use crate::{
    forger::parts,
    support::{GIT, Gateway, TIME},
};

const MODERN: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");

struct Watched {
    gateway: Gateway,
    url: String,
}

impl Watched {
    fn start(settings: &[(&str, &str)]) -> Self {
        let free = free_address().to_string();
        let settings = [settings, &[("METRICS_LISTEN", free.as_str())]].concat();
        Self { gateway: Gateway::with(&settings), url: format!("http://{free}/metrics") }
    }

    async fn page(&self) -> String {
        self.gateway.http.get(&self.url).send().await.unwrap().text().await.unwrap()
    }

    /// The value of a series; 0 if it is not there.
    async fn count(&self, series: &str) -> u64 {
        let page = self.page().await;
        let line = page.lines().find_map(|line| line.strip_prefix(series));
        line.map_or(0, |value| value.trim().parse().unwrap())
    }

    async fn asks(&self, token: &str, more: &[(&str, &str)]) -> u16 {
        let bearer = format!("Bearer {token}");
        let headers = [&[("Authorization", bearer.as_str())], more].concat();
        self.gateway.forwarded(TIME, &headers).await.status
    }
}

/// Each decision has a label, and no label names a person, a client or a token.
#[tokio::test]
async fn decisions_are_counted_by_server_and_reason() {
    let watched = Watched::start(&[]);
    let gateway = &watched.gateway;
    let app = gateway.app().await;
    let decided = async |decision: &str| {
        watched
            .count(&format!("mcp_auth_verify_total{{server=\"time\",decision=\"{decision}\"}}"))
            .await
    };
    let token = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let elsewhere = gateway.tokens(&app, "alice", GIT).await.text("access_token");
    assert_eq!(gateway.forwarded(TIME, &[]).await.status, 401);
    assert_eq!(watched.asks("nonsense", &[]).await, 401);
    assert_eq!(watched.asks(&elsewhere, &[]).await, 401);
    assert_eq!(watched.asks(&token, &[]).await, 200);
    assert_eq!(watched.asks(&token, &[]).await, 200);
    let needing = json!({ "time": { "command": "x", "scopes": ["mcp", "more"] } });
    gateway.set_servers(&needing);
    assert_eq!(watched.asks(&token, &[]).await, 403);
    gateway.set_servers(&json!({ "time": { "command": "x", "allow": ["bob"] } }));
    assert_eq!(watched.asks(&token, &[]).await, 401);
    gateway.revoke("alice").await;
    assert_eq!(watched.asks(&token, &[]).await, 401);
    gateway.clock.advance(3600);
    assert_eq!(watched.asks(&token, &[]).await, 401);
    assert_eq!(gateway.verify("https://nothing.gw.example/mcp", &token).await.status, 404);
    for (decision, times) in [
        ("no_token", 1),
        ("invalid", 1),
        ("other_server", 1),
        ("admitted", 2),
        ("insufficient_scope", 1),
        ("not_allowed", 1),
        ("revoked", 1),
        ("expired", 1),
        ("unavailable", 0),
    ] {
        assert_eq!(decided(decision).await, times, "{decision}");
    }
    assert_eq!(watched.count("mcp_auth_verify_no_server_total").await, 1);
    let page = watched.page().await;
    for private in ["alice", app.id.as_str(), token.as_str()] {
        assert!(!page.contains(private), "{page}");
    }
}

/// Methods and tools count once the token is proven: nobody else makes up labels.
#[tokio::test]
async fn what_is_asked_for_is_counted_by_method_and_tool() {
    let watched = Watched::start(&[]);
    let app = watched.gateway.app().await;
    let token = watched.gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let call = [MODERN, ("Mcp-Method", "tools/call"), ("Mcp-Name", "now")];
    assert_eq!(watched.asks(&token, &call).await, 200);
    assert_eq!(watched.asks(&token, &[MODERN, ("Mcp-Method", "made/up")]).await, 200);
    assert_eq!(watched.asks(&token, &call[1..]).await, 200);
    let foreign = [MODERN, ("Mcp-Method", "tools/call"), ("Mcp-Name", "foreign")];
    assert_eq!(watched.asks("nonsense", &foreign).await, 401);
    for (series, times) in [
        ("mcp_auth_verify_method_total{server=\"time\",method=\"tools/call\"}", 1),
        ("mcp_auth_verify_method_total{server=\"time\",method=\"other\"}", 1),
        ("mcp_auth_verify_method_total{server=\"time\",method=\"unstated\"}", 1),
        ("mcp_auth_verify_tool_total{server=\"time\",tool=\"now\"}", 1),
        ("mcp_auth_verify_tool_total{server=\"time\",tool=\"foreign\"}", 0),
    ] {
        assert_eq!(watched.count(series).await, times, "{series}");
    }
}

#[tokio::test]
async fn logins_registrations_tokens_and_limits_are_counted() {
    let watched = Watched::start(&[("RATE_LIMIT_CLIENT", "1")]);
    let gateway = &watched.gateway;
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let next = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(next.status, 200);
    let limited = gateway.refresh(&app, &next.text("refresh_token")).await;
    assert_eq!(limited.status, 429);
    // bob may not use git.
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[("resource", GIT)])).await;
    let refused = browser.decide(&page, "local", &gateway.login_code("bob").await).await;
    assert_eq!(refused.status, 403);
    for (series, times) in [
        ("mcp_auth_registrations_total ", 1),
        ("mcp_auth_logins_total{provider=\"local\",outcome=\"granted\"}", 1),
        ("mcp_auth_logins_total{provider=\"local\",outcome=\"refused\"}", 1),
        ("mcp_auth_tokens_issued_total{grant_type=\"authorization_code\"}", 1),
        ("mcp_auth_tokens_issued_total{grant_type=\"refresh_token\"}", 1),
        ("mcp_auth_rate_limited_total{bound=\"client\"}", 1),
    ] {
        assert_eq!(watched.count(series).await, times, "{series}: {}", watched.page().await);
    }
}

#[tokio::test]
async fn the_state_of_the_hot_path_is_shown() {
    let watched = Watched::start(&[]);
    let app = watched.gateway.app().await;
    let token = watched.gateway.tokens(&app, "alice", TIME).await.text("access_token");
    assert_eq!(watched.asks(&token, &[]).await, 200);
    assert_eq!(watched.count("mcp_auth_seen_tokens ").await, 1);
    assert!(watched.count("mcp_auth_redis_questions_total ").await >= 1);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while watched.count("mcp_auth_revocation_link_up ").await != 1 {
        assert!(std::time::Instant::now() < deadline, "{}", watched.page().await);
    }
}

/// Dashboards and alerts know these names, types and labels: none is renamed, and each has a help text.
#[tokio::test]
async fn every_metric_keeps_its_name_type_and_labels() {
    let watched = Watched::start(&[("RATE_LIMIT_CLIENT", "1")]);
    let gateway = &watched.gateway;
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let call = [MODERN, ("Mcp-Method", "tools/call"), ("Mcp-Name", "now")];
    assert_eq!(watched.asks(&tokens.text("access_token"), &call).await, 200);
    let next = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(gateway.refresh(&app, &next.text("refresh_token")).await.status, 429);
    let answer = gateway.http.get(&watched.url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let families = exposition::families(&answer.text().await.unwrap());
    let found: Vec<_> = families.iter().map(exposition::Family::signature).collect();
    let expected = [
        ("mcp_auth_verify_total", "counter", vec!["server", "decision"]),
        ("mcp_auth_verify_method_total", "counter", vec!["server", "method"]),
        ("mcp_auth_verify_tool_total", "counter", vec!["server", "tool"]),
        ("mcp_auth_verify_no_server_total", "counter", vec![]),
        ("mcp_auth_tokens_issued_total", "counter", vec!["grant_type"]),
        ("mcp_auth_registrations_total", "counter", vec![]),
        ("mcp_auth_logins_total", "counter", vec!["provider", "outcome"]),
        ("mcp_auth_rate_limited_total", "counter", vec!["bound"]),
        ("mcp_auth_redis_questions_total", "counter", vec![]),
        ("mcp_auth_redis_writable", "gauge", vec![]),
        ("mcp_auth_revocation_link_up", "gauge", vec![]),
        ("mcp_auth_seen_tokens", "gauge", vec![]),
        ("mcp_auth_audit_lost_total", "counter", vec![]),
    ];
    assert_eq!(found, expected);
}

/// It is on an address of its own: what Traefik can reach has no such page.
#[tokio::test]
async fn the_counters_are_not_with_the_endpoints() {
    let watched = Watched::start(&[]);
    assert!(watched.page().await.contains("mcp_auth_registrations_total 0"));
    assert_eq!(watched.gateway.get("auth.gw.example", "/metrics").await.status, 404);
}

/// Who, with which client, where, what for and why not; the token itself never.
#[tokio::test]
async fn a_refusal_is_noted_and_a_token_is_not() {
    let watched = Watched::start(&[]);
    let app = watched.gateway.app().await;
    let token = watched.gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let claims = parts(&token)[1].clone();
    let jti = claims["jti"].as_str().unwrap();
    assert_eq!(watched.asks(&token, &[]).await, 200);
    watched.gateway.revoke("alice").await;
    // A tool whose name would begin a line of its own.
    let call = [MODERN, ("Mcp-Method", "tools/call"), ("Mcp-Name", "=?base64?YQpi?=")];
    assert_eq!(watched.asks(&token, &call).await, 401);
    let all = crate::audit_flow::events(&watched.gateway, 5).await;
    let refused: Vec<_> =
        all.iter().filter(|one| one.event.event.as_str().starts_with("access.")).collect();
    let [one] = refused.as_slice() else { panic!("{refused:?}") };
    let event = &one.event;
    assert_eq!(event.actor.as_ref().unwrap().sub, "local:alice");
    assert_eq!(event.client.as_ref().unwrap().id, app.id);
    assert_eq!((event.server.as_deref(), event.tool.as_deref()), (Some("time"), Some("a\nb")));
    assert_eq!(event.reason.as_deref(), Some("revoked"));
    let grant = Fingerprint::of(claims["grant_id"].as_str().unwrap()).to_string();
    assert_eq!(event.grant.as_deref(), Some(grant.as_str()));
    assert_eq!(one.line.lines().count(), 1);
    let text: String = all.iter().map(|one| one.line.clone()).collect();
    assert!(!text.contains(&token) && !text.contains(jti));
}
