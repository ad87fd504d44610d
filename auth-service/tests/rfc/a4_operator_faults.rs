//! Faults of the operator, of the person and of the login provider are told apart.

use gateway_tests::{github::Mood, pkce};

use crate::support::{CALLBACK, Gateway, ISSUER, query};

/// What the client is told after a login in this mood of GitHub: the code and its description.
async fn told(gateway: &Gateway, mood: Option<Mood>) -> (String, String) {
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
    gateway.github.set(mood.unwrap_or(Mood::LogsIn { id: 583_231, login: "octocat".into() }));
    let sent = browser.decide(&page, "github", "").await;
    let back = query(&browser.follow(sent, CALLBACK).await);
    assert_eq!((back["iss"].as_str(), back["state"].as_str()), (ISSUER, "client state"));
    (back["error"].clone(), back["error_description"].clone())
}

#[tokio::test]
async fn a4_each_fault_is_told_as_whose_it_is() {
    let gateway = Gateway::start();
    for (mood, error, words) in [
        (Mood::Refuses("incorrect_client_credentials"), "server_error", "the operator"),
        (Mood::Refuses("redirect_uri_mismatch"), "server_error", "the operator"),
        (Mood::SendsBack("redirect_uri_mismatch"), "server_error", "the operator"),
        (Mood::SendsBack("application_suspended"), "server_error", "the operator"),
        (Mood::Refuses("bad_verification_code"), "access_denied", "log in again"),
        (Mood::Refuses("unverified_user_email"), "access_denied", "verify your e-mail"),
        (Mood::Refuses("something_new"), "access_denied", "rejected the login"),
        (Mood::Denies, "access_denied", "was declined"),
        (Mood::IsDown, "temporarily_unavailable", "try again"),
    ] {
        let (code, description) = told(&gateway, Some(mood)).await;
        assert_eq!(code, error, "{description}");
        assert!(description.contains(words), "{error}: {description}");
    }
}

/// Settings that lead to no GitHub, or to an app that is none.
#[tokio::test]
async fn a4_wrong_settings_are_faults_of_the_operator() {
    let github = gateway_tests::github::FakeGitHub::start();
    let api = format!("{}/api/v4", github.url);
    let page = format!("{}/page", github.url);
    for (name, value) in [
        ("GITHUB_CLIENT_SECRET", "wrong"),
        ("GITHUB_API_URL", api.as_str()),
        ("GITHUB_API_URL", page.as_str()),
    ] {
        let gateway = Gateway::with(&[(name, value)]);
        assert_eq!(told(&gateway, None).await.0, "server_error", "{name}={value}");
    }
}
