//! Redis with two replicas and three Sentinels: a failover loses nothing that was acknowledged, and an
//! instance beside an isolated master refuses.

use std::time::{Duration, Instant};

use auth_service::{
    config::RedisConfig,
    model::Clock as _,
    store::{Selection, Store},
};
use gateway_tests::{redis::Redis, sentinel::SentinelGroup};

use crate::{
    session,
    support::{App, Gateway, TIME},
};

fn gateway(group: &SentinelGroup) -> Gateway {
    Gateway::beside(Redis::start(), &[("REDIS_URL", &group.url())])
}

/// Waits until a request with `token` is answered with `status`.
async fn await_status(gateway: &Gateway, token: &str, status: u16) {
    let started = Instant::now();
    loop {
        let now = gateway.verify(TIME, token).await.status;
        if now == status {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(40), "{now} instead of {status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Refreshes until the answer is not 503.
async fn refresh(gateway: &Gateway, app: &App, token: &str) -> String {
    let started = Instant::now();
    loop {
        let answer = gateway.refresh(app, token).await;
        match answer.status {
            200 => return answer.text("refresh_token"),
            503 if started.elapsed() < Duration::from_secs(40) => {}
            _ => panic!("{answer:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What was acknowledged before the master changes holds after it.
async fn survives(mut group: SentinelGroup, change: impl FnOnce(&mut SentinelGroup)) {
    let gateway = gateway(&group);
    let app = gateway.app().await;
    let revoked = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let kept = gateway.tokens(&app, "bob", TIME).await;
    let mut browser = gateway.browser();
    let web = session::web_app(&gateway).await;
    session::log_in(&gateway, &mut browser, &web).await;
    assert_eq!(gateway.verify(TIME, &revoked).await.status, 200);
    gateway.revoke("local:alice").await;
    session::log_in(&gateway, &mut browser, &web).await;
    let first = kept.text("refresh_token");
    let successor = gateway.refresh(&app, &first).await.text("refresh_token");

    change(&mut group);
    await_status(&gateway, &kept.text("access_token"), 200).await;
    await_status(&gateway, &revoked, 401).await;
    assert_eq!(refresh(&gateway, &app, &first).await, successor, "a retry gets the same one");
    let next = refresh(&gateway, &app, &successor).await;
    assert_ne!(next, successor);
    let page = browser.get(&session::url(&web, &[])).await;
    assert!(session::code(&page).is_some(), "still logged in, and remembered: {page:?}");
    let fresh = gateway.tokens(&app, "carol", TIME).await;
    assert_eq!(gateway.verify(TIME, &fresh.text("access_token")).await.status, 200);
    assert_eq!(gateway.get("auth.gw.example", "/ready").await.status, 200);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_failover() {
    survives(SentinelGroup::start(), |group| group.fail_over()).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_the_death_of_the_master() {
    survives(SentinelGroup::start(), |group| {
        let master = group.master();
        group.kill(master);
        let is_replaced = || group.master() != master;
        group.await_all("another master", is_replaced);
    })
    .await;
}

/// The replicas follow another master, as on the other side of a cut, and the Sentinels of this side
/// do not know. The other side revokes.
#[tokio::test]
async fn an_instance_beside_an_isolated_master_refuses() {
    let group = SentinelGroup::start();
    let gateway = gateway(&group);
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let other = gateway.tokens(&app, "bob", TIME).await.text("access_token");
    let access = tokens.text("access_token");
    await_status(&gateway, &access, 200).await;
    assert_eq!(gateway.verify(TIME, &other).await.status, 200);

    group.pause_sentinels();
    group.cli(1, &["REPLICAOF", "NO", "ONE"]);
    let port = group.cli(1, &["CONFIG", "GET", "port"]);
    group.cli(2, &["REPLICAOF", "127.0.0.1", port.lines().nth(1).unwrap()]);
    group.await_all("the other side", || {
        group.cli(1, &["INFO", "replication"]).contains("state=online")
    });
    let operator = Store::open(&RedisConfig::parse(&group.node_url(1)).unwrap()).unwrap();
    let all = Selection::User("local:alice".into());
    let ended = operator.maintenance.revoke(&all, gateway.clock.now(), None).await.unwrap();
    assert_eq!(ended.grants, 1);

    for _ in 0..3 {
        for token in [&access, &other] {
            assert_eq!(gateway.verify(TIME, token).await.status, 503);
        }
        let refused = gateway.refresh(&app, &tokens.text("refresh_token")).await;
        assert_eq!(refused.error(), (503, "temporarily_unavailable"), "not logged out either");
        let unknown = gateway.refresh(&app, "unknown-here-but-maybe-not-there").await;
        assert_eq!(unknown.error(), (503, "temporarily_unavailable"));
    }
    assert_eq!(gateway.get("auth.gw.example", "/ready").await.status, 503);
    assert!(group.cli(0, &["ROLE"]).starts_with("master"), "the isolated one still is a master");
}

/// Without a replica that confirms, the answer is 503, and the same request succeeds later.
#[tokio::test]
async fn a_write_without_a_majority_can_be_tried_again() {
    let group = SentinelGroup::start();
    let gateway = gateway(&group);
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let (consent, verifier) = gateway.consent(&app, "bob", &[("resource", TIME)]).await;
    let token = tokens.text("refresh_token");

    for node in [1, 2] {
        group.pause(node);
    }
    let refused = gateway.refresh(&app, &token).await;
    assert_eq!(refused.error(), (503, "temporarily_unavailable"));
    assert_eq!(refused.header("retry-after"), "2");
    let refused = gateway.redeem(&app, &consent["code"], &verifier).await;
    assert_eq!(refused.error(), (503, "temporarily_unavailable"));
    await_status(&gateway, &tokens.text("access_token"), 503).await;

    for node in [1, 2] {
        group.resume(node);
    }
    await_status(&gateway, &tokens.text("access_token"), 200).await;
    let successor = refresh(&gateway, &app, &token).await;
    assert_eq!(refresh(&gateway, &app, &token).await, successor);
    let redeemed = gateway.redeem(&app, &consent["code"], &verifier).await;
    assert_eq!(redeemed.status, 200, "{redeemed:?}");
    assert_eq!(gateway.verify(TIME, &redeemed.text("access_token")).await.status, 200);
    let again = gateway.redeem(&app, &consent["code"], &verifier).await;
    assert_eq!(again.error(), (400, "invalid_grant"), "a code is redeemed once");
}

/// Sentinel promotes a replica, and a moment later names it as the master. Until then the other replica alone
/// would confirm what the new master lacks.
#[tokio::test]
async fn a_program_that_starts_during_a_promotion_acknowledges_nothing() {
    let group = SentinelGroup::start();
    let gateway = gateway(&group);
    let app = gateway.app().await;
    let access = gateway.tokens(&app, "alice", TIME).await.text("access_token");
    let all = Selection::User("local:alice".into());
    let revoke = async || {
        let operator = Store::open(&RedisConfig::parse(&group.url()).unwrap()).unwrap();
        operator
            .maintenance
            .revoke(&all, gateway.clock.now(), None)
            .await
            .map_err(|why| format!("{why:?}"))
    };

    group.cli(1, &["REPLICAOF", "NO", "ONE"]);
    let refused = revoke().await.unwrap_err();
    assert!(refused.contains("too few replicas"), "{refused}");

    let port = group.cli(0, &["CONFIG", "GET", "port"]);
    group.cli(1, &["REPLICAOF", "127.0.0.1", port.lines().nth(1).unwrap()]);
    let started = Instant::now();
    while let Err(why) = revoke().await {
        assert!(started.elapsed() < Duration::from_secs(40), "{why}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    await_status(&gateway, &access, 401).await;
}

/// `doctor` knows the Sentinels, and the write limit of an isolated master.
#[tokio::test]
async fn doctor_examines_the_sentinels() {
    let group = SentinelGroup::start();
    let url = group.url();
    let gateway = Gateway::beside(Redis::start(), &[("REDIS_URL", &url), ("PUBLIC_PORT", "1")]);
    let says = |gateway: &Gateway| gateway.cli_output(&["doctor", "--address", "127.0.0.1"]).1;
    let text = says(&gateway);
    for part in ["3 of 3 Sentinels name 127.0.0.1:", "2 replicas are up", "with 1 replica(s)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    group.cli(0, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
    assert!(says(&gateway).contains("an isolated master goes on taking writes"));
}
