//! Consent and login: bound to one browser, by GitHub or by a code of the operator.

use gateway_tests::{browser::Page, github::Mood, pkce};
use url::Url;

use crate::support::{App, CALLBACK, GIT, Gateway, ISSUER, TIME, query, redirected};

async fn consent_page(
    gateway: &Gateway,
    app: &App,
) -> (gateway_tests::browser::Browser, Page, String) {
    let (verifier, challenge) = pkce::pair();
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&challenge, &[("resource", GIT)])).await;
    assert_eq!(page.status, 200, "{page:?}");
    (browser, page, verifier)
}

/// The page names the client, the server and where the answer goes, and lets nobody frame it.
#[tokio::test]
async fn the_consent_page_says_who_asks_for_what() {
    let gateway = Gateway::start();
    let metadata = serde_json::json!({
        "redirect_uris": ["https://app.example/cb"],
        "client_name": "<script>alert(1)</script>",
        "token_endpoint_auth_method": "none",
    });
    let app = App { id: gateway.register(metadata).await.text("client_id"), secret: None };
    let more = [("redirect_uri", "https://app.example/cb")];
    let url = app.authorize_url(&pkce::pair().1, &more);
    let page = gateway.browser().get(&url).await;
    assert!(!page.body.contains("<script>"), "{}", page.body);
    for text in
        ["alert(1)", "app.example", "time.gw.example/mcp", "Sign in with GitHub", "not verified"]
    {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("program on this computer"));
    let header = |name: &str| page.headers[name].to_str().unwrap();
    assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!((header("cache-control"), header("x-frame-options")), ("no-store", "DENY"));
    assert_eq!(header("referrer-policy"), "same-origin", "no other site gets the address");
    let cookie = header("set-cookie");
    for part in ["__Host-mcpgw-browser-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let (_, loopback, _) = consent_page(&gateway, &gateway.app().await).await;
    assert!(loopback.body.contains("program on this computer"));
}

/// From the request over GitHub to the token: subject is the numeric id.
#[tokio::test]
async fn a_person_logs_in_with_github() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (mut browser, page, verifier) = consent_page(&gateway, &app).await;
    let sent = browser.decide(&page, "github", "").await;
    assert_eq!(sent.status, 200, "a redirect would be stopped by form-action");
    assert!(sent.next().unwrap().as_str().starts_with(&gateway.github.url));
    let back = query(&browser.follow(sent, CALLBACK).await);
    let token = gateway.redeem(&app, &back["code"], &verifier).await.text("access_token");
    let identity = gateway.verify(GIT, &token).await;
    assert_eq!(identity.headers["x-user-id"], "github:583231");
    assert_eq!(identity.headers["x-user-name"], "octocat");
    // An Enterprise Server verifies no addresses.
    assert_eq!(identity.headers["x-user-email"], "");
}

/// Whatever goes wrong at GitHub reaches the client as an error of RFC 6749 §4.1.2.1.
#[tokio::test]
async fn a_failed_login_reaches_the_client() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for (mood, error) in [
        (Mood::Denies, "access_denied"),
        (Mood::RefusesCode, "access_denied"),
        (Mood::IsDown, "temporarily_unavailable"),
    ] {
        gateway.github.set(mood);
        let (mut browser, page, _) = consent_page(&gateway, &app).await;
        let sent = browser.decide(&page, "github", "").await;
        let answer = query(&browser.follow(sent, CALLBACK).await);
        assert_eq!(answer["error"], error);
        assert_eq!((answer["iss"].as_str(), answer["state"].as_str()), (ISSUER, "client state"));
    }
}

/// A callback is good only in the browser that consented.
#[tokio::test]
async fn a_callback_is_bound_to_the_browser_that_consented() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (mut attacker, page, _) = consent_page(&gateway, &app).await;
    let at_github = attacker.decide(&page, "github", "").await.next().unwrap();
    let callback = attacker.get(&at_github).await.next().unwrap();
    let (mut victim, ..) = consent_page(&gateway, &app).await;
    for browser in [&mut victim, &mut gateway.browser()] {
        let refused = browser.get(&callback).await;
        assert_eq!((refused.status.as_u16(), refused.next()), (400, None));
    }
    assert_eq!(redirected(&attacker.get(&callback).await)["iss"], ISSUER);
}

/// The form needs the page's token and the browser's cookie.
#[tokio::test]
async fn a_forged_form_decides_nothing() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (mut browser, page, _) = consent_page(&gateway, &app).await;
    let consent = Url::parse(&format!("{ISSUER}/authorize/consent")).unwrap();
    let flow = page.hidden("flow");
    let forged = [("flow", flow.as_str()), ("csrf", "guess"), ("decision", "github")];
    assert_eq!(browser.post(&consent, &forged).await.status, 400);
    let (mut other, ..) = consent_page(&gateway, &app).await;
    for browser in [&mut gateway.browser(), &mut other] {
        let again = browser.decide(&page, "github", "").await;
        assert_eq!((again.status.as_u16(), again.next()), (200, None), "the page again");
        assert_ne!(again.hidden("flow"), flow, "for this browser");
        assert!(browser.decide(&again, "github", "").await.next().is_some());
    }
    assert!(browser.decide(&page, "github", "").await.next().is_some());
}

/// A login code works once, for ten minutes, and cannot be guessed at leisure.
#[tokio::test]
async fn a_login_code_is_used_once() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let code = gateway.login_code("alice").await;
    let (mut browser, page, _) = consent_page(&gateway, &app).await;
    let done = browser.decide(&page, "local", &code.to_lowercase()).await;
    assert!(redirected(&done).contains_key("code"));
    let (mut browser, mut page, _) = consent_page(&gateway, &app).await;
    for _ in 0..4 {
        page = browser.decide(&page, "local", &code).await;
        assert_eq!(page.status, 400);
        assert!(page.body.contains("unknown, already used"));
        page.url = Url::parse(&format!("{ISSUER}/authorize")).unwrap();
    }
    let fifth = browser.decide(&page, "local", &code).await;
    assert_eq!(redirected(&fifth)["error"], "access_denied");
    let late = gateway.login_code("alice").await;
    gateway.clock.advance(600);
    let (mut browser, page, _) = consent_page(&gateway, &app).await;
    assert_eq!(browser.decide(&page, "local", &late).await.status, 400);
}

/// A server's own list is asked, too.
#[tokio::test]
async fn a_person_who_is_not_on_the_list_of_a_server_gets_no_code() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (mut browser, page, _) = consent_page(&gateway, &app).await;
    let refused = browser.decide(&page, "local", &gateway.login_code("mallory").await).await;
    assert_eq!((refused.status.as_u16(), refused.next()), (403, None), "{refused:?}");
    let (answer, _) = gateway.consent(&app, "mallory", &[("resource", TIME)]).await;
    assert!(answer.contains_key("code"));
}
