//! A person stays logged in, and what they allowed is remembered; `prompt` of OpenID Connect.

use gateway_tests::{
    browser::{Browser, Page},
    pkce,
};
use serde_json::json;
use url::Url;

use crate::support::{App, GIT, Gateway, ISSUER, link, query};

pub(crate) const WEB: &str = "https://app.example/cb";

/// A client on the web, whose redirect URI nobody else can listen at.
pub(crate) async fn web_app(gateway: &Gateway) -> App {
    named_app(gateway, "Web").await
}

pub(crate) async fn named_app(gateway: &Gateway, name: &str) -> App {
    let metadata = json!({
        "redirect_uris": [WEB], "client_name": name, "token_endpoint_auth_method": "none",
    });
    App { id: gateway.register(metadata).await.text("client_id"), secret: None }
}

pub(crate) fn url(app: &App, more: &[(&str, &str)]) -> Url {
    let mut all = more.to_vec();
    if !more.iter().any(|(name, _)| *name == "redirect_uri") {
        all.push(("redirect_uri", WEB));
    }
    app.authorize_url(&pkce::pair().1, &all)
}

/// Logs alice in by a code of the operator, on the page of `app`.
pub(crate) async fn log_in(gateway: &Gateway, browser: &mut Browser, app: &App) -> Page {
    let page = browser.get(&url(app, &[])).await;
    let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
    assert!(code(&done).is_some(), "{done:?}");
    done
}

pub(crate) fn code(page: &Page) -> Option<String> {
    query(&page.next()?).get("code").cloned()
}

/// The cookie is fresh with the login, and keeps to itself.
#[tokio::test]
async fn a_login_gives_the_browser_a_cookie_of_its_own() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    let done = log_in(&gateway, &mut browser, &app).await;
    let cookie = done.headers["set-cookie"].to_str().unwrap();
    for part in ["__Host-mcpgw-login=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="]
    {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
}

/// The second server costs one click, not one more login.
#[tokio::test]
async fn a_person_who_is_logged_in_allows_with_one_click() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    log_in(&gateway, &mut browser, &app).await;
    let page = browser.get(&url(&app, &[("resource", GIT)])).await;
    assert!(page.body.contains("Connect, as alice"), "{}", page.body);
    let done = browser.decide(&page, "allow", "").await;
    assert!(code(&done).is_some(), "{done:?}");
    let stranger = gateway.browser().get(&url(&app, &[("resource", GIT)])).await;
    assert!(!stranger.body.contains("Connect, as"));
    gateway.clock.advance(43_200);
    let late = browser.get(&url(&app, &[("resource", GIT)])).await;
    assert!(!late.body.contains("Connect, as"), "the login has ended");
}

/// What a person allowed is not asked again: the same client, host, server and scopes.
#[tokio::test]
async fn a_consent_is_remembered_for_exactly_what_it_was_given_for() {
    let gateway = Gateway::start();
    let servers = json!({ "time": { "tools": { "scopes": { "x": "more" } } }, "git": {} });
    gateway.set_servers(&servers);
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    log_in(&gateway, &mut browser, &app).await;
    let again = browser.get(&url(&app, &[])).await;
    assert_eq!(again.status, 303);
    assert!(code(&again).is_some());
    for more in [("resource", GIT), ("scope", "mcp more"), ("prompt", "consent")] {
        assert_eq!(browser.get(&url(&app, &[more])).await.status, 200, "{more:?}");
    }
    let other = named_app(&gateway, "Another").await;
    assert_eq!(browser.get(&url(&other, &[])).await.status, 200);
    gateway.clock.advance(7_776_000);
    assert_eq!(browser.get(&url(&app, &[])).await.status, 400, "the registration has ended, too");
}

/// RFC 8252 §8.6: whoever listens on this machine may pose as the program that was allowed.
#[tokio::test]
async fn a_program_on_the_machine_is_asked_about_every_time() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let there = app.authorize_url(&pkce::pair().1, &[]);
    for decision in ["local", "allow", "allow"] {
        let page = browser.get(&there).await;
        assert_eq!(page.status, 200);
        let done = browser.decide(&page, decision, &gateway.login_code("alice").await).await;
        assert!(code(&done).is_some(), "{decision}");
    }
}

/// OpenID Connect Core §3.1.2.1: `login` asks for a login although there is one.
#[tokio::test]
async fn prompt_login_takes_no_earlier_login() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    log_in(&gateway, &mut browser, &app).await;
    let page = browser.get(&url(&app, &[("prompt", "login")])).await;
    assert!(!page.body.contains("Connect, as"));
    let forced = browser.decide(&page, "allow", "").await;
    assert_eq!((forced.status.as_u16(), forced.next()), (200, None), "the page again");
}

/// §3.1.2.1, §3.1.2.6: `none` shows no page; what is missing is told to the client.
#[tokio::test]
async fn prompt_none_never_shows_a_page() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    let silent = url(&app, &[("prompt", "none")]);
    let refused = query(&link(&browser.get(&silent).await).unwrap());
    assert_eq!(
        (refused["error"].as_str(), refused["iss"].as_str()),
        ("interaction_required", ISSUER)
    );
    log_in(&gateway, &mut browser, &app).await;
    assert!(code(&browser.get(&silent).await).is_some());
    let elsewhere = url(&app, &[("prompt", "none"), ("resource", GIT)]);
    let refused = query(&browser.get(&elsewhere).await.next().unwrap());
    assert_eq!(refused["error"], "consent_required");
    let both = query(&browser.get(&url(&app, &[("prompt", "none login")])).await.next().unwrap());
    assert_eq!(both["error"], "invalid_request");
}

/// Somebody who may not use a server is not offered to go on, and may log in as somebody else.
#[tokio::test]
async fn another_account_can_log_in_where_this_one_may_not() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    let page = browser.get(&url(&app, &[])).await;
    browser.decide(&page, "local", &gateway.login_code("mallory").await).await;
    let page = browser.get(&url(&app, &[("resource", GIT)])).await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("Connect, as"), "mallory may not use git");
    let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
    assert!(code(&done).is_some());
}
