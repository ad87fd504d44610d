//! When Redis has reached `maxmemory`, people who are connected go on, and can be disconnected.

use serde_json::json;

use crate::support::{CALLBACK, Gateway, TIME};

#[tokio::test]
async fn s1_a_full_redis_stops_nobody_who_is_connected() {
    let gateway = Gateway::with(&[("RATE_LIMIT_ADDRESS", "1000"), ("RATE_LIMIT_CLIENT", "100")]);
    let app = gateway.app().await;
    let mut tokens = gateway.tokens(&app, "alice", TIME).await;
    gateway.redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    for _ in 0..3 {
        assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 200);
        tokens = gateway.refresh(&app, &tokens.text("refresh_token")).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
    }
    let refused = gateway.register(json!({ "redirect_uris": [CALLBACK] })).await;
    assert_eq!(refused.error(), (503, "temporarily_unavailable"));
    gateway.revoke("alice").await;
    let revoked = gateway.verify(TIME, &tokens.text("access_token")).await;
    assert_eq!(revoked.error(), (401, "invalid_token"));
    let all = auth_service::store::Selection::All;
    let store = auth_service::store::Store::open(&gateway.config.redis).unwrap();
    store
        .maintenance
        .revoke(&all, auth_service::model::Clock::now(&*gateway.clock), None)
        .await
        .unwrap();
}
