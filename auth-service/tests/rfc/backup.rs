//! `backup` and `restore`: what was connected stays connected, for as long as it would have.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Gateway, TIME};

fn path(gateway: &Gateway, name: &str) -> String {
    gateway.path(name).display().to_string()
}

#[tokio::test]
async fn what_was_backed_up_is_there_again_with_its_end() {
    let gateway = Gateway::start();
    gateway.cli(&["client", "list"]).unwrap(); // The clock of the machine from here on.
    let app = gateway.app_with("client_secret_post").await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let (file, ttl) = (path(&gateway, "backup"), |key: &str| gateway.redis.cli(&["PTTL", key]));
    let key = format!("mcpgw:client:{}", app.id);
    let before: i64 = ttl(&key).trim().parse().unwrap();
    let said = gateway.cli(&["backup", &file]).unwrap();
    assert!(said.contains("keys in"), "{said}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in [tokens.text("refresh_token"), app.secret.clone().unwrap()] {
        assert!(!text.contains(&secret));
    }
    assert!(gateway.cli(&["backup", &file]).unwrap_err().contains("cannot create"));

    gateway.redis.cli(&["FLUSHALL"]);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", app.id.as_str()),
        ("client_secret", app.secret.as_deref().unwrap()),
        ("refresh_token", &tokens.text("refresh_token")),
    ];
    assert_eq!(gateway.post("/token", &form).await.error(), (401, "invalid_client"));
    gateway.cli(&["restore", &file]).unwrap();
    let after: i64 = ttl(&key).trim().parse().unwrap();
    assert!((before - 30_000..=before).contains(&after), "{before} {after}");
    assert_eq!(gateway.redis.cli(&["ZCARD", "mcpgw:clients"]).trim(), "1");
    assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 200);
    assert_eq!(gateway.post("/token", &form).await.status, 200);
}

#[tokio::test]
async fn nothing_is_overwritten_unless_it_is_asked_for() {
    let gateway = Gateway::start();
    gateway.cli(&["client", "list"]).unwrap();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let file = path(&gateway, "backup");
    gateway.cli(&["backup", &file]).unwrap();
    gateway.revoke("alice").await;
    let refused = gateway.cli(&["restore", &file]).unwrap_err();
    assert!(refused.contains("--overwrite"), "{refused}");
    assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 401);
    gateway.cli(&["restore", "--overwrite", &file]).unwrap();
    let again = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn half_a_backup_is_not_restored_at_all_and_what_has_ended_stays_so() {
    let gateway = Gateway::start();
    gateway.cli(&["client", "list"]).unwrap();
    gateway.app().await;
    let file = path(&gateway, "backup");
    gateway.cli(&["backup", &file]).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    gateway.redis.cli(&["FLUSHALL"]);
    let half: Vec<&str> = text.lines().take(2).collect();
    std::fs::write(&file, half.join("\n")).unwrap();
    let refused = gateway.cli(&["restore", &file]).unwrap_err();
    assert!(refused.contains("cut off"), "{refused}");
    assert!(gateway.keys().is_empty());
    let ended: Vec<String> = text
        .lines()
        .map(|line| {
            let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
            if value["expires_at_ms"].is_number() {
                value["expires_at_ms"] = 1000.into();
            }
            value.to_string()
        })
        .collect();
    std::fs::write(&file, ended.join("\n")).unwrap();
    let said = gateway.cli(&["restore", &file]).unwrap();
    assert!(said.contains("2 expired meanwhile"), "{said}");
    assert_eq!(gateway.keys(), ["mcpgw:same-registrations", "mcpgw:unused-clients"]);
}
