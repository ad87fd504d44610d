//! Personal access tokens that people create themselves.

use gateway_tests::browser::{Browser, Page};

use crate::{
    account::{at, sign_in, signed_in, submit},
    support::{GIT, Gateway, TIME},
};

fn form<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [("name", "Backup"), ("server", TIME), ("days", "30")];
    let is_given = |name| more.iter().any(|(other, _)| *other == name);
    let usual = usual.into_iter().filter(|(name, _)| !is_given(*name));
    usual.chain(more.iter().copied().filter(|(_, value)| !value.is_empty())).collect()
}

async fn create(browser: &mut Browser, more: &[(&str, &str)]) -> Page {
    let page = browser.get(&at("/me/tokens/new")).await;
    let (csrf, once) = (page.hidden("csrf"), page.hidden("once"));
    let fields = form(more);
    let form = [&[("csrf", csrf.as_str()), ("once", once.as_str())], &fields[..]].concat();
    browser.post(&at("/me/tokens/new"), &form).await
}

fn token(page: &Page) -> String {
    let from = page.body.split("class=\"copy\">").nth(1).unwrap_or_else(|| panic!("{}", page.body));
    from.split('<').next().unwrap().to_owned()
}

/// It opens its servers and no other, is listed, and ends when it is revoked.
#[tokio::test]
async fn a_person_creates_and_revokes_a_token() {
    let gateway = Gateway::start();
    let mut browser = signed_in(&gateway, "alice").await;
    let page = create(&mut browser, &[]).await;
    assert_eq!(
        (page.status.as_u16(), page.headers["cache-control"].to_str().unwrap()),
        (200, "no-store")
    );
    let token = token(&page);
    let admitted = gateway.verify(TIME, &token).await;
    assert_eq!((admitted.status, admitted.header("x-user-id")), (200, "local:alice"));
    assert_eq!(gateway.verify(GIT, &token).await.error(), (401, "invalid_token"));
    let list = browser.get(&at("/me/tokens")).await;
    assert!(list.body.contains("Backup") && !list.body.contains(&token), "{}", list.body);
    assert!(browser.get(&at("/me")).await.body.contains("Nothing is connected"));
    let path = list.body.split("href=\"/me/grants/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/me/grants/{path}");
    let done = submit(&mut browser, &path, &[]).await;
    assert_eq!(done.next().unwrap().path(), "/me/tokens");
    assert_eq!(gateway.verify(TIME, &token).await.error(), (401, "invalid_token"));
    gateway.clock.advance(30 * 86_400);
}

/// The form that created a token creates no other, and a token ends.
#[tokio::test]
async fn a_form_that_is_sent_twice_creates_one_token() {
    let gateway = Gateway::start();
    let mut browser = signed_in(&gateway, "alice").await;
    let page = browser.get(&at("/me/tokens/new")).await;
    let (csrf, once) = (page.hidden("csrf"), page.hidden("once"));
    let form = [&[("csrf", csrf.as_str()), ("once", once.as_str())], &form(&[])[..]].concat();
    let created = token(&browser.post(&page.url, &form).await);
    assert_eq!(browser.post(&page.url, &form).await.status, 400);
    assert_eq!(crate::support::grants(&gateway).await.len(), 1);
    gateway.clock.advance(30 * 86_400 - 1);
    assert_eq!(gateway.verify(TIME, &created).await.status, 200);
    gateway.clock.advance(1);
    assert_eq!(gateway.verify(TIME, &created).await.status, 401);
}

/// What cannot be is said, and what was entered is still there.
#[tokio::test]
async fn a_wish_that_cannot_be_fulfilled_creates_nothing() {
    let gateway = Gateway::start();
    let mut browser = signed_in(&gateway, "bob").await;
    let long = "x".repeat(61);
    for (wrong, status) in [
        ([("name", " ")], 400),
        ([("name", long.as_str())], 400),
        ([("name", "a\nb")], 400),
        ([("server", "")], 400),
        ([("server", "https://evil.example/mcp")], 400),
        ([("days", "31")], 400),
        ([("days", "")], 400),
        ([("server", GIT)], 403),
    ] {
        let page = create(&mut browser, &wrong).await;
        assert_eq!(page.status, status, "{wrong:?}: {}", page.body);
        assert!(page.body.contains("role=\"alert\"") && page.body.contains("name=\"once\""));
    }
    assert!(crate::support::grants(&gateway).await.is_empty());
}

/// A browser that was left open for more than ten minutes creates no tokens.
#[tokio::test]
async fn a_token_needs_a_fresh_sign_in() {
    let gateway = Gateway::start();
    let mut browser = signed_in(&gateway, "alice").await;
    let page = browser.get(&at("/me/tokens/new")).await;
    let (csrf, once) = (page.hidden("csrf"), page.hidden("once"));
    gateway.clock.advance(600);
    let form = [&[("csrf", csrf.as_str()), ("once", once.as_str())], &form(&[])[..]].concat();
    let stale = browser.post(&page.url, &form).await;
    let next = stale.next().unwrap();
    assert_eq!((next.path(), next.query().unwrap().contains("again=1")), ("/sign-in", true));
    assert!(crate::support::grants(&gateway).await.is_empty());
    assert_eq!(browser.get(&at("/me/tokens")).await.status, 200);
    sign_in(&gateway, &mut browser, "alice", "/me/tokens/new").await;
    assert_eq!(create(&mut browser, &[]).await.status, 200);
}

/// The operator decides how long tokens may last, and whether there are any.
#[tokio::test]
async fn the_operator_bounds_the_lifetime_of_tokens() {
    let gateway = Gateway::with(&[("PERSONAL_TOKEN_LIFETIME", "14d")]);
    let mut browser = signed_in(&gateway, "alice").await;
    assert_eq!(create(&mut browser, &[]).await.status, 400);
    assert_eq!(create(&mut browser, &[("days", "14")]).await.status, 200);
    let gateway = Gateway::with(&[("PERSONAL_TOKEN_LIFETIME", "0")]);
    let mut browser = signed_in(&gateway, "alice").await;
    assert!(!browser.get(&at("/me/tokens")).await.body.contains("/me/tokens/new"));
    assert_eq!(create(&mut browser, &[("days", "7")]).await.status, 400);
}
