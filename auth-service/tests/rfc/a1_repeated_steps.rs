//! A step that can be taken once gets the same answer for a minute, in the same browser: the answer
//! may have been lost, or the person clicked twice.

use std::time::Duration;

use auth_service::{
    model::{BrowserSession, Clock, CsrfToken, LoginCode, SealedAuthorization},
    oauth::{BrowserContext, ConsentForm, Decision, Next, RedirectTarget},
    store::{Selection, Store},
};
use futures_util::future::join_all;
use gateway_tests::{
    browser::{Browser, Page},
    github::Mood,
    pkce,
};
use url::Url;

use crate::{
    rfc8628::Device,
    session::code,
    support::{App, GIT, Gateway, TIME, redirected},
};

/// The same browser, in one more request at the same time.
fn tab(gateway: &Gateway, of: &Browser) -> Browser {
    let mut tab = gateway.browser();
    tab.cookies.clone_from(&of.cookies);
    tab
}

async fn open(app: &App, browser: &mut Browser) -> (Page, String) {
    let (verifier, challenge) = pkce::pair();
    let page = browser.get(&app.authorize_url(&challenge, &[("resource", GIT)])).await;
    assert_eq!(page.status, 200, "{page:?}");
    (page, verifier)
}

fn login_cookie(page: &Page) -> Option<&str> {
    let cookies = page.headers.get_all("set-cookie").iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
    cookies.find(|cookie| cookie.starts_with("__Host-mcpgw-login="))
}

#[tokio::test]
async fn a1_a_second_click_gets_the_same_answer() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    for decision in ["local", "allow"] {
        let (page, verifier) = open(&app, &mut browser).await;
        let login_code = gateway.login_code("alice").await;
        let first = browser.decide(&page, decision, &login_code).await;
        let second = browser.decide(&page, decision, &login_code).await;
        let answer = code(&first).unwrap();
        assert_eq!((first.status, first.next()), (second.status, second.next()), "{decision}");
        assert_eq!(login_cookie(&first), login_cookie(&second), "{decision}");
        let tokens = gateway.redeem(&app, &answer, &verifier).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        // What is told again is good for nothing more.
        assert_eq!(code(&browser.decide(&page, decision, &login_code).await), Some(answer.clone()));
        let again = gateway.redeem(&app, &answer, &verifier).await;
        assert_eq!(again.error(), (400, "invalid_grant"));
        assert_eq!(gateway.verify(GIT, &tokens.text("access_token")).await.status, 200);
        let mut stranger = gateway.browser();
        stranger.get(&app.authorize_url(&pkce::pair().1, &[])).await;
        for stranger in [&mut stranger, &mut gateway.browser()] {
            let page = stranger.decide(&page, decision, &login_code).await;
            assert_eq!((page.status.as_u16(), page.next()), (200, None), "the page, no answer");
            assert_eq!(login_cookie(&page), None);
        }
        gateway.clock.advance(60);
        let late = browser.decide(&page, decision, &login_code).await;
        assert_ne!(code(&late), Some(answer), "{decision}: kept for a minute");
    }
}

#[tokio::test]
async fn a1_clicks_at_the_same_time_get_the_same_answer() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    for decision in ["local", "allow", "deny"] {
        let (page, verifier) = open(&app, &mut browser).await;
        let login_code = gateway.login_code("alice").await;
        let mut tabs: Vec<_> = (0..8).map(|_| tab(&gateway, &browser)).collect();
        let clicks = tabs.iter_mut().map(|tab| tab.decide(&page, decision, &login_code));
        let answers = join_all(clicks).await;
        let first = answers[0].next();
        assert!(first.is_some(), "{answers:?}");
        assert!(answers.iter().all(|answer| answer.next() == first), "{decision}: {answers:?}");
        browser.cookies.clone_from(&tabs[7].cookies);
        if decision == "deny" {
            assert_eq!(redirected(&answers[0])["error"], "access_denied");
        } else {
            let tokens = gateway.redeem(&app, &code(&answers[0]).unwrap(), &verifier).await;
            assert_eq!(tokens.status, 200, "{tokens:?}");
        }
    }
    assert_eq!(gateway.redis.cli(&["KEYS", "mcpgw:steps"]).trim(), "", "no claim is left");
}

/// Two instances of the program share one Redis.
#[tokio::test]
async fn a1_another_instance_gives_the_same_answer() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let (page, _) = open(&app, &mut browser).await;
    let login_code = gateway.login_code("alice").await;
    let first = browser.decide(&page, "local", &login_code).await;
    let session = browser.cookies["auth.gw.example"]
        .iter()
        .find(|(name, _)| name.starts_with("__Host-mcpgw-browser-"))
        .map(|(_, value)| BrowserSession::presented(value.clone()))
        .unwrap();
    let visitor = BrowserContext {
        session,
        other_sessions: Vec::new(),
        was_refused: false,
        login: None,
        caller: auth_service::model::Caller::default(),
        is_own_navigation: true,
    };
    let form = ConsentForm {
        pending: SealedAuthorization::presented(page.hidden("flow")),
        csrf: CsrfToken::presented(page.hidden("csrf")),
        decision: Decision::Local(LoginCode::typed(&login_code)),
    };
    let next = gateway.instance().flow.decide(form, &visitor).await.unwrap();
    let Next::Done(outcome) = next else { panic!("{next:?}") };
    let RedirectTarget::Client(url) = outcome.target else { panic!("{:?}", outcome.target) };
    assert_eq!(first.next(), Some(Url::parse(&url).unwrap()));
}

/// A browser that clicks twice closes the connection of the first click.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a1_a_request_that_is_aborted_ends_its_step() {
    let (gateway, link) = Gateway::over_a_link();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let (page, verifier) = open(&app, &mut browser).await;
    let login_code = gateway.login_code("alice").await;
    for pause in [0, 2, 5, 10] {
        let mut first = tab(&gateway, &browser);
        let click = first.decide(&page, "local", &login_code);
        drop(tokio::time::timeout(Duration::from_millis(pause), click).await);
    }
    link.stall();
    let mut stalled = tab(&gateway, &browser);
    let click = stalled.decide(&page, "local", &login_code);
    drop(tokio::time::timeout(Duration::from_millis(50), click).await);
    link.mend();
    let answer = browser.decide(&page, "local", &login_code).await;
    let code = code(&answer).unwrap_or_else(|| panic!("{answer:?}"));
    assert_eq!(gateway.redeem(&app, &code, &verifier).await.status, 200);
}

#[tokio::test]
async fn a1_a_callback_gets_the_same_answer() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    gateway.github.hesitate(Duration::from_millis(100));
    let mut browser = gateway.browser();
    let (page, verifier) = open(&app, &mut browser).await;
    let at_github = browser.decide(&page, "github", "").await.next().unwrap();
    let callback = browser.get(&at_github).await.next().unwrap();
    let mut tabs: Vec<_> = (0..4).map(|_| tab(&gateway, &browser)).collect();
    let answers = join_all(tabs.iter_mut().map(|tab| tab.get(&callback))).await;
    let first = answers[0].next();
    assert!(answers.iter().all(|answer| answer.next() == first), "{answers:?}");
    let answer = code(&answers[0]).unwrap();
    // Also when the first answer arrived, with which the browser forgets the flow.
    let again = tabs[0].get(&callback).await;
    assert_eq!((again.next(), login_cookie(&again)), (first, login_cookie(&answers[0])));
    let mut stranger = gateway.browser();
    stranger.get(&app.authorize_url(&pkce::pair().1, &[])).await;
    for stranger in [&mut stranger, &mut gateway.browser()] {
        let refused = stranger.get(&callback).await;
        assert_eq!((refused.status.as_u16(), refused.next()), (400, None));
    }
    assert_eq!(gateway.redeem(&app, &answer, &verifier).await.status, 200);
    gateway.clock.advance(60);
    assert_eq!(tabs[0].get(&callback).await.next(), None);
}

/// A declined login at the provider is told again, too.
#[tokio::test]
async fn a1_a_declined_login_gets_the_same_answer() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    gateway.github.set(Mood::Denies);
    let mut browser = gateway.browser();
    let (page, _) = open(&app, &mut browser).await;
    let at_github = browser.decide(&page, "github", "").await.next().unwrap();
    let callback = browser.get(&at_github).await.next().unwrap();
    for _ in 0..2 {
        assert_eq!(redirected(&browser.get(&callback).await)["error"], "access_denied");
    }
}

#[tokio::test]
async fn a1_the_decision_about_a_device_gets_the_same_answer() {
    for (decision, status, polled) in
        [("deny", 200, (400, "access_denied")), ("local", 200, (200, ""))]
    {
        let device = Device::at(Gateway::start()).await;
        let gateway = &device.gateway;
        let mut browser = gateway.browser();
        let page = device.page(&mut browser, &device.codes.text("user_code")).await;
        let login_code = gateway.login_code("alice").await;
        let mut other = gateway.browser();
        let elsewhere = device.page(&mut other, &device.codes.text("user_code")).await;
        for _ in 0..2 {
            let done = browser.decide(&page, decision, &login_code).await;
            assert_eq!((done.status.as_u16(), done.next()), (status, None), "{done:?}");
        }
        assert_eq!(device.poll().await.error(), polled);
        let done = browser.decide(&page, decision, &login_code).await;
        assert_eq!(done.status, status, "also after the device was told");
        let late = other.decide(&elsewhere, "deny", "").await;
        assert_eq!(late.status, 400, "somebody else's decision is another one: {late:?}");
    }
}

/// A dump of Redis has no code and no cookie, though both can be told again.
#[tokio::test]
async fn a1_redis_never_has_what_is_told_again() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let (page, _) = open(&app, &mut browser).await;
    let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
    let dump = gateway.dump();
    assert!(dump.contains("mcpgw:answer:") && dump.contains("\"salt\""), "{dump}");
    let cookie = login_cookie(&done).unwrap().split(['=', ';']).nth(1).unwrap();
    for secret in [code(&done).unwrap(), cookie.to_owned(), page.hidden("csrf")] {
        assert!(!dump.contains(&secret), "{secret}");
    }
}

/// What was revoked is not told again, and its page leads on.
#[tokio::test]
async fn a1_a_revocation_ends_what_would_be_told_again() {
    for what in [Selection::User("alice".into()), Selection::All] {
        let gateway = Gateway::start();
        let app = gateway.app().await;
        let mut browser = gateway.browser();
        let (page, _) = open(&app, &mut browser).await;
        let login_code = gateway.login_code("alice").await;
        assert!(code(&browser.decide(&page, "local", &login_code).await).is_some());
        let store = Store::open(&gateway.config.redis).unwrap();
        store.maintenance.revoke(&what, gateway.clock.now(), None).await.unwrap();
        let again = browser.decide(&page, "local", &login_code).await;
        assert_eq!((again.status.as_u16(), again.next()), (400, None), "{what:?}");
        assert!(again.body.contains("name=\"login_code\""));
    }
}

/// A login that is refused uses up no login code.
#[tokio::test]
async fn a1_a_refused_login_burns_no_login_code() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let (page, _) = open(&app, &mut browser).await;
    let login_code = gateway.login_code("mallory").await;
    for _ in 0..2 {
        let refused = browser.decide(&page, "local", &login_code).await;
        assert_eq!((refused.status.as_u16(), refused.next()), (403, None), "{refused:?}");
    }
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[("resource", TIME)])).await;
    assert!(code(&browser.decide(&page, "local", &login_code).await).is_some());
}
