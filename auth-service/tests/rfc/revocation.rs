//! What leads to a grant without being asked for anew ends with the grants.

use std::time::Duration;

use auth_service::{
    model::{ClientId, Clock, ResourceUri, UnixTime},
    store::{Ended, Selection, Store},
};

use crate::{
    s6_reader::hash_of,
    session::{code, log_in, named_app, url, web_app},
    support::{App, CALLBACK, GIT, Gateway, TIME, query},
};

async fn revoke(gateway: &Gateway, what: &Selection) -> Ended {
    let store = Store::open(&gateway.config.redis).unwrap();
    store.maintenance.revoke(what, gateway.clock.now(), None).await.unwrap()
}

fn user(name: &str) -> Selection {
    Selection::User(name.to_owned())
}

fn client(app: &App) -> Selection {
    Selection::Client(ClientId::parsed(&app.id))
}

fn server(resource: &str) -> Selection {
    Selection::Server(ResourceUri::parse(resource).unwrap())
}

fn everything_until_now(gateway: &Gateway) -> Selection {
    Selection::Before(UnixTime(gateway.clock.now().0 + 1))
}

/// A code is an answer that nobody has come for.
#[tokio::test]
async fn a_code_is_revoked() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for (what, ends) in [
        (user("alice"), true),
        (client(&app), true),
        (server(TIME), true),
        (everything_until_now(&gateway), true),
        (Selection::All, true),
        (user("bob"), false),
        (server(GIT), false),
    ] {
        let (answer, verifier) = gateway.consent(&app, "alice", &[]).await;
        revoke(&gateway, &what).await;
        let redeemed = gateway.redeem(&app, &answer["code"], &verifier).await;
        let expected = if ends { (400, "invalid_grant") } else { (200, "") };
        assert_eq!(redeemed.error(), expected, "{what:?}");
    }
}

/// Nobody is let through without a page by what they allowed before.
#[tokio::test]
async fn what_a_person_allowed_is_forgotten() {
    let gateway = Gateway::start();
    let (app, other) = (web_app(&gateway).await, named_app(&gateway, "Another").await);
    let mut browser = gateway.browser();
    for (what, ends) in [
        (user("alice"), true),
        (client(&app), true),
        (server(TIME), true),
        (everything_until_now(&gateway), true),
        (Selection::All, true),
        (user("bob"), false),
        (client(&other), false),
        (server(GIT), false),
    ] {
        log_in(&gateway, &mut browser, &app).await;
        assert!(code(&browser.get(&url(&app, &[])).await).is_some());
        revoke(&gateway, &what).await;
        // The login may have ended, too; with another one only what was allowed is left.
        let elsewhere = browser.get(&url(&app, &[("resource", GIT), ("prompt", "login")])).await;
        let done = browser.decide(&elsewhere, "local", &gateway.login_code("alice").await).await;
        assert!(code(&done).is_some(), "{done:?}");
        let silent = code(&browser.get(&url(&app, &[])).await);
        assert_eq!(silent.is_none(), ends, "{what:?}");
        revoke(&gateway, &Selection::All).await;
    }
}

/// A person who is logged in has to log in again.
#[tokio::test]
async fn a_login_is_revoked() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    let mut browser = gateway.browser();
    for (what, ends) in [
        (user("alice"), true),
        (everything_until_now(&gateway), true),
        (Selection::All, true),
        (user("bob"), false),
        (client(&app), false),
    ] {
        log_in(&gateway, &mut browser, &app).await;
        revoke(&gateway, &what).await;
        let page = browser.get(&url(&app, &[("prompt", "consent")])).await;
        assert_eq!(page.status, 200);
        assert_eq!(!page.body.contains("Connect, as alice"), ends, "{what:?}");
        revoke(&gateway, &Selection::All).await;
    }
}

/// A code that the operator minted for a login is of no more use.
#[tokio::test]
async fn a_login_code_is_revoked() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    for (what, ends) in [(user("alice"), true), (Selection::All, true), (user("bob"), false)] {
        let login = gateway.login_code("alice").await;
        let ended = revoke(&gateway, &what).await;
        assert_eq!(ended, Ended { beside: usize::from(ends), ..Ended::default() }, "{what:?}");
        let mut browser = gateway.browser();
        let page = browser.get(&url(&app, &[])).await;
        let done = browser.decide(&page, "local", &login).await;
        assert_eq!(code(&done).is_none(), ends, "{what:?}");
    }
}

/// Who has allowed a client and is at GitHub comes back to nothing.
#[tokio::test]
async fn a_request_whose_person_is_at_github_is_revoked() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for (what, ends) in [
        (client(&app), true),
        (server(TIME), true),
        (everything_until_now(&gateway), true),
        (Selection::All, true),
        (server(GIT), false),
    ] {
        let mut browser = gateway.browser();
        let page = browser.get(&app.authorize_url(&gateway_tests::pkce::pair().1, &[])).await;
        let at_github = browser.decide(&page, "github", "").await.next().unwrap();
        revoke(&gateway, &what).await;
        let callback = browser.get(&at_github).await.next().unwrap();
        let back = browser.get(&callback).await;
        if ends {
            assert_eq!((back.status.as_u16(), back.next()), (400, None), "{what:?}");
        } else {
            let client = back.next().unwrap();
            assert!(client.as_str().starts_with(CALLBACK), "{client}");
            assert!(query(&client).contains_key("code"));
        }
    }
}

/// So does who is back while GitHub is still asked who it is: no code, no login, nothing remembered.
#[tokio::test]
async fn a_login_that_github_confirms_meanwhile_comes_to_nothing() {
    let gateway = Gateway::start();
    let app = web_app(&gateway).await;
    gateway.github.hesitate(Duration::from_millis(900));
    for what in
        [client(&app), server(TIME), everything_until_now(&gateway), Selection::All, user("bob")]
    {
        let mut browser = gateway.browser();
        let page = browser.get(&url(&app, &[])).await;
        let at_github = browser.decide(&page, "github", "").await.next().unwrap();
        let callback = browser.get(&at_github).await.next().unwrap();
        let revocation = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            revoke(&gateway, &what).await
        };
        let (back, _) = tokio::join!(browser.get(&callback), revocation);
        let ends = !matches!(what, Selection::User(_));
        assert_eq!(code(&back).is_none(), ends, "{what:?}: {back:?}");
        let again = browser.get(&callback).await;
        assert_eq!(again.next(), back.next(), "{what:?}");
        let page = browser.get(&url(&app, &[("resource", GIT)])).await;
        assert_eq!(page.body.contains("Connect, as octocat"), !ends, "{what:?}");
        // Logged in again, so that only what was allowed makes the difference.
        let back = browser.decide(&page, "github", "").await;
        browser.follow(back, "https://app.example/").await;
        let silent = code(&browser.get(&url(&app, &[])).await);
        assert_eq!(silent.is_none(), ends, "{what:?}");
        revoke(&gateway, &Selection::All).await;
    }
}

/// A record of a later version, or one that was damaged, keeps nothing else from ending, and opens nothing.
#[tokio::test]
async fn a_record_that_cannot_be_read_stops_nothing() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let tokens = gateway.tokens(&app, "alice", TIME).await;
    let damaged = gateway.tokens(&app, "alice", TIME).await;
    let id = crate::forger::parts(&damaged.text("access_token"))[1]["grant_id"].clone();
    gateway.redis.cli(&["SET", &format!("mcpgw:grant:{{{}}}", id.as_str().unwrap()), "{}"]);
    for kind in ["session", "device", "approval"] {
        let name = format!("{kind}:damaged");
        gateway.redis.cli(&["SET", &format!("mcpgw:{name}"), "?"]);
        let index = format!("mcpgw:others:user:{}", hash_of("local:alice"));
        gateway.redis.cli(&["ZADD", &index, "9999999999", &name]);
    }
    assert_eq!(crate::support::grants(&gateway).await.len(), 1, "the other is listed");
    let pair = Selection::UserAtClient("alice".into(), ClientId::parsed("another"));
    assert_eq!(revoke(&gateway, &pair).await.unreadable, 3, "of which client is not known");
    let refused = gateway.verify(TIME, &damaged.text("access_token")).await;
    assert_eq!(refused.error(), (401, "invalid_token"), "it may have been that one's");
    assert_eq!(gateway.verify(TIME, &tokens.text("access_token")).await.status, 200);
    let ended = revoke(&gateway, &user("alice")).await;
    assert_eq!((ended.grants, ended.unreadable), (2, 0));
    let refused = gateway.verify(TIME, &tokens.text("access_token")).await;
    assert_eq!(refused.error(), (401, "invalid_token"));
    assert_eq!(gateway.redis.cli(&["KEYS", "mcpgw:*:damaged"]).trim(), "");
}

/// `token revoke` says what it did, and fails only if that was nothing.
#[tokio::test]
async fn the_command_counts_what_ended() {
    let gateway = Gateway::start();
    gateway.cli(&["token", "list"]).unwrap();
    let app = web_app(&gateway).await;
    log_in(&gateway, &mut gateway.browser(), &app).await;
    // Its login, what she allowed, and the code.
    let said = gateway.cli(&["token", "revoke", "--yes", "--user", "alice"]).unwrap();
    assert_eq!(said, "0 revoked, and 3 logins, consents, codes and requests");
    let nothing = gateway.cli(&["token", "revoke", "--yes", "--user", "alice"]).unwrap_err();
    assert!(nothing.contains("nothing matched"), "{nothing}");
    gateway.tokens(&gateway.app().await, "bob", TIME).await;
    let said = gateway.cli(&["token", "revoke", "--yes", "--client", "unknown"]).unwrap_err();
    assert!(said.contains("nothing matched"), "{said}");
}
