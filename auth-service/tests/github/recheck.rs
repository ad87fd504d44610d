//! Later checks of a person: the facts of now, a definite no, or no answer.

use std::time::Duration;

use auth_service::{
    model::{
        Membership::{Member, NotMember},
        ProviderToken, WantedFacts,
    },
    upstream::RefreshError,
};
use gateway_tests::github::{Mood, Reply};

use crate::support::{NOW, Setup, org, wanted};

fn is_denied<T>(outcome: &Result<T, RefreshError>) -> bool {
    matches!(outcome, Err(RefreshError::Denied(_)))
}

#[tokio::test]
async fn a_check_states_the_facts_of_now() {
    let setup = Setup::start();
    let acme = wanted(&["acme"], &[]);
    setup.github.join("acme");
    let token = setup.token(&acme).await;
    let sighting = setup.facts(&token, &acme).await.unwrap();
    assert_eq!((sighting.subject().as_str(), org(&sighting, "acme")), ("ghe:583231", Member));
    assert_eq!(sighting.email.as_deref(), Some("octocat@example.org"));
    assert!(sighting.token.is_none(), "the token remains");
    setup.github.leave("acme");
    setup.github.rename("octo-dog");
    let sighting = setup.facts(&token, &acme).await.unwrap();
    assert_eq!((sighting.login.as_deref(), org(&sighting, "acme")), (Some("octo-dog"), NotMember));
    assert_eq!(sighting.email.as_deref(), Some("octo-dog@example.org"));
}

#[tokio::test]
async fn a_definite_no_is_told_apart_from_no_answer() {
    let none = WantedFacts::default();
    let setup = Setup::start();
    let token = setup.token(&none).await;
    setup.github.suspend(true);
    assert!(is_denied(&setup.facts(&token, &none).await), "suspended");
    setup.github.suspend(false);
    assert!(setup.facts(&token, &none).await.is_ok());
    setup.github.revoke_tokens();
    assert!(is_denied(&setup.facts(&token, &none).await), "revoked");
    let token = setup.token(&none).await;
    setup.github.set(Mood::LogsIn { id: 7, login: "octocat".to_owned() });
    setup.github.swap_tokens();
    assert!(is_denied(&setup.facts(&token, &none).await), "another account");
    for reply in [
        Reply::error(401, "Bad credentials"),
        Reply::error(404, "Not Found"),
        Reply::error(403, "Sorry. Your account was suspended."),
        // An Enterprise Server.
        Reply::error(403, "Your account is suspended. Please check with your administrator."),
        Reply::error(403, "Sorry. Your account was suspended").with("X-RateLimit-Remaining", 0),
    ] {
        setup.github.reply("/user", Some(reply.clone()));
        assert!(is_denied(&setup.facts(&token, &none).await), "{reply:?}");
    }
}

#[tokio::test]
async fn whatever_else_happens_says_nothing() {
    let none = WantedFacts::default();
    let setup = Setup::start();
    let token = setup.token(&none).await;
    let account = r#"{"id": 583231, "login": "octocat"}"#;
    for reply in [
        Reply::new(500, account),
        Reply::new(502, "<h1>Unicorn</h1>"),
        Reply::new(503, "").with("Retry-After", 10),
        Reply::limit(403, NOW + 60),
        Reply::limit(429, NOW + 60),
        Reply::secondary_limit(403),
        Reply::error(403, "slow down").with("Retry-After", 10),
        Reply::error(403, "This installation has been suspended"),
        Reply::error(403, "Resource not accessible by integration"),
        Reply::error(403, "Forbidden"),
        Reply::new(403, "<html>Your account was suspended"),
        Reply::new(401, "<html>log in to the proxy first"),
        Reply::new(401, ""),
        Reply::new(404, "<html>"),
        Reply::new(302, "").with("Location", "/api/v3/moved"),
        Reply::new(204, ""),
        Reply::new(200, "<html>"),
        Reply::new(200, "{}"),
        Reply::new(200, r#"{"id": "583231", "login": "octocat"}"#),
        Reply::new(200, r#"{"id": 583231, "login": ""}"#),
        Reply::new(200, r#"{"id": 7, "id": 583231, "login": "octocat"}"#),
        Reply::new(200, format!("{account}{}", " ".repeat(64 * 1024))),
    ] {
        setup.github.reply("/user", Some(reply.clone()));
        let outcome = setup.facts(&token, &none).await;
        assert!(matches!(outcome, Err(RefreshError::NoAnswer(_))), "{reply:?}: {outcome:?}");
    }
    assert_eq!(setup.github.count("/moved"), 0);
    setup.github.reply("/user", Some(Reply::new(200, account)));
    assert!(setup.facts(&token, &none).await.is_ok(), "the account itself is good");
    setup.github.reply("/user", None);
    setup.github.set(Mood::IsDown);
    let outcome = setup.facts(&token, &none).await;
    assert!(matches!(outcome, Err(RefreshError::NoAnswer(_))), "{outcome:?}");
}

#[tokio::test]
async fn silence_ends_after_eight_seconds() {
    let none = WantedFacts::default();
    let setup = Setup::start();
    let token = setup.token(&none).await;
    let silence = Reply::new(401, "").after(Duration::from_mins(1));
    setup.github.reply("/user", Some(silence));
    let outcome = setup.facts(&token, &none).await;
    // Waiting for the answer would find the token refused.
    assert!(matches!(outcome, Err(RefreshError::NoAnswer(_))), "{outcome:?}");
}

#[tokio::test]
async fn without_a_token_or_a_server_there_is_no_answer() {
    let setup = Setup::start();
    let nothing = setup.facts(&ProviderToken::default(), &WantedFacts::default()).await;
    assert!(matches!(nothing, Err(RefreshError::NoAnswer(_))), "{nothing:?}");
    let token = setup.token(&WantedFacts::default()).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url: url::Url = format!("http://{nobody}").parse().unwrap();
    let gone = Setup::with(|provider| provider.api_url = url);
    let outcome = gone.facts(&token, &WantedFacts::default()).await;
    assert!(matches!(outcome, Err(RefreshError::NoAnswer(_))), "{outcome:?}");
}
