//! Tokens that end, and the refresh that replaces both.

use auth_service::{
    model::{ProviderToken, UnixTime, WantedFacts},
    upstream::RefreshError,
};
use gateway_tests::github::{FakeGitHub, Mood, Reply};
use secrecy::{ExposeSecret, SecretString};

use crate::support::{NOW, Setup};

const ENDPOINT: &str = "/login/oauth/access_token";
const EIGHT_HOURS: i64 = 28_800;

/// A login whose token ends after eight hours.
async fn expiring() -> (Setup, ProviderToken) {
    let setup = Setup::start();
    setup.github.expire_tokens(true);
    let token = setup.token(&WantedFacts::default()).await;
    (setup, token)
}

fn text(secret: Option<&SecretString>) -> &str {
    secret.unwrap().expose_secret()
}

#[tokio::test]
async fn a_token_that_is_still_good_is_kept() {
    let setup = Setup::start();
    let token = setup.token(&WantedFacts::default()).await;
    setup.clock.advance(100 * 365 * 86_400);
    assert!(setup.client.renew(&token).await.unwrap().is_none(), "it has no end");
    let (setup, token) = expiring().await;
    let before = setup.github.token_requests().len();
    setup.clock.advance(EIGHT_HOURS - 60);
    assert!(setup.client.renew(&token).await.unwrap().is_none(), "a minute is left");
    assert_eq!(setup.github.token_requests().len(), before);
    setup.clock.advance(1);
    assert!(setup.client.renew(&token).await.unwrap().is_some(), "less is left");
}

#[tokio::test]
async fn a_refresh_replaces_both_tokens() {
    let (setup, first) = expiring().await;
    let none = WantedFacts::default();
    setup.clock.advance(EIGHT_HOURS);
    setup.github.end_access_tokens();
    let second = setup.client.renew(&first).await.unwrap().unwrap();
    assert_ne!(text(second.access.as_ref()), text(first.access.as_ref()));
    assert_ne!(text(second.refresh.as_ref()), text(first.refresh.as_ref()));
    assert_eq!(second.access_expires_at, Some(UnixTime(NOW + 2 * EIGHT_HOURS)));
    let form = setup.github.token_requests().pop().unwrap();
    assert!(form.contains("grant_type=refresh_token"), "{form}");
    assert!(setup.facts(&second, &none).await.is_ok());
    let again = setup.client.renew(&first).await;
    assert_eq!(again.unwrap_err(), RefreshError::Denied("bad_refresh_token".to_owned()));
    setup.clock.advance(EIGHT_HOURS);
    let third = setup.client.renew(&second).await.unwrap().unwrap();
    assert!(setup.facts(&third, &none).await.is_ok());
    setup.github.revoke_tokens();
    setup.clock.advance(EIGHT_HOURS);
    assert!(matches!(setup.client.renew(&third).await, Err(RefreshError::Denied(_))));
}

#[tokio::test]
async fn a_refresh_token_without_a_successor_remains() {
    let (setup, first) = expiring().await;
    setup.clock.advance(EIGHT_HOURS);
    let body = r#"{"access_token": "next", "token_type": "bearer", "expires_in": "28800"}"#;
    setup.github.reply(ENDPOINT, Some(Reply::new(200, body)));
    let second = setup.client.renew(&first).await.unwrap().unwrap();
    assert_eq!(text(second.access.as_ref()), "next");
    assert_eq!(text(second.refresh.as_ref()), text(first.refresh.as_ref()));
    assert_eq!(second.access_expires_at, Some(UnixTime(NOW + 2 * EIGHT_HOURS)));
    // The refresh token is spent: an odd answer must not lose its successor.
    let body =
        r#"{"access_token": "a", "token_type": "bearer", "expires_in": {}, "refresh_token": "r"}"#;
    setup.github.reply(ENDPOINT, Some(Reply::new(200, body)));
    let odd = setup.client.renew(&first).await.unwrap().unwrap();
    assert_eq!(text(odd.refresh.as_ref()), "r");
    assert_eq!(odd.access_expires_at, Some(UnixTime(NOW + EIGHT_HOURS)));
}

#[tokio::test]
async fn an_access_token_that_is_missing_is_replaced() {
    let (setup, token) = expiring().await;
    let only_refresh = ProviderToken { access: None, access_expires_at: None, ..token };
    assert!(setup.client.renew(&only_refresh).await.unwrap().is_some());
    let nothing = setup.client.renew(&ProviderToken::default()).await;
    assert!(matches!(nothing, Err(RefreshError::NoAnswer(_))), "{nothing:?}");
    let over = ProviderToken {
        access: Some("over".to_owned().into()),
        access_expires_at: Some(UnixTime(NOW)),
        refresh: None,
    };
    let over = setup.client.renew(&over).await;
    assert!(matches!(over, Err(RefreshError::NoAnswer(_))), "nobody said no: {over:?}");
}

#[tokio::test]
async fn errors_of_a_refresh_are_told_apart() {
    let (setup, token) = expiring().await;
    setup.clock.advance(EIGHT_HOURS);
    let refused = async |code: &'static str| {
        setup.github.set(Mood::Refuses(code));
        setup.client.renew(&token).await.unwrap_err()
    };
    for code in ["bad_refresh_token", "bad_verification_code", "invalid_grant", "something_new"] {
        assert_eq!(refused(code).await, RefreshError::Denied(code.to_owned()));
    }
    for code in [
        "incorrect_client_credentials",
        "invalid_client",
        "unauthorized_client",
        "unsupported_grant_type",
        "application_suspended",
        "Not Found",
    ] {
        let RefreshError::Misconfigured(text) = refused(code).await else { panic!("{code}") };
        assert!(text.starts_with(code), "{text}");
    }
    for code in ["temporarily_unavailable", "slow_down", "server_error"] {
        assert_eq!(refused(code).await, RefreshError::NoAnswer(code.to_owned()));
    }
    let RefreshError::Denied(code) = refused("x\n\u{1b}[31m\"").await else { panic!() };
    assert!(!code.contains(['\n', '\u{1b}', '"']), "{code}");
    setup.github.set(Mood::IsDown);
    let down = setup.client.renew(&token).await;
    assert!(matches!(down, Err(RefreshError::NoAnswer(_))), "{down:?}");
}

#[tokio::test]
async fn an_answer_that_is_none_denies_nobody() {
    let (setup, token) = expiring().await;
    setup.clock.advance(EIGHT_HOURS);
    let bad = r#"{"error": "bad_refresh_token"}"#;
    let large = format!(r#"{{"error": "bad_refresh_token", "x": "{}"}}"#, "x".repeat(64 * 1024));
    for reply in [
        Reply::new(429, bad),
        Reply::new(400, bad).with("Retry-After", 5),
        Reply::new(500, bad),
        Reply::new(503, bad),
        Reply::new(302, "").with("Location", ENDPOINT),
        Reply::new(200, "<html>"),
        Reply::new(200, bad).with("Content-Type", "text/html"),
        Reply::new(200, "{}"),
        Reply::new(200, ""),
        Reply::new(404, "<html>"),
        Reply::new(404, ""),
        Reply::new(200, large),
        Reply::new(200, r#"{"access_token": "a", "token_type": "mac"}"#),
    ] {
        setup.github.reply(ENDPOINT, Some(reply.clone()));
        let outcome = setup.client.renew(&token).await;
        assert!(matches!(outcome, Err(RefreshError::NoAnswer(_))), "{reply:?}: {outcome:?}");
    }
    setup.github.reply(ENDPOINT, None);
    assert!(setup.client.renew(&token).await.unwrap().is_some(), "the token was not spent");
}

#[tokio::test]
async fn a_wrong_secret_denies_nobody() {
    let (setup, token) = expiring().await;
    let url = setup.github.url.clone();
    let wrong = Setup::with(|provider| {
        provider.base_url = url.parse().unwrap();
        provider.client_secret = "wrong".to_owned().into();
    });
    wrong.clock.advance(EIGHT_HOURS);
    let outcome = wrong.client.renew(&token).await;
    let Err(RefreshError::Misconfigured(text)) = outcome else { panic!("{outcome:?}") };
    assert!(text.starts_with("incorrect_client_credentials"), "{text}");
    assert!(!text.contains(FakeGitHub::CLIENT.1) && !text.contains("wrong"), "{text}");
}
