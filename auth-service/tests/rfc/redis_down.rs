//! Without its storage the service fails closed, says so, and recovers by itself.

use std::time::{Duration, Instant};

use crate::support::{Gateway, TIME};

/// 503 with `Retry-After`, never 401: a client must not throw a good token away.
#[tokio::test]
async fn without_redis_nothing_is_decided() {
    let mut gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let access = tokens.text("access_token");
    gateway.await_ready().await;
    gateway.redis.kill();
    let answer = gateway.verify(TIME, &access).await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable"));
    assert_eq!(answer.header("retry-after"), "2");
    assert!(answer.header("www-authenticate").is_empty());
    let refused = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refused.error(), (503, "temporarily_unavailable"));
    assert_eq!(gateway.verify(TIME, "garbage").await.error(), (401, "invalid_token"));
    assert_eq!(gateway.get("auth.gw.example", "/ready").await.status, 503);
    assert_eq!(gateway.get("auth.gw.example", "/health").await.status, 200);
    assert!(gateway.is_healthy(), "a12: a fault of Redis must not restart the container");

    gateway.redis.restart();
    let deadline = Instant::now() + Duration::from_secs(20);
    // Redis came back empty: now the token is known to be gone.
    while gateway.verify(TIME, &access).await.status != 401 {
        assert!(Instant::now() < deadline, "did not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(gateway.get("auth.gw.example", "/ready").await.status, 200);
}
