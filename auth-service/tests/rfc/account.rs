//! The pages of a person: sign-in, connections, sign-ins.

use gateway_tests::browser::{Browser, Page};
use url::Url;

use crate::{
    session::{WEB, code, web_app},
    support::{App, GIT, Gateway, ISSUER, TIME},
};

pub(crate) fn at(path: &str) -> Url {
    Url::parse(&format!("{ISSUER}{path}")).unwrap()
}

/// Signs `name` in by a code of the operator; the browser.
pub(crate) async fn signed_in(gateway: &Gateway, name: &str) -> Browser {
    let mut browser = gateway.browser();
    sign_in(gateway, &mut browser, name, "/me").await;
    browser
}

/// Signs `name` in with `browser`, on the way to `path`; the page there.
pub(crate) async fn sign_in(
    gateway: &Gateway,
    browser: &mut Browser,
    name: &str,
    path: &str,
) -> Page {
    let page = browser.get(&at(path)).await;
    let page = browser.get(&page.next().unwrap()).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/sign-in"), "{page:?}");
    let (csrf, return_to) = (page.hidden("csrf"), page.hidden("return_to"));
    let code = gateway.login_code(name).await;
    let form = [("csrf", &*csrf), ("return_to", &*return_to), ("login_code", &*code)];
    let done = browser.post(&page.url, &form).await;
    assert_eq!(done.status, 303, "{done:?}");
    let shown = browser.get(&done.next().unwrap()).await;
    assert_eq!(shown.url.path(), path.split('?').next().unwrap());
    shown
}

/// Opens `path` and submits its form with `more`; the answer.
pub(crate) async fn submit(browser: &mut Browser, path: &str, more: &[(&str, &str)]) -> Page {
    let page = browser.get(&at(path)).await;
    assert_eq!(page.status, 200, "{page:?}");
    let csrf = page.hidden("csrf");
    let form = [&[("csrf", csrf.as_str())], more].concat();
    browser.post(&at(path), &form).await
}

/// The path of the question whether to end the first connection on a page.
fn first(page: &Page) -> String {
    let from = page.body.find("/me/grants/").unwrap();
    page.body[from..].split('"').next().unwrap().to_owned()
}

async fn web_tokens(gateway: &Gateway, browser: &mut Browser, app: &App, server: &str) -> String {
    let (verifier, challenge) = gateway_tests::pkce::pair();
    let url = app.authorize_url(&challenge, &[("redirect_uri", WEB), ("resource", server)]);
    let mut page = browser.get(&url).await;
    if page.next().is_none() {
        page = browser.decide(&page, "allow", "").await;
    }
    let code = code(&page).unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &*app.id),
        ("redirect_uri", WEB),
        ("code", &*code),
        ("code_verifier", &*verifier),
    ];
    gateway.post("/token", &form).await.text("access_token")
}

/// Who is not signed in is sent to the sign-in, which leads back to the page, with its query.
#[tokio::test]
async fn a_sign_in_leads_to_the_page_that_was_asked_for() {
    let gateway = Gateway::start();
    let mut browser = gateway.browser();
    let page = sign_in(&gateway, &mut browser, "alice", "/me/servers?x=1").await;
    assert_eq!(page.url.as_str(), format!("{ISSUER}/me/servers?x=1"));
    assert!(page.body.contains(TIME) && page.body.contains(GIT), "{}", page.body);
    // Only what the person may use.
    let mut bob = signed_in(&gateway, "bob").await;
    let page = bob.get(&at("/me/servers")).await;
    assert!(page.body.contains(TIME) && !page.body.contains(GIT), "{}", page.body);
}

/// A sign-in at the login provider, and one that the policy refuses.
#[tokio::test]
async fn a_sign_in_at_the_provider_is_bound_to_its_browser() {
    let gateway = Gateway::start();
    let mut browser = gateway.browser();
    let page = browser.get(&at("/sign-in?return_to=%2Fme%2Ftokens")).await;
    let (csrf, return_to) = (page.hidden("csrf"), page.hidden("return_to"));
    let form = [("csrf", &*csrf), ("return_to", &*return_to), ("provider", "github")];
    let leaving = browser.post(&page.url, &form).await;
    let callback = browser.follow(leaving, &format!("{ISSUER}/callback")).await;
    // Somebody else cannot finish it: the person would be signed in as another one.
    let mut other = gateway.browser();
    assert_eq!(other.get(&callback).await.status, 400);
    let done = browser.get(&callback).await;
    assert_eq!(done.next().unwrap().path(), "/me/tokens", "{done:?}");
    assert!(browser.get(&at("/me")).await.body.contains("octocat"));
}

#[tokio::test]
async fn a_wrong_login_code_signs_nobody_in() {
    let gateway = Gateway::start();
    let mut browser = gateway.browser();
    for tries in 1..=6 {
        let page = browser.get(&at("/sign-in")).await;
        let csrf = page.hidden("csrf");
        let form = [("csrf", &*csrf), ("login_code", "AAAA-AAAA-AAAA-AAAA")];
        let answer = browser.post(&page.url, &form).await;
        assert_eq!(answer.status, if tries < 5 { 400 } else { 403 }, "{tries}: {answer:?}");
    }
    assert_eq!(browser.get(&at("/me")).await.status, 303);
}

/// A connection is seen with its client, and ends at the next request.
#[tokio::test]
async fn a_disconnected_client_is_out_at_once_and_asks_again() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = signed_in(&gateway, "alice").await;
    assert!(browser.get(&at("/me")).await.body.contains("Nothing is connected"));
    let token = web_tokens(&gateway, &mut browser, &app, TIME).await;
    gateway.clock.advance(1);
    let other = web_tokens(&gateway, &mut browser, &app, GIT).await;
    // Allowed before: no question.
    assert!(code(&browser.get(&crate::session::url(&app, &[])).await).is_some());
    let page = browser.get(&at("/me")).await;
    assert!(page.body.contains("Web") && page.body.contains("not verified"), "{}", page.body);
    let newest = first(&page);
    let done = submit(&mut browser, &newest, &[("of", "grant")]).await;
    assert_eq!(done.status, 303, "{done:?}");
    let page = browser.get(&done.next().unwrap()).await;
    assert!(page.body.contains("Web is disconnected."), "{}", page.body);
    assert_eq!(gateway.verify(GIT, &other).await.error(), (401, "invalid_token"));
    assert_eq!(gateway.verify(TIME, &token).await.status, 200);
    // It has to ask again, for every server.
    assert!(code(&browser.get(&crate::session::url(&app, &[])).await).is_none());
    // The same page again: it is gone.
    assert_eq!(browser.get(&at(&newest)).await.status, 404);
    let rest = first(&browser.get(&at("/me")).await);
    submit(&mut browser, &rest, &[("of", "client")]).await;
    assert_eq!(gateway.verify(TIME, &token).await.error(), (401, "invalid_token"));
}

/// All connections end; tokens of scripts and sign-ins stay.
#[tokio::test]
async fn all_connections_end_together() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = signed_in(&gateway, "alice").await;
    let token = web_tokens(&gateway, &mut browser, &app, TIME).await;
    let other = web_tokens(&gateway, &mut browser, &app, GIT).await;
    let script = gateway.cli(&["token", "mint", "--user", "alice", "--server", "time"]).unwrap();
    let bob = gateway.tokens(&gateway.app().await, "bob", TIME).await.text("access_token");
    let done = submit(&mut browser, "/me/disconnect-all", &[]).await;
    let page = browser.get(&done.next().unwrap()).await;
    assert!(page.body.contains("2 connections are disconnected."), "{}", page.body);
    for (server, token) in [(TIME, &token), (GIT, &other)] {
        assert_eq!(gateway.verify(server, token).await.status, 401);
    }
    assert_eq!(gateway.verify(TIME, &script).await.status, 200);
    assert_eq!(gateway.verify(TIME, &bob).await.status, 200);
}

/// What belongs to somebody else does not exist.
#[tokio::test]
async fn ids_of_others_are_not_found() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut alice = signed_in(&gateway, "alice").await;
    let token = web_tokens(&gateway, &mut alice, &app, TIME).await;
    let path = first(&alice.get(&at("/me")).await);
    let mut bob = signed_in(&gateway, "bob").await;
    assert!(bob.get(&at("/me")).await.body.contains("Nothing is connected"));
    let csrf = bob.get(&at("/me/disconnect-all")).await.hidden("csrf");
    let sign_ins = alice.get(&at("/me/sign-ins")).await;
    assert!(sign_ins.body.contains("this browser"));
    let keys = gateway.keys();
    let session = keys.iter().find_map(|key| key.strip_prefix("mcpgw:session:")).unwrap();
    let mut answers = vec![bob.get(&at(&path)).await.status.as_u16()];
    for (path, form) in [
        (path.as_str(), vec![("csrf", csrf.as_str()), ("of", "client")]),
        (path.as_str(), vec![("csrf", csrf.as_str())]),
        (&format!("/me/sign-ins/{session}x/end"), vec![("csrf", csrf.as_str())]),
    ] {
        answers.push(bob.post(&at(path), &form).await.status.as_u16());
    }
    assert_eq!(answers, [404; 4]);
    assert_eq!(gateway.verify(TIME, &token).await.status, 200);
    assert_eq!(alice.get(&at("/me")).await.status, 200);
}

/// Each form needs the value of its own sign-in, and the origin of this server.
#[tokio::test]
async fn a_form_of_another_page_does_nothing() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = signed_in(&gateway, "alice").await;
    let token = web_tokens(&gateway, &mut browser, &app, TIME).await;
    let grant = first(&browser.get(&at("/me")).await);
    let csrf = browser.get(&at("/me/disconnect-all")).await.hidden("csrf");
    let foreign = signed_in(&gateway, "bob").await.get(&at("/me/disconnect-all")).await;
    let foreign = foreign.hidden("csrf");
    let forms =
        [&*grant, "/me/disconnect-all", "/me/sign-out-everywhere", "/me/tokens/new", "/sign-out"];
    for path in forms {
        for wrong in ["", "x", &foreign] {
            let answer = browser.post(&at(path), &[("csrf", wrong)]).await;
            assert_eq!(answer.status, 400, "{path} {wrong}: {answer:?}");
        }
        for site in ["same-site", "cross-site", "none-such"] {
            browser.set_header("Sec-Fetch-Site", site);
            let answer = browser.post(&at(path), &[("csrf", &csrf)]).await;
            assert_eq!(answer.status, 400, "{path} from {site}: {answer:?}");
        }
        browser.set_header("Sec-Fetch-Site", "");
        for origin in ["https://time.gw.example", "null", "https://auth.gw.example:444"] {
            browser.set_header("Origin", origin);
            let answer = browser.post(&at(path), &[("csrf", &csrf)]).await;
            assert_eq!(answer.status, 400, "{path} of {origin}: {answer:?}");
        }
        browser.set_header("Origin", "");
        browser.set_header("Sec-Fetch-Site", "none");
    }
    assert_eq!(gateway.verify(TIME, &token).await.status, 200);
    // With `Origin` alone, as browsers without Fetch Metadata send it.
    browser.set_header("Sec-Fetch-Site", "");
    browser.set_header("Origin", "https://auth.gw.example");
    assert_eq!(browser.post(&at("/me/disconnect-all"), &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(gateway.verify(TIME, &token).await.status, 401);
}

/// No link puts words on a page.
#[tokio::test]
async fn a_notice_is_shown_to_whom_it_was_made_for() {
    let gateway = Gateway::start();
    let mut browser = signed_in(&gateway, "alice").await;
    for query in ["done=disconnected&what=Evil", "done=disconnected&what=Evil&tag=x"] {
        let page = browser.get(&at(&format!("/me?{query}"))).await;
        assert!(page.status == 200 && !page.body.contains("Evil"), "{}", page.body);
    }
}

/// Sign-ins are seen and ended, one or all; sign-out ends that of the browser.
#[tokio::test]
async fn sign_ins_end_one_by_one_or_together() {
    let gateway = Gateway::start();
    let mut first = signed_in(&gateway, "alice").await;
    let mut second = signed_in(&gateway, "alice").await;
    let page = second.get(&at("/me/sign-ins")).await;
    let end = page.body.split("action=\"/me/sign-ins/").nth(1).unwrap().split('"').next().unwrap();
    let (path, csrf) = (format!("/me/sign-ins/{end}"), page.hidden("csrf"));
    assert_eq!(second.post(&at(&path), &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(first.get(&at("/me")).await.status, 303);
    assert_eq!(second.get(&at("/me")).await.status, 200);
    let mut third = signed_in(&gateway, "alice").await;
    let done = submit(&mut third, "/me/sign-out-everywhere", &[]).await;
    assert_eq!(done.next().unwrap().path(), "/sign-in");
    for browser in [&mut second, &mut third] {
        assert_eq!(browser.get(&at("/me")).await.status, 303);
    }
    let mut fourth = signed_in(&gateway, "alice").await;
    let csrf = fourth.get(&at("/me")).await.hidden("csrf");
    let cookies = fourth.cookies.clone();
    assert_eq!(fourth.post(&at("/sign-out"), &[("csrf", &csrf)]).await.status, 303);
    // The cookie of a thief is worth nothing, either.
    fourth.cookies = cookies;
    assert_eq!(fourth.get(&at("/me")).await.status, 303);
}

/// A new sign-in replaces the one of the browser, whose cookie could be known.
#[tokio::test]
async fn a_new_sign_in_ends_the_one_before_in_this_browser() {
    let gateway = Gateway::start();
    let mut browser = signed_in(&gateway, "alice").await;
    let before = browser.cookies.clone();
    let page = browser.get(&at("/sign-in")).await;
    let (csrf, code) = (page.hidden("csrf"), gateway.login_code("alice").await);
    browser.post(&page.url, &[("csrf", &*csrf), ("login_code", &*code)]).await;
    assert_eq!(browser.get(&at("/me")).await.status, 200);
    browser.cookies = before;
    assert_eq!(browser.get(&at("/me")).await.status, 303);
}

/// Where servers share the origin of the pages, there are none.
#[tokio::test]
async fn there_are_no_pages_with_one_name_for_all_servers() {
    let gateway = Gateway::with(&[("SERVER_URLS", "path")]);
    let browser = Browser::new(gateway.http.clone());
    let mut browser = browser.reach("gw.example", &gateway.base);
    for path in ["/me", "/me/tokens", "/admin", "/sign-in"] {
        let url = Url::parse(&format!("https://gw.example{path}")).unwrap();
        assert_eq!(browser.get(&url).await.status, 404, "{path}");
    }
}
