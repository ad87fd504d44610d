//! Answers of the token endpoint that were lost, and codes that take a while.

use crate::support::{Gateway, TIME};

/// A laptop was closed before the answer came.
#[tokio::test]
async fn a10_a_lost_refresh_answer_is_given_again() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let first = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    let second = gateway.refresh(&app, &first).await.text("refresh_token");
    for _ in 0..3 {
        gateway.clock.advance(100);
        let again = gateway.refresh(&app, &first).await;
        assert_eq!((again.status, again.text("refresh_token")), (200, second.clone()));
        assert_eq!(gateway.verify(TIME, &again.text("access_token")).await.status, 200);
    }
    gateway.clock.advance(3600);
    assert_eq!(gateway.refresh(&app, &second).await.status, 200);
}

/// Once the successor is used, its owner has it: whoever comes with the token has copied it.
#[tokio::test]
async fn a10_a_token_whose_successor_was_used_is_a_replay() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let first = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
    let second = gateway.refresh(&app, &first).await.text("refresh_token");
    let third = gateway.refresh(&app, &second).await;
    assert_eq!(third.status, 200);
    gateway.clock.advance(30);
    assert_eq!(gateway.refresh(&app, &first).await.error(), (400, "invalid_grant"));
    let heir = gateway.refresh(&app, &third.text("refresh_token")).await;
    assert_eq!(heir.error(), (400, "invalid_grant"), "the family has ended");
    assert_eq!(gateway.verify(TIME, &third.text("access_token")).await.status, 401);
}

/// The operator decides how long that is; 0 is not at all.
#[tokio::test]
async fn a10_the_grace_can_be_set() {
    for (grace, wait, expected) in [("600", 600, 200), ("600", 601, 400), ("0", 1, 400)] {
        let gateway = Gateway::with(&[("REFRESH_TOKEN_GRACE", grace)]);
        let app = gateway.app().await;
        let first = gateway.tokens(&app, "alice", TIME).await.text("refresh_token");
        gateway.refresh(&app, &first).await;
        gateway.clock.advance(wait);
        assert_eq!(gateway.refresh(&app, &first).await.status, expected, "{grace} {wait}");
    }
}

/// Over SSH a person copies the address from one machine to another.
#[tokio::test]
async fn a10_a_code_waits_for_a_person_who_pastes_it() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for (wait, expected) in [(61, 200), (299, 200), (300, 400)] {
        let (answer, verifier) = gateway.consent(&app, "alice", &[]).await;
        gateway.clock.advance(wait);
        assert_eq!(gateway.redeem(&app, &answer["code"], &verifier).await.status, expected);
    }
}

/// Who redeems again within seconds, with the verifier, is the client itself.
#[tokio::test]
async fn a10_a_second_redemption_within_seconds_kills_no_grant() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (answer, verifier) = gateway.consent(&app, "alice", &[]).await;
    let (code, wrong) = (&answer["code"], "x".repeat(43));
    let tokens = gateway.redeem(&app, code, &verifier).await;
    let lives = async || gateway.verify(TIME, &tokens.text("access_token")).await.status == 200;
    for _ in 0..2 {
        gateway.clock.advance(5);
        assert_eq!(gateway.redeem(&app, code, &verifier).await.error(), (400, "invalid_grant"));
        assert!(lives().await);
    }
    // Who cannot prove to be the client gets nothing and ends nothing, at any time.
    gateway.clock.advance(60);
    assert_eq!(gateway.redeem(&app, code, &wrong).await.error(), (400, "invalid_grant"));
    assert!(lives().await);
    let refreshed = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    assert_eq!(gateway.redeem(&app, code, &verifier).await.error(), (400, "invalid_grant"));
    assert!(!lives().await, "a later one is a replay");
    let heir = gateway.refresh(&app, &refreshed.text("refresh_token")).await;
    assert_eq!(heir.error(), (400, "invalid_grant"));
}
