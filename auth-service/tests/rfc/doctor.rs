//! `doctor` on a gateway without a Traefik before it: what can be told from inside.

use std::os::unix::fs::PermissionsExt;

use gateway_tests::{github::Mood, openid::OpenIdProvider};
use serde_json::{Value, json};

use crate::support::Gateway;

/// A gateway with one more setting, at whose public port nothing listens.
fn gateway_with(name: &str, value: &str) -> Gateway {
    Gateway::with(&[("PUBLIC_PORT", "1"), (name, value)])
}

/// The findings of a check as `(level, says)`; the doctor fails if one of all of them is an error.
fn findings(gateway: &Gateway, check: &str) -> Vec<(String, String)> {
    let (ok, all) = examine(gateway);
    let wrong = all.iter().any(|finding| finding["level"] == "error");
    assert_eq!(ok, !wrong);
    for finding in &all {
        assert_eq!(finding["remedy"].is_string(), finding["level"] != "ok", "{finding}");
    }
    let of = all.iter().filter(|finding| finding["check"] == check);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    of.map(|finding| (text(&finding["level"]), text(&finding["says"]))).collect()
}

fn examine(gateway: &Gateway) -> (bool, Vec<Value>) {
    let (success, output) = gateway.cli_output(&["doctor", "--json", "--address", "127.0.0.1"]);
    let report: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(report["ok"], success);
    (success, report["findings"].as_array().unwrap().clone())
}

fn has(findings: &[(String, String)], level: &str, part: &str) -> bool {
    findings.iter().any(|(found, says)| found == level && says.contains(part))
}

#[tokio::test]
async fn redis_that_forgets_is_found() {
    let gateway = gateway_with("PUBLIC_PORT", "1");
    let redis = || findings(&gateway, "redis");
    assert!(has(&redis(), "error", "keeps nothing on disk"), "{:?}", redis());
    assert!(has(&redis(), "warning", "no memory limit"));
    gateway.redis.cli(&["CONFIG", "SET", "save", "60 1"]);
    assert!(has(&redis(), "warning", "snapshots only"), "{:?}", redis());
    gateway.redis.cli(&["CONFIG", "SET", "appendonly", "yes"]);
    assert!(has(&redis(), "ok", "on disk within a second"), "{:?}", redis());
    gateway.redis.cli(&["CONFIG", "SET", "maxmemory", "1gb"]);
    assert!(has(&redis(), "ok", "evicts nothing"));
    gateway.redis.cli(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    assert!(
        has(&redis(), "error", "evicts logins when its memory is full (allkeys-lru)"),
        "{:?}",
        redis()
    );
}

#[tokio::test]
async fn redis_that_is_gone_is_found() {
    let mut gateway = gateway_with("PUBLIC_PORT", "1");
    gateway.redis.kill();
    let redis = findings(&gateway, "redis");
    assert_eq!(redis.len(), 1);
    assert!(has(&redis, "error", "redis"), "{redis:?}");
}

/// The credentials of the app are tried, and nobody has to log in for it.
#[tokio::test]
async fn a4_the_credentials_of_the_app_are_tried() {
    let provider = |gateway: &Gateway| findings(gateway, "provider");
    let right = provider(&gateway_with("PUBLIC_PORT", "1"));
    assert!(has(&right, "ok", "accepts GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET"), "{right:?}");
    for (name, value) in [("GITHUB_CLIENT_SECRET", "wrong"), ("GITHUB_CLIENT_ID", "other")] {
        let wrong = provider(&gateway_with(name, value));
        assert!(has(&wrong, "error", "incorrect_client_credentials"), "{wrong:?}");
    }
    let down = gateway_with("PUBLIC_PORT", "1");
    down.github.set(Mood::IsDown);
    assert!(has(&provider(&down), "warning", "were not tried"), "{:?}", provider(&down));
}

/// An OpenID provider is asked for its documents, its keys, the client and the callback.
#[tokio::test]
async fn openid_providers_are_looked_at() {
    let started = |callback: &str| {
        let redirect = format!("https://auth.gw.example/callback/{callback}");
        OpenIdProvider::start(&json!({ "redirect": redirect }))
    };
    let (id, secret) = OpenIdProvider::CLIENT;
    let provider = |issuer: &str, secret: &str| {
        let gateway = Gateway::with(&[
            ("OIDC_ISSUER", issuer),
            ("OIDC_CLIENT_ID", id),
            ("OIDC_CLIENT_SECRET", secret),
            ("OIDC_ALLOW", "group:staff"),
        ]);
        findings(&gateway, "provider")
    };
    let op = started("oidc");
    let right = provider(&op.issuer, secret);
    for says in ["3 key(s)", "accepts the client gateway", "can send logout tokens"] {
        assert!(has(&right, "ok", says), "{says}: {right:?}");
    }
    assert!(right.iter().all(|(level, _)| level == "ok"), "{right:?}");
    let slash = provider(&format!("{}/", op.issuer), secret);
    assert!(has(&slash, "error", &op.issuer), "{slash:?}");
    let wrong = provider(&op.issuer, "wrong");
    assert!(has(&wrong, "error", "invalid_client"), "{wrong:?}");
    let unregistered = provider(&started("other").issuer, secret);
    assert!(has(&unregistered, "warning", "refuses a login with status 400"), "{unregistered:?}");
    let issuer = op.issuer.clone();
    drop(op);
    assert!(has(&provider(&issuer, secret), "error", "unavailable"));
}

#[tokio::test]
async fn the_keys_are_looked_at() {
    let gateway = gateway_with("PUBLIC_PORT", "1");
    let keys = || findings(&gateway, "keys");
    let file = gateway.path("key.pem");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(has(&keys(), "error", "other users"), "{:?}", keys());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(has(&keys(), "ok", "changed 0 days ago") && keys().len() == 1, "{:?}", keys());
    let old = std::time::Duration::from_hours(500 * 24);
    let handle = std::fs::File::options().write(true).open(&file).unwrap();
    let modified = handle.metadata().unwrap().modified().unwrap();
    handle.set_modified(modified - old).unwrap();
    assert!(has(&keys(), "warning", "500 days old"), "{:?}", keys());
    std::fs::remove_file(&file).unwrap();
    assert!(has(&keys(), "error", "cannot read"), "{:?}", keys());
}

#[tokio::test]
async fn clock_provider_and_settings_are_looked_at() {
    let gateway = gateway_with("PUBLIC_PORT", "1");
    assert!(has(&findings(&gateway, "clock"), "ok", "clock of Redis"));
    let provider = findings(&gateway, "provider");
    assert!(provider.iter().all(|(level, _)| level == "ok") && provider.len() == 3, "{provider:?}");
    assert!(has(&findings(&gateway, "configuration"), "ok", "https://auth.gw.example"));
    assert!(findings(&gateway, "identity").is_empty());
    let unsigned = gateway_with("SIGNED_IDENTITY", "false");
    assert!(has(&findings(&unsigned, "identity"), "warning", "--identity-jwks"));
    let everybody = gateway_with("ALLOWED_GITHUB_USERS", "*");
    assert!(has(&findings(&everybody, "configuration"), "warning", "everybody with a GitHub"));
}

#[tokio::test]
async fn a_bad_file_of_servers_is_found() {
    let gateway = gateway_with("PUBLIC_PORT", "1");
    assert!(has(&findings(&gateway, "servers"), "ok", "git, time"));
    let file = gateway.path("servers.json");
    std::fs::write(&file, r#"{"mcpServers": {"time": {"command": "x", "allow": []}}}"#).unwrap();
    assert!(has(&findings(&gateway, "servers"), "error", "server \"time\": allow is empty"));
}

/// With everybody at GitHub let in, a bare name is whoever took it there, too.
#[tokio::test]
async fn s11_a_name_that_anybody_can_take_is_found() {
    let open = gateway_with("ALLOWED_GITHUB_USERS", "*");
    assert!(has(&findings(&open, "servers"), "warning", "allow names alice, octocat without"));
    let servers = serde_json::json!({
        "git": { "command": "x", "allow": ["local:alice", "github:octocat", "*"] },
    });
    open.set_servers(&servers);
    assert!(!has(&findings(&open, "servers"), "warning", "without a provider"));
    let listed = gateway_with("PUBLIC_PORT", "1");
    assert!(!has(&findings(&listed, "servers"), "warning", "without a provider"));
}

/// Nothing answers at the public names: each host and each server is told.
#[tokio::test]
async fn a_gateway_that_is_not_reached_is_found() {
    let gateway = gateway_with("PUBLIC_PORT", "1");
    assert_eq!(findings(&gateway, "certificates").len(), 3);
    let discovery = findings(&gateway, "discovery");
    assert_eq!(discovery.len(), 3);
    assert!(discovery.iter().all(|(level, _)| level == "error"), "{discovery:?}");
}
