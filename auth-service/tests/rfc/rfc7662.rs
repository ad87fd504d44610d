//! RFC 7662: token introspection.

use serde_json::json;

use crate::support::{Answer, App, Gateway, ISSUER, TIME};

async fn introspect(gateway: &Gateway, app: &App, token: &str) -> Answer {
    let mut form = vec![("client_id", app.id.as_str()), ("token", token)];
    form.extend(app.secret.as_deref().map(|secret| ("client_secret", secret)));
    gateway.post("/introspect", &form).await
}

/// §2.2: both kinds of token, with what is known about them.
#[tokio::test]
async fn a_client_learns_about_its_own_tokens() {
    let gateway = Gateway::start();
    let app = gateway.app_with("client_secret_post").await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let access = introspect(&gateway, &app, &tokens.text("access_token")).await;
    assert_eq!((access.status, access.header("cache-control")), (200, "no-store"));
    for (member, value) in [
        ("active", json!(true)),
        ("token_type", json!("Bearer")),
        ("scope", json!("mcp")),
        ("sub", json!("local:alice")),
        ("username", json!("alice")),
        ("aud", json!(TIME)),
        ("iss", json!(ISSUER)),
        ("client_id", json!(app.id)),
    ] {
        assert_eq!(access.body[member], value, "{member}");
    }
    let refresh = introspect(&gateway, &app, &tokens.text("refresh_token")).await;
    assert_eq!(
        (&refresh.body["active"], &refresh.body["sub"]),
        (&json!(true), &json!("local:alice"))
    );
}

/// §2.2: for everything else `active` is false, and nothing more is told.
#[tokio::test]
async fn other_tokens_are_inactive() {
    let gateway = Gateway::start();
    let app = gateway.app_with("client_secret_post").await;
    let other = gateway.app_with("client_secret_post").await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let inactive = json!({ "active": false });
    for token in [&access, &refresh, &"unknown".to_owned()] {
        assert_eq!(introspect(&gateway, &other, token).await.body, inactive);
    }
    gateway.clock.advance(3600);
    assert_eq!(introspect(&gateway, &app, &access).await.body, inactive);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", app.id.as_str()),
        ("client_secret", app.secret.as_deref().unwrap()),
        ("refresh_token", &refresh),
    ];
    assert_eq!(gateway.post("/token", &form).await.status, 200);
    assert_eq!(introspect(&gateway, &app, &refresh).await.body, inactive);
}

/// §2.1: who cannot authenticate learns nothing.
#[tokio::test]
async fn introspection_needs_a_secret() {
    let gateway = Gateway::start();
    let public = gateway.app().await;
    let token = gateway.tokens(&public, "alice", TIME).await.text("access_token");
    assert_eq!(introspect(&gateway, &public, &token).await.error(), (401, "invalid_client"));
    let app = gateway.app_with("client_secret_post").await;
    let wrong = App { secret: Some("wrong".into()), ..app };
    assert_eq!(introspect(&gateway, &wrong, &token).await.error(), (401, "invalid_client"));
}

/// §2.2: a token that was revoked is inactive at once; §2.1: a hint is only a hint, and the token has
/// to be there.
#[tokio::test]
async fn a_revoked_token_is_inactive() {
    let gateway = Gateway::start();
    let app = gateway.app_with("client_secret_post").await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let credentials = [("client_id", &*app.id), ("client_secret", app.secret.as_deref().unwrap())];
    let hinted = [&credentials[..], &[("token", &access), ("token_type_hint", "refresh_token")]];
    assert_eq!(gateway.post("/introspect", &hinted.concat()).await.body["active"], true);
    let nothing = gateway.post("/introspect", &credentials).await;
    assert_eq!(nothing.error(), (400, "invalid_request"));
    gateway.revoke("alice").await;
    for token in [&access, &refresh] {
        assert_eq!(introspect(&gateway, &app, token).await.body, json!({ "active": false }));
    }
}
