//! The pages of administrators.

use gateway_tests::browser::Browser;
use serde_json::json;

use crate::{
    account::{at, sign_in, signed_in, submit},
    support::{Gateway, TIME},
};

fn gateway() -> Gateway {
    Gateway::with(&[("ADMIN_USERS", "local:root, local:carl")])
}

async fn administrator(gateway: &Gateway) -> Browser {
    signed_in(gateway, "root").await
}

/// Nobody else sees that there are such pages.
#[tokio::test]
async fn the_pages_of_administrators_are_for_nobody_else() {
    let gateway = gateway();
    let mut alice = signed_in(&gateway, "alice").await;
    let csrf = alice.get(&at("/me")).await.hidden("csrf");
    for path in [
        "/admin",
        "/admin/people",
        "/admin/people/local:root",
        "/admin/people/local:root/block",
        "/admin/clients",
        "/admin/grants",
        "/admin/servers",
        "/admin/audit",
    ] {
        assert_eq!(alice.get(&at(path)).await.status, 404, "{path}");
        let answer = alice.post(&at(path), &[("csrf", &csrf)]).await;
        assert!([404, 405].contains(&answer.status.as_u16()), "{path}: {answer:?}");
    }
    assert!(!alice.get(&at("/me")).await.body.contains("/admin"));
    let mut root = administrator(&gateway).await;
    for path in ["/admin", "/admin/people", "/admin/clients", "/admin/grants", "/admin/servers"] {
        assert_eq!(root.get(&at(path)).await.status, 200, "{path}");
    }
}

/// A blocked person is out at once, stays out, and comes back when unblocked.
#[tokio::test]
async fn a_blocked_person_is_out_until_unblocked() {
    let gateway = gateway();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let script = gateway.cli(&["token", "mint", "--user", "alice", "--server", "time"]).unwrap();
    let mut alice = signed_in(&gateway, "alice").await;
    let mut root = administrator(&gateway).await;
    let page = root.get(&at("/admin/people")).await;
    assert!(page.body.contains("/admin/people/local%3Aalice"), "{}", page.body);
    let question = root.get(&at("/admin/people/local%3Aalice/block")).await;
    assert!(
        question.body.contains("2 grants") && question.body.contains("2 sign-ins"),
        "{}",
        question.body
    );
    let done = submit(&mut root, "/admin/people/local%3Aalice/block", &[]).await;
    let page = root.get(&done.next().unwrap()).await;
    assert!(page.body.contains("alice is blocked."), "{}", page.body);
    for token in [&tokens.text("access_token"), &script] {
        assert_eq!(gateway.verify(TIME, token).await.status, 401);
    }
    let refreshed = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refreshed.error(), (400, "invalid_grant"));
    assert_eq!(alice.get(&at("/me")).await.status, 303);
    // Neither a login for a client nor a sign-in succeeds.
    let page = alice.get(&app.authorize_url(&gateway_tests::pkce::pair().1, &[])).await;
    let refused = alice.decide(&page, "local", &gateway.login_code("alice").await).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    let page = alice.get(&at("/sign-in")).await;
    let (csrf, code) = (page.hidden("csrf"), gateway.login_code("alice").await);
    let refused = alice.post(&page.url, &[("csrf", &*csrf), ("login_code", &*code)]).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(gateway.cli(&["token", "mint", "--user", "alice", "--server", "time"]).is_err());
    submit(&mut root, "/admin/people/local%3Aalice/unblock", &[]).await;
    let again = alice.post(&page.url, &[("csrf", &*csrf), ("login_code", &*code)]).await;
    assert_eq!(again.status, 303, "{again:?}");
    assert_eq!(gateway.verify(TIME, &script).await.status, 401);
}

/// One administrator always remains.
#[tokio::test]
async fn the_last_administrator_cannot_be_blocked() {
    let gateway = gateway();
    let (mut root, mut carl) = (administrator(&gateway).await, signed_in(&gateway, "carl").await);
    let block = |name: &str| format!("/admin/people/local%3A{name}/block");
    assert_eq!(submit(&mut root, &block("root"), &[]).await.status, 409);
    // Whoever was blocked first is led to the sign-in, or finds no such page.
    let blocks = async |browser: &mut Browser, path: String| {
        let page = browser.get(&at(&path)).await;
        let Some(csrf) = page.find_hidden("csrf") else { return false };
        let next = browser.post(&at(&path), &[("csrf", &*csrf)]).await.next();
        next.is_some_and(|next| next.path().starts_with("/admin/"))
    };
    let (of_root, of_carl) =
        tokio::join!(blocks(&mut root, block("carl")), blocks(&mut carl, block("root")));
    assert_ne!(of_root, of_carl, "exactly one is blocked");
    let blocked = gateway.redis.cli(&["ZRANGE", "mcpgw:blocked-people", "0", "-1"]);
    assert_eq!(blocked.lines().filter(|line| !line.is_empty()).count(), 1, "{blocked}");
}

/// A refused client is out at once, and asks for nothing until it is readmitted.
#[tokio::test]
async fn a_refused_client_is_out_until_readmitted() {
    let gateway = gateway();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let mut root = administrator(&gateway).await;
    let page = root.get(&at("/admin/clients")).await;
    assert!(page.body.contains("Test App"), "{}", page.body);
    let path = format!("/admin/client/refuse?id={}", app.id);
    assert!(root.get(&at(&path)).await.body.contains("1 grant of 1 person"));
    assert_eq!(submit(&mut root, &path, &[]).await.status, 303);
    assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 401);
    let refreshed = gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refreshed.error(), (400, "unauthorized_client"));
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&gateway_tests::pkce::pair().1, &[])).await;
    assert_eq!(page.status, 400, "{page:?}");
    let device = gateway.post("/device_authorization", &[("client_id", &app.id)]).await;
    assert_eq!(device.error(), (400, "unauthorized_client"));
    assert!(root.get(&at("/admin/clients")).await.body.contains(&app.id));
    let path = format!("/admin/client/readmit?id={}", app.id);
    assert_eq!(submit(&mut root, &path, &[]).await.status, 303);
    gateway.tokens(&app, "alice", TIME).await;
}

/// An act that hits many needs the name, and says how many.
#[tokio::test]
async fn an_act_that_hits_many_is_confirmed_by_name() {
    let gateway = gateway();
    let app = gateway.app().await;
    let mut tokens = Vec::new();
    for number in 0..11 {
        let name = format!("person{number}");
        tokens.push(gateway.tokens(&app, &name, TIME).await.text("access_token"));
    }
    let mut root = administrator(&gateway).await;
    let path = format!("/admin/client/revoke?id={}", app.id);
    assert!(root.get(&at(&path)).await.body.contains("11 grants of 11 people"));
    for wrong in ["", "test app"] {
        assert_eq!(submit(&mut root, &path, &[("name", wrong)]).await.status, 400);
    }
    assert_eq!(gateway.verify(TIME, &tokens[0]).await.status, 200);
    assert_eq!(submit(&mut root, &path, &[("name", "Test App")]).await.status, 303);
    for token in &tokens {
        assert_eq!(gateway.verify(TIME, token).await.status, 401);
    }
}

/// Who left the browser open cannot act with it, only look.
#[tokio::test]
async fn acts_need_a_fresh_sign_in() {
    let gateway = gateway();
    gateway.tokens(&gateway.app().await, "alice", TIME).await;
    let mut root = administrator(&gateway).await;
    let path = "/admin/people/local%3Aalice/sign-out";
    let csrf = root.get(&at(path)).await.hidden("csrf");
    gateway.clock.advance(600);
    assert_eq!(root.get(&at("/admin/people")).await.status, 200);
    let answer = root.post(&at(path), &[("csrf", &csrf)]).await;
    assert_eq!(answer.next().unwrap().path(), "/sign-in");
    assert_eq!(crate::support::grants(&gateway).await.len(), 1);
    sign_in(&gateway, &mut root, "root", path).await;
    assert_eq!(submit(&mut root, path, &[]).await.status, 303);
    assert!(crate::support::grants(&gateway).await.is_empty());
}

/// People and grants are found by name, client and server, page by page.
#[tokio::test]
async fn lists_are_searched_and_read_page_by_page() {
    let gateway = gateway();
    let app = gateway.app().await;
    for number in 0..52 {
        gateway.clock.advance(1);
        gateway.tokens(&app, &format!("person{number}"), TIME).await;
    }
    let mut root = administrator(&gateway).await;
    for list in ["/admin/people", "/admin/grants"] {
        let first = root.get(&at(list)).await;
        assert_eq!(first.body.matches("<th scope=\"row\">").count(), 50, "{list}");
        let next = first.body.split(&format!("href=\"{list}?")).nth(1).unwrap();
        let next = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
        let second = root.get(&at(&format!("{list}?{next}"))).await;
        let rest = second.body.matches("<th scope=\"row\">").count();
        assert!((2..=3).contains(&rest), "{list}: {rest}");
    }
    let found = |query: &str| format!("/admin/grants?{query}");
    for (query, count) in [
        ("user=person7".to_owned(), 1),
        ("user=local%3Aperson7".to_owned(), 1),
        ("user=nobody".to_owned(), 0),
        (format!("client={}&user=person7&server=time", app.id), 1),
        ("server=git".to_owned(), 0),
        ("server=none-such".to_owned(), 0),
    ] {
        let page = root.get(&at(&found(&query))).await;
        assert_eq!(page.body.matches("<th scope=\"row\">").count(), count, "{query}");
    }
    let page = root.get(&at("/admin/people?q=person7")).await;
    assert_eq!(page.body.matches("<th scope=\"row\">").count(), 1);
    let page = root.get(&at("/admin/people/local%3Aperson7")).await;
    let revoke = page.body.split("/admin/grants/").nth(1).unwrap().split('"').next().unwrap();
    let path = format!("/admin/grants/{revoke}");
    assert_eq!(submit(&mut root, &path, &[]).await.status, 303);
    assert_eq!(root.get(&at(&path)).await.status, 404);
}

/// The name of another person does not lead to somebody's grants.
#[tokio::test]
async fn a_login_name_that_looks_like_a_subject_shows_nobody_else() {
    let gateway = gateway();
    let store = auth_service::store::Store::open(&gateway.config.redis).unwrap();
    let id = "grant-of-a-liar";
    let user = json!({ "subject": "okta:1", "name": "local:alice" });
    let grant = json!({
        "id": id, "user": user, "client_id": "c", "client_name": "Liar", "resources": [TIME],
        "scopes": "mcp", "created_at": gateway.config_now(), "expires_at": gateway.config_now() + 900,
    });
    let grant = serde_json::from_value(grant).unwrap();
    store
        .grants
        .put_grant(&grant, auth_service::model::UnixTime(gateway.config_now()), None)
        .await
        .unwrap();
    let mut alice = signed_in(&gateway, "alice").await;
    assert!(!alice.get(&at("/me")).await.body.contains("Liar"));
}
