//! RFC 6749 §6: refresh tokens; rotation and replay detection of RFC 9700 §4.14.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{GIT, Gateway, TIME};

/// RFC 9700 §4.14.2: each refresh gives a new token, and the chain goes on.
#[tokio::test]
async fn a_refresh_rotates_the_token() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut token = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    for _ in 0..3 {
        gateway.clock.advance(3600);
        let tokens = gateway.refresh(&app, &token).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert_ne!(tokens.text("refresh_token"), token);
        assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 200);
        token = tokens.text("refresh_token");
    }
}

/// RFC 9700 §4.14.2: a token used again after the grace ends the whole family.
#[tokio::test]
async fn a_replay_after_the_grace_revokes_the_family() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let first = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    let second = gateway.refresh(&app, &first).await;
    gateway.clock.advance(301);
    assert_eq!(gateway.refresh(&app, &first).await.error(), (400, "invalid_grant"));
    let heir = gateway.refresh(&app, &second.text("refresh_token")).await;
    assert_eq!(heir.error(), (400, "invalid_grant"));
    assert_eq!(gateway.verify(TIME, &second.text("access_token")).await.status, 401);
}

/// Clients refresh from several machines at once: within the grace all of them get the same
/// successor, and one family lives on.
#[tokio::test]
async fn concurrent_refreshes_get_the_same_successor() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let first = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    let answers = join_all((0..20).map(|_| gateway.refresh(&app, &first))).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let successors: HashSet<String> =
        answers.iter().map(|answer| answer.text("refresh_token")).collect();
    assert_eq!(successors.len(), 1);
    gateway.clock.advance(30);
    assert_eq!(gateway.refresh(&app, &first).await.status, 200);
    let successor = successors.into_iter().next().unwrap();
    gateway.clock.advance(3600);
    assert_eq!(gateway.refresh(&app, &successor).await.status, 200);
}

/// §6: bound to the client; another one neither gets tokens nor ends the family.
#[tokio::test]
async fn a_refresh_token_is_bound_to_its_client() {
    let gateway = Gateway::start();
    let (app, thief) = (gateway.app().await, gateway.app().await);
    let token = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    assert_eq!(gateway.refresh(&thief, &token).await.error(), (400, "invalid_grant"));
    assert_eq!(gateway.refresh(&app, &token).await.status, 200);
}

/// §6: the scope may be narrowed and never widened.
#[tokio::test]
async fn a_refresh_cannot_widen_the_scope() {
    let gateway = Gateway::start();
    gateway.set_servers(&json!({ "time": { "scopes": ["read", "write"] } }));
    let app = gateway.app().await;
    let (answer, verifier) = gateway.consent(&app, "alice", &[("scope", "read")]).await;
    let tokens = gateway.redeem(&app, &answer["code"], &verifier).await;
    assert_eq!(tokens.body["scope"], "read");
    let refresh = async |token: &str, scope: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", app.id.as_str()),
            ("refresh_token", token),
            ("scope", scope),
        ];
        gateway.post("/token", &form).await
    };
    let token = tokens.text("refresh_token");
    assert_eq!(refresh(&token, "write").await.error(), (400, "invalid_scope"));
    assert_eq!(refresh(&token, "read write").await.body["scope"], "read");
    // What /authorize has dropped as unknown is dropped here, too.
    assert_eq!(refresh(&token, "claudeai offline_access").await.body["scope"], "read");
}

/// Who is taken off the list is out at the next refresh.
#[tokio::test]
async fn the_policy_is_asked_again_at_every_refresh() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", GIT).await;
    let servers = json!({ "time": {}, "git": { "allow": ["bob"] } });
    gateway.set_servers(&servers);
    assert_eq!(gateway.verify(GIT, &tokens.text("access_token")).await.status, 401);
    let refused = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refused.error(), (400, "invalid_grant"));
}

/// An unused refresh token ends; using it moves the end.
#[tokio::test]
async fn a_refresh_token_slides() {
    let gateway = Gateway::with(&[("REFRESH_TOKEN_LIFETIME", "1000")]);
    let app = gateway.app().await;
    let first = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    gateway.clock.advance(900);
    let second = gateway.refresh(&app, &first).await.text("refresh_token");
    gateway.clock.advance(900);
    let third = gateway.refresh(&app, &second).await.text("refresh_token");
    gateway.clock.advance(1000);
    assert_eq!(gateway.refresh(&app, &third).await.error(), (400, "invalid_grant"));
}

/// Redis never has a refresh token, an access token or a code.
#[tokio::test]
async fn a_dump_of_redis_grants_nothing() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let refreshed = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    let dump = gateway.dump();
    assert!(dump.contains("local:alice"), "{dump}");
    for answer in [tokens, refreshed] {
        for secret in ["access_token", "refresh_token"] {
            assert!(!dump.contains(&answer.text(secret)), "{secret}");
        }
    }
}

/// A server that is taken out of the file and comes back finds its grants as they were.
#[tokio::test]
async fn an_absent_server_ends_no_grant() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let token = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    gateway.set_servers(&json!({ "git": {} }));
    assert_eq!(gateway.refresh(&app, &token).await.error(), (400, "invalid_target"));
    gateway.set_servers(&json!({ "git": {}, "time": {} }));
    assert_eq!(gateway.refresh(&app, &token).await.status, 200);
}
