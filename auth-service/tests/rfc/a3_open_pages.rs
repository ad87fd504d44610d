//! Pages that stayed open, several tabs at once and a restarted browser lead on.

use gateway_tests::{
    browser::{Browser, Page},
    pkce,
};
use url::Url;

use crate::{
    session::{code, log_in, url, web_app},
    support::{App, CALLBACK, GIT, Gateway, ISSUER, query},
};

fn ask(app: &App) -> Url {
    app.authorize_url(&pkce::pair().1, &[("resource", GIT)])
}

/// Asserts that `page` is a consent page, and that a decision on it ends in a code.
async fn assert_leads_on(gateway: &Gateway, browser: &mut Browser, page: &Page) {
    assert_eq!(page.next(), None, "{page:?}");
    let sent = browser.decide(page, "github", "").await;
    assert!(sent.next().is_some(), "{sent:?}");
    let back = browser.follow(sent, CALLBACK).await;
    assert!(query(&back).contains_key("code"), "{back}");
    let again = browser.get(&ask(&gateway.app().await)).await;
    assert!(again.body.contains("Connect, as octocat"), "{}", again.body);
}

/// The browser was closed: what has no `Max-Age` is gone, or all that binds flows is.
fn restart(browser: &mut Browser) {
    for jar in browser.cookies.values_mut() {
        jar.retain(|name, _| !name.starts_with("__Host-mcpgw-browser-"));
    }
}

#[tokio::test]
async fn a3_a_login_outlasts_the_browser() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    let done = log_in(&gateway, &mut browser, &app).await;
    assert!(done.headers["set-cookie"].to_str().unwrap().contains("Max-Age=43200"));
    restart(&mut browser);
    gateway.clock.advance(43_199);
    assert!(code(&browser.get(&url(&app, &[])).await).is_some(), "allowed before");
    let page = browser.get(&url(&app, &[("resource", GIT)])).await;
    assert!(page.body.contains("Connect, as alice"), "{}", page.body);
    restart(&mut browser);
    // The page that was restored is shown once more, and one click is enough then.
    let again = browser.decide(&page, "allow", "").await;
    assert_eq!((again.status.as_u16(), again.next()), (200, None));
    assert!(again.body.contains("Connect, as alice") && again.body.contains("choose again"));
    assert!(code(&browser.decide(&again, "allow", "").await).is_some());
}

/// A new browser opens three tabs before it has a cookie, and sends each on.
#[tokio::test]
async fn a3_three_tabs_log_in() {
    for decision in ["github", "local"] {
        let gateway = Gateway::start();
        let app = gateway.app().await;
        let mut browser = gateway.browser();
        let mut pages = Vec::new();
        for _ in 0..3 {
            let mut tab = gateway.browser();
            pages.push(tab.get(&ask(&app)).await);
            for (host, cookies) in tab.cookies {
                browser.cookies.entry(host).or_default().extend(cookies);
            }
        }
        let mut sent = Vec::new();
        for page in &pages {
            let code = gateway.login_code("alice").await;
            sent.push(browser.decide(page, decision, &code).await);
        }
        for sent in sent {
            let back = browser.follow(sent, CALLBACK).await;
            assert!(query(&back).contains_key("code"), "{decision}: {back}");
        }
    }
}

#[tokio::test]
async fn a3_a_page_that_was_open_for_long_is_shown_once_more() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    for decision in ["github", "local", "allow", "deny"] {
        let page = browser.get(&ask(&app)).await;
        gateway.clock.advance(660);
        let again = browser.decide(&page, decision, &gateway.login_code("alice").await).await;
        assert_eq!(again.status, 200, "{again:?}");
        assert!(again.body.contains("choose again"), "{}", again.body);
        assert_leads_on(&gateway, &mut browser, &again).await;
    }
}

/// The login at the provider took too long, or the browser was restarted there.
#[tokio::test]
async fn a3_a_late_callback_shows_the_page() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for is_restarted in [false, true] {
        let mut browser = gateway.browser();
        let page = browser.get(&ask(&app)).await;
        let at_github = browser.decide(&page, "github", "").await.next().unwrap();
        let back = browser.get(&at_github).await.next().unwrap();
        if is_restarted {
            restart(&mut browser);
        } else {
            gateway.clock.advance(660);
        }
        // Loaded twice, as by F5.
        for _ in 0..2 {
            let page = browser.get(&back).await;
            assert_eq!(page.status, 400);
            assert!(page.body.contains("Nothing is connected"), "{}", page.body);
        }
        let page = browser.get(&back).await;
        assert_leads_on(&gateway, &mut browser, &page).await;
    }
}

/// What binds a flow outlasts the browser, too, and is renewed with each page.
#[tokio::test]
async fn a3_all_cookies_outlast_the_browser() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    for _ in 0..2 {
        let page = browser.get(&ask(&app)).await;
        let sent = browser.decide(&page, "github", "").await;
        for page in [page, sent] {
            let mut cookies = page.headers.get_all("set-cookie").iter().peekable();
            assert!(cookies.peek().is_some());
            assert!(cookies.all(|one| one.to_str().unwrap().contains("Max-Age=3600")), "{page:?}");
        }
    }
    let named = |name: &&String| name.starts_with("__Host-mcpgw-browser-");
    assert_eq!(browser.cookies["auth.gw.example"].keys().filter(named).count(), 1);
}

/// The address of a form is opened, as by a browser that restores its tabs.
#[tokio::test]
async fn a3_the_address_of_the_form_says_what_to_do() {
    let gateway = Gateway::start();
    let address = format!("{ISSUER}/authorize/consent").parse().unwrap();
    let page = gateway.browser().get(&address).await;
    assert_eq!((page.status.as_u16(), &page.headers["allow"]), (405, &"POST".parse().unwrap()));
    assert!(page.body.contains("<h1>") && page.body.contains("connect again"));
}
