//! RFC 7009: token revocation.

use crate::support::{Answer, App, Gateway, TIME};

async fn revoke(gateway: &Gateway, app: &App, token: &str) -> Answer {
    gateway.post("/revoke", &[("client_id", app.id.as_str()), ("token", token)]).await
}

/// §2.1: a refresh token takes the access tokens of its grant along.
#[tokio::test]
async fn revoking_a_refresh_token_ends_the_grant() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    assert_eq!(gateway.verify(TIME, &access).await.status, 200);
    assert_eq!(revoke(&gateway, &app, &refresh).await.status, 200);
    assert_eq!(gateway.verify(TIME, &access).await.error(), (401, "invalid_token"));
    assert_eq!(gateway.refresh(&app, &refresh).await.error(), (400, "invalid_grant"));
}

/// §2.1: an access token ends alone.
#[tokio::test]
async fn revoking_an_access_token_leaves_the_grant() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    assert_eq!(revoke(&gateway, &app, &access).await.status, 200);
    assert_eq!(gateway.verify(TIME, &access).await.error(), (401, "invalid_token"));
    let next = gateway.refresh(&app, &refresh).await;
    assert_eq!(gateway.verify(TIME, &next.text("access_token")).await.status, 200);
}

/// §2.1: a client may revoke only what was issued to it, and must be who it says.
#[tokio::test]
async fn a_client_cannot_revoke_the_token_of_another() {
    let gateway = Gateway::start();
    let (app, mallory) = (gateway.app().await, gateway.app().await);
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    for token in [&access, &refresh] {
        assert_eq!(revoke(&gateway, &mallory, token).await.error(), (400, "invalid_grant"));
    }
    let nobody = App { id: "nobody".into(), secret: None };
    assert_eq!(revoke(&gateway, &nobody, &access).await.error(), (401, "invalid_client"));
    assert_eq!(gateway.verify(TIME, &access).await.status, 200);
    assert_eq!(gateway.refresh(&app, &refresh).await.status, 200);
}

/// §2.2: an unknown token is no error; a missing one is.
#[tokio::test]
async fn an_unknown_token_is_no_error() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    assert_eq!(revoke(&gateway, &app, "unknown").await.status, 200);
    assert_eq!(revoke(&gateway, &app, "").await.error(), (400, "invalid_request"));
}

/// §2.1: a hint that is wrong, or unknown, does not keep a token from being found; §2.2: what has been
/// revoked can be revoked again.
#[tokio::test]
async fn a_hint_is_only_a_hint() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    for (token, hint) in [(&access, "refresh_token"), (&refresh, "access_token"), (&refresh, "x")] {
        let form = [("client_id", &*app.id), ("token", token), ("token_type_hint", hint)];
        assert_eq!(gateway.post("/revoke", &form).await.status, 200, "{hint}");
    }
    assert_eq!(gateway.verify(TIME, &access).await.error(), (401, "invalid_token"));
    assert_eq!(gateway.refresh(&app, &refresh).await.error(), (400, "invalid_grant"));
}
