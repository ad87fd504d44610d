//! Another account can be chosen, here and at the login provider.

use gateway_tests::{browser::Browser, github::Mood, pkce};

use crate::{
    session::{code, log_in, url, web_app},
    support::{App, CALLBACK, GIT, Gateway, query, redirected},
};

/// What the login provider is asked for when the person logs in on the page of a request with `more`.
async fn asked(gateway: &Gateway, browser: &mut Browser, more: &[(&str, &str)]) -> Option<String> {
    let app: App = gateway.app().await;
    let page = browser.get(&app.authorize_url(&pkce::pair().1, more)).await;
    let sent = browser.decide(&page, "github", "").await;
    query(&sent.next().unwrap()).get("prompt").cloned()
}

#[tokio::test]
async fn a6_the_clients_prompt_is_passed_on() {
    let gateway = Gateway::start();
    for (prompt, expected) in [
        ("", None),
        ("consent", None),
        ("create", None),
        ("select_account", Some("select_account")),
        ("consent select_account", Some("select_account")),
        ("login", Some("select_account")),
    ] {
        let asked = asked(&gateway, &mut gateway.browser(), &[("prompt", prompt)]).await;
        assert_eq!(asked.as_deref(), expected, "{prompt}");
    }
}

/// `select_account` shows the page, whatever was allowed before.
#[tokio::test]
async fn a6_a_client_can_have_the_account_chosen() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    log_in(&gateway, &mut browser, &app).await;
    assert!(code(&browser.get(&url(&app, &[])).await).is_some());
    let page = browser.get(&url(&app, &[("prompt", "select_account")])).await;
    assert_eq!(page.status, 200);
    for text in ["Connect, as alice", "Not alice? Switch"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
}

#[tokio::test]
async fn a6_a_person_who_is_logged_in_can_use_another_account() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    assert!(!browser.get(&url(&app, &[])).await.body.contains("Switch"));
    log_in(&gateway, &mut browser, &app).await;
    let asked = asked(&gateway, &mut browser, &[]).await;
    assert_eq!(asked.as_deref(), Some("select_account"));
    let page = browser.get(&url(&app, &[("resource", GIT)])).await;
    assert!(page.body.contains("Not alice? Switch"), "{}", page.body);
    let sent = browser.decide(&page, "github", "").await;
    let back = browser.follow(sent, "https://app.example/").await;
    assert!(query(&back).contains_key("code"));
    let page = browser.get(&url(&app, &[("prompt", "consent")])).await;
    assert!(page.body.contains("as octocat"), "the other one is logged in: {}", page.body);
}

/// The account at the login provider is not allowed: the page says so, and asks for another one.
#[tokio::test]
async fn a6_a_refused_account_is_not_the_end() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[("resource", GIT)])).await;
    gateway.github.set(Mood::LogsIn { id: 1, login: "stranger".into() });
    let at_github = browser.decide(&page, "github", "").await.next().unwrap();
    assert!(!query(&at_github).contains_key("prompt"));
    let back = browser.get(&at_github).await.next().unwrap();
    let refused = browser.get(&back).await;
    assert_eq!((refused.status.as_u16(), refused.next()), (403, None));
    for text in ["stranger may not use", "Use another account"] {
        assert!(refused.body.contains(text), "{text}: {}", refused.body);
    }
    let reloaded = browser.get(&back).await;
    assert!(reloaded.body.contains("stranger may not use"), "{reloaded:?}");
    // Cancel tells the client.
    let mut other = gateway.browser();
    other.cookies.clone_from(&browser.cookies);
    let declined = redirected(&other.decide(&refused, "deny", "").await);
    assert_eq!(
        (declined["error"].as_str(), &*declined["state"]),
        ("access_denied", "client state")
    );
    // The client may begin anew, and the provider would take the same account.
    let mut later = gateway.browser();
    later.cookies.clone_from(&browser.cookies);
    let asks = asked(&gateway, &mut later, &[]).await;
    assert_eq!(asks.as_deref(), Some("select_account"));
    for page in [refused, reloaded] {
        gateway.github.set(Mood::LogsIn { id: 583_231, login: "octocat".into() });
        let sent = browser.decide(&page, "github", "").await;
        assert_eq!(query(&sent.next().unwrap())["prompt"], "select_account");
        assert!(query(&browser.follow(sent, CALLBACK).await).contains_key("code"));
    }
    assert!(!browser.cookies["auth.gw.example"].contains_key("__Host-mcpgw-refused"));
}

/// So it is with a login code, and with a person who is logged in and may use other servers only.
#[tokio::test]
async fn a6_a_refused_person_is_told() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    let page = browser.get(&url(&app, &[("resource", GIT)])).await;
    let refused = browser.decide(&page, "local", &gateway.login_code("mallory").await).await;
    assert_eq!((refused.status.as_u16(), refused.next()), (403, None));
    assert!(refused.body.contains("mallory may not use"), "{}", refused.body);
    let page = browser.get(&url(&app, &[])).await;
    browser.decide(&page, "local", &gateway.login_code("mallory").await).await;
    let page = browser.get(&url(&app, &[("resource", GIT)])).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("mallory may not use"), "{}", page.body);
    let sent = browser.decide(&page, "github", "").await;
    assert_eq!(query(&sent.next().unwrap())["prompt"], "select_account");
    let done = browser.decide(&refused, "local", &gateway.login_code("alice").await).await;
    assert!(code(&done).is_some(), "{done:?}");
}
