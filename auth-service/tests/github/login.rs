//! A login: what is asked for, and the facts.

use auth_service::{
    model::{Groups, Memberships, UnixTime, WantedFacts},
    upstream::GithubError,
};
use gateway_tests::github::{FakeGitHub, Mood, Place, Reply};
use secrecy::ExposeSecret;

use crate::{
    logged,
    support::{NOW, Setup, query, wanted},
};

#[tokio::test]
async fn a_login_gives_the_facts_and_the_token() {
    let setup = Setup::start();
    let sighting = setup.log_in(&WantedFacts::default()).await.unwrap();
    assert_eq!(sighting.subject(), "ghe:583231");
    assert_eq!(sighting.login.as_deref(), Some("octocat"));
    assert_eq!(sighting.display_name.as_deref(), Some("The Octocat"));
    assert_eq!(sighting.email.as_deref(), Some("octocat@example.org"));
    assert_eq!(sighting.groups, Groups::Known([].into()));
    assert_eq!(sighting.memberships, Memberships::default());
    assert_eq!(sighting.sid, None);
    let token = sighting.token.unwrap();
    assert!(token.access.unwrap().expose_secret().starts_with("gho_"));
    assert!(token.refresh.is_none() && token.access_expires_at.is_none());
    assert_eq!(setup.github.asked(), ["/user", "/user/emails"]);
}

#[tokio::test]
async fn a_token_that_expires_comes_with_a_refresh_token() {
    let setup = Setup::start();
    setup.github.expire_tokens(true);
    let token = setup.token(&WantedFacts::default()).await;
    assert!(token.access.unwrap().expose_secret().starts_with("ghu_"));
    assert!(token.refresh.unwrap().expose_secret().starts_with("ghr_"));
    assert_eq!(token.access_expires_at, Some(UnixTime(NOW + 28_800)));
}

#[test]
fn memberships_are_asked_for_only_if_a_rule_needs_them() {
    let setup = Setup::start();
    let scope = |wanted: &WantedFacts| {
        query(&setup.client.authorize_url("s", false, wanted).0)["scope"].clone()
    };
    assert_eq!(scope(&WantedFacts::default()), "read:user user:email");
    let others = WantedFacts { groups: true, email: true, account: true, ..wanted(&[], &[]) };
    assert_eq!(scope(&others), "read:user user:email");
    for wanted in [wanted(&["acme"], &[]), wanted(&[], &["acme/dev"])] {
        assert_eq!(scope(&wanted), "read:user user:email read:org");
    }
    let prompt = |pick| {
        let url = setup.client.authorize_url("s", pick, &WantedFacts::default()).0;
        query(&url).get("prompt").cloned()
    };
    assert_eq!((prompt(false), prompt(true).as_deref()), (None, Some("select_account")));
}

#[tokio::test]
async fn a_code_is_good_for_its_verifier_alone() {
    let setup = Setup::start();
    let none = WantedFacts::default();
    let (code, _) = setup.code(&none).await;
    let (_, other) = setup.code(&none).await;
    let refused = setup.client.identify(&code, &other, &none).await;
    assert!(matches!(refused, Err(GithubError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn faults_of_a_login_are_told_apart() {
    let setup = Setup::start();
    let none = WantedFacts::default();
    setup.github.suspend(true);
    let Err(GithubError::Refused(refusal)) = setup.log_in(&none).await else { panic!() };
    assert_eq!(refusal.code(), "account_suspended");
    setup.github.suspend(false);
    let misconfigured = [
        Reply::error(404, "Not Found"),
        Reply::new(404, "<html>"),
        Reply::new(200, "<html>"),
        Reply::new(200, r#"{"id": 1}"#),
        Reply::new(200, r#"{"id": "1", "login": "octocat"}"#),
        Reply::new(200, r#"{"id": 1, "id": 2, "login": "octocat"}"#),
        Reply::new(200, r#"{"id": 1, "login": "octo\ncat"}"#),
    ];
    for reply in misconfigured {
        setup.github.reply("/user", Some(reply.clone()));
        let outcome = setup.log_in(&none).await;
        assert!(matches!(outcome, Err(GithubError::Misconfigured(_))), "{reply:?}: {outcome:?}");
    }
    let moved = Reply::new(302, "").with("Location", "/api/v3/elsewhere");
    let unavailable = [
        Reply::new(502, "<h1>Unicorn</h1>"),
        Reply::limit(403, NOW + 300),
        Reply::error(403, "Resource not accessible by integration"),
        Reply::error(401, "Bad credentials"),
        Reply::new(200, format!("{}{{}}", " ".repeat(64 * 1024))),
        moved,
    ];
    for reply in unavailable {
        setup.github.reply("/user", Some(reply.clone()));
        let outcome = setup.log_in(&none).await;
        assert!(matches!(outcome, Err(GithubError::Unavailable(_))), "{outcome:?}");
    }
    assert_eq!(setup.github.count("/elsewhere"), 0, "no redirect is followed");
}

#[tokio::test]
async fn the_credentials_are_tried_without_a_login() {
    let right = Setup::start();
    right.client.try_credentials().await.unwrap();
    let wrong = Setup::with(|provider| provider.client_secret = "wrong".to_owned().into());
    let outcome = wrong.client.try_credentials().await;
    assert!(matches!(outcome, Err(GithubError::Misconfigured(_))), "{outcome:?}");
    right.github.set(Mood::IsDown);
    let outcome = right.client.try_credentials().await;
    assert!(matches!(outcome, Err(GithubError::Unavailable(_))), "{outcome:?}");
}

/// Neither the log nor a debug output has a token, whatever goes wrong.
#[tokio::test]
async fn no_token_is_shown() {
    logged::capture();
    let setup = Setup::start();
    setup.github.expire_tokens(true);
    setup.github.join("logged-org");
    let wanted = WantedFacts { email: true, ..wanted(&["logged-org"], &["logged-org/dev"]) };
    let sighting = setup.log_in(&wanted).await.unwrap();
    let shown = format!("{sighting:?}");
    let token = sighting.token.unwrap();
    let secrets = [token.access.clone().unwrap(), token.refresh.clone().unwrap()];
    setup.github.reply("/user/memberships/orgs/logged-org", Some(Reply::new(500, "")));
    setup.facts(&token, &wanted).await.unwrap();
    setup.github.set(Mood::IsDown);
    let failed = setup.facts(&token, &wanted).await.unwrap_err();
    setup.clock.advance(28_800);
    let unrenewed = setup.client.renew(&token).await.unwrap_err();
    setup.github.set(Mood::Refuses("bad_refresh_token"));
    let denied = setup.client.renew(&token).await.unwrap_err();
    assert!(!logged::lines("logged-org").is_empty(), "the log is kept");
    for secret in secrets.iter().map(ExposeSecret::expose_secret).chain([FakeGitHub::CLIENT.1]) {
        assert_eq!(logged::lines(secret), []);
        let errors = [&failed, &unrenewed, &denied].map(|error| format!("{error:?} {error}"));
        assert!(!shown.contains(secret) && !errors.concat().contains(secret));
    }
}

/// The caller may run all requests as tasks of their own.
#[tokio::test]
async fn the_requests_can_run_in_tasks() {
    let setup = Setup::start();
    setup.github.set_org("acme", Place::Member);
    let wanted = wanted(&["acme"], &["acme/dev"]);
    let (code, verifier) = setup.code(&wanted).await;
    let checked = tokio::spawn(async move {
        let login = setup.client.identify(&code, &verifier, &wanted).await.unwrap();
        let token = login.token.unwrap();
        let renewed = setup.client.renew(&token).await.unwrap();
        (renewed.is_none(), setup.client.facts(&token, &login.id, &wanted).await.is_ok())
    });
    assert_eq!(checked.await.unwrap(), (true, true));
}
