//! The access of people follows what their providers say: at refreshes, on a schedule, and when they log out.

use std::sync::{Arc, Mutex};

use gateway_tests::{browser::Browser, openid::OpenIdProvider, pkce, port::free_address};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    people::{WithProviders, until},
    support::{App, CALLBACK, Gateway, ISSUER, TIME, grants, query},
};

const STAFF: &str = r#"
[login]
allow = ["group:a:staff", "group:b:staff"]
[[rule]]
who = ["*"]
servers = ["*"]
"#;

/// Facts that are checked every ten seconds, so that a clock that is some seconds ahead of the provider's is enough.
const SOON: [(&str, &str); 2] = [("FACTS_CHECK_INTERVAL", "10"), ("FACTS_GRACE", "10")];

#[tokio::test]
async fn who_leaves_a_group_is_out_at_the_next_refresh() {
    let all = WithProviders::start(STAFF, &SOON);
    all.a.add("alice", &["staff"]).await;
    let app = all.gateway.app().await;
    let tokens = all.tokens(&app, ("a", "alice"), TIME).await;
    all.a.add("alice", &["former"]).await;
    // Not asked again yet.
    let fresh = all.gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(fresh.status, 200, "{fresh:?}");
    all.gateway.clock.advance(11);
    let refused = all.gateway.refresh(&app, &fresh.text("refresh_token")).await;
    assert_eq!(refused.error(), (400, "invalid_grant"));
    for token in [&tokens, &fresh] {
        assert_eq!(all.status(&token.text("access_token")).await, 401);
    }
}

#[tokio::test]
async fn who_is_active_is_checked_on_a_schedule() {
    let all = WithProviders::start(STAFF, &SOON);
    for person in ["alice", "bob"] {
        all.a.add(person, &["staff"]).await;
    }
    let app = all.gateway.app().await;
    let alice = all.tokens(&app, ("a", "alice"), TIME).await.text("access_token");
    let bob = all.tokens(&app, ("a", "bob"), TIME).await.text("access_token");
    all.a.add("alice", &[]).await;
    assert_eq!(all.status(&alice).await, 200);
    all.gateway.clock.advance(11);
    // The schedule is looked at every half second.
    until("alice is out", async || all.status(&alice).await == 401).await;
    assert_eq!(all.status(&bob).await, 200);
}

/// The name in grants and facts follows the one at the provider.
#[tokio::test]
async fn a_rename_at_the_provider_is_followed() {
    let all = WithProviders::start(STAFF, &SOON);
    all.a.add("bob", &["staff"]).await;
    let app = all.gateway.app().await;
    let tokens = all.tokens(&app, ("a", "bob"), TIME).await;
    let renamed = json!({ "preferred_username": "robert", "groups": ["staff"] });
    all.a.set_person("bob", &renamed).await;
    all.gateway.clock.advance(11);
    let fresh = all.gateway.refresh(&app, &tokens.text("refresh_token")).await;
    let identity = all.gateway.verify(TIME, &fresh.text("access_token")).await;
    assert_eq!(identity.headers["x-user-name"], "robert");
    assert_eq!(identity.headers["x-user-id"], "a:bob");
    assert_eq!(grants(&all.gateway).await[0].grant.user.name, "robert");
}

#[tokio::test]
async fn a_deleted_account_ends_all_access() {
    let all = WithProviders::start(STAFF, &SOON);
    all.a.add("alice", &["staff"]).await;
    let app = all.gateway.app().await;
    let tokens = all.tokens(&app, ("a", "alice"), TIME).await;
    all.a.remove("alice").await;
    all.gateway.clock.advance(11);
    let refused = all.gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(refused.error(), (400, "invalid_grant"));
    assert_eq!(all.status(&tokens.text("access_token")).await, 401);
    let keys = all.gateway.redis.cli(&["KEYS", "mcpgw:*"]);
    for kind in ["facts:", "provider-token:"] {
        assert!(!keys.contains(kind), "{keys}");
    }
}

/// While a provider is silent, facts stay in force for the grace period, and nobody is logged out by it.
#[tokio::test]
async fn a_silent_provider_throws_nobody_out() {
    let mut all = WithProviders::start(STAFF, &SOON);
    all.a.add("alice", &["staff"]).await;
    let app = all.gateway.app().await;
    let tokens = all.tokens(&app, ("a", "alice"), TIME).await;
    let token = tokens.text("access_token");
    assert_eq!(all.status(&token).await, 200);
    let other = OpenIdProvider::start(&json!({ "redirect": format!("{ISSUER}/callback/x") }));
    drop(std::mem::replace(&mut all.a, other));
    all.gateway.clock.advance(19);
    assert_eq!(all.status(&token).await, 200, "within the interval and the grace period");
    let fresh = all.gateway.refresh(&app, &tokens.text("refresh_token")).await;
    assert_eq!(fresh.status, 200, "{fresh:?}");
    all.gateway.clock.advance(2);
    let silent = all.gateway.verify(TIME, &token).await;
    assert_eq!(silent.status, 503, "{silent:?}");
    assert!(silent.headers.contains_key("retry-after"));
    let silent = all.gateway.refresh(&app, &fresh.text("refresh_token")).await;
    assert_eq!(silent.error(), (503, "temporarily_unavailable"));
    // Nothing was ended.
    let grants = grants(&all.gateway).await;
    assert_eq!(grants.len(), 1);
}

/// The bytes of the requests that were passed on.
type Recorded = Arc<Mutex<Vec<u8>>>;

/// Passes connections to `port` on to the address of `gateway`, which the provider must know before the gateway runs.
fn pass_on(port: u16, gateway: &Gateway) -> Recorded {
    let recorded = Recorded::default();
    let shared = Arc::clone(&recorded);
    let target = gateway.base.trim_start_matches("http://").to_owned();
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let to = tokio::net::TcpStream::connect(&target).await.unwrap();
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let (mut from_read, mut from_write) = from.split();
                let (mut to_read, mut to_write) = to.into_split();
                let there = async {
                    let mut buffer = [0; 4096];
                    loop {
                        let count = from_read.read(&mut buffer).await.unwrap_or(0);
                        if count == 0 {
                            return;
                        }
                        shared.lock().unwrap().extend_from_slice(&buffer[..count]);
                        to_write.write_all(&buffer[..count]).await.unwrap();
                    }
                };
                tokio::join!(there, tokio::io::copy(&mut to_read, &mut from_write)).1
            });
        }
    });
    recorded
}

/// Starts a gateway whose provider `a` sends logout tokens.
fn with_logout() -> (WithProviders, Recorded) {
    let port = free_address().port();
    let all = WithProviders::start_with(STAFF, &[], |options| {
        options["logout"] = json!(format!("http://127.0.0.1:{port}/backchannel-logout/a"));
    });
    let recorded = pass_on(port, &all.gateway);
    (all, recorded)
}

/// A logout that names a session ends the logins of that session here, and has the person checked: the access of
/// agents goes on if the account does (Back-Channel Logout §2.7).
#[tokio::test]
async fn a_logout_at_the_provider_ends_the_logins_of_that_session() {
    let (all, _) = with_logout();
    all.a.add("alice", &["staff"]).await;
    let app = all.gateway.app().await;
    let LoggedIn { mut browser, mut at_a, token } = log_in(&all, &app).await;
    let logged_in = async |browser: &mut Browser| {
        let url = app.authorize_url(&pkce::pair().1, &[("prompt", "consent")]);
        browser.get(&url).await.body.contains("as alice")
    };
    assert!(logged_in(&mut browser).await);
    all.a.log_out(&mut at_a).await;
    until("the login ends", async || {
        let sessions = all.gateway.redis.cli(&["KEYS", "mcpgw:session:*"]);
        sessions.trim().is_empty()
    })
    .await;
    assert!(!logged_in(&mut browser).await);
    assert_eq!(all.status(&token).await, 200, "the account is there");
}

/// A person whose account is gone when the provider announces their logout is out at once.
#[tokio::test]
async fn a_logout_of_somebody_who_left_ends_all_at_once() {
    let (all, recorded) = with_logout();
    all.a.add("alice", &["staff"]).await;
    let app = all.gateway.app().await;
    let LoggedIn { mut at_a, token, .. } = log_in(&all, &app).await;
    assert_eq!(all.status(&token).await, 200);
    all.a.add("alice", &["former"]).await;
    all.a.log_out(&mut at_a).await;
    until("alice is out", async || all.status(&token).await == 401).await;
    // A logout token works once, also for somebody who has read it on the way.
    let request = String::from_utf8(recorded.lock().unwrap().clone()).unwrap();
    let body = request.rsplit("\r\n\r\n").next().unwrap().to_owned();
    assert!(body.starts_with("logout_token="), "{request}");
    let form = "application/x-www-form-urlencoded";
    let replay = all.gateway.http.post(format!("{}/backchannel-logout/a", all.gateway.base));
    let replay = replay.header("Content-Type", form).body(body.clone()).send().await.unwrap();
    assert_eq!(replay.status(), 400);
    // Nor is it one of another provider.
    let other = all.gateway.http.post(format!("{}/backchannel-logout/b", all.gateway.base));
    let other = other.header("Content-Type", form).body(body).send().await.unwrap();
    assert_eq!(other.status(), 400);
}

/// What is not a logout token of the provider ends nothing.
#[tokio::test]
async fn a_bad_logout_token_ends_nothing() {
    let all = WithProviders::start(STAFF, &[]);
    all.a.add("alice", &["staff"]).await;
    let app = all.gateway.app().await;
    let tokens = all.tokens(&app, ("a", "alice"), TIME).await;
    let url = format!("{}/backchannel-logout/a", all.gateway.base);
    for body in ["logout_token=x", "", "logout_token=", "other=1", "logout_token=a.b.c"] {
        let form = "application/x-www-form-urlencoded";
        let request = all.gateway.http.post(&url).header("Content-Type", form).body(body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    let unknown = all.gateway.post("/backchannel-logout/nobody", &[("logout_token", "x")]).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(all.status(&tokens.text("access_token")).await, 200);
}

/// A login of alice at the provider `a`, with the sessions of her browser.
struct LoggedIn {
    /// At the gateway.
    browser: Browser,
    /// At the provider.
    at_a: Browser,
    token: String,
}

async fn log_in(all: &WithProviders, app: &App) -> LoggedIn {
    let (mut browser, page, verifier) = all.page(app, TIME).await;
    let sent = browser.decide(&page, "login:a", "").await.next().unwrap();
    let mut at_a = all.a.browser();
    let back = all.a.log_in(&mut at_a, sent.as_str(), "alice").await;
    let page = browser.get(&back).await;
    let answer = query(&browser.follow(page, CALLBACK).await);
    let token = all.gateway.redeem(app, &answer["code"], &verifier).await.text("access_token");
    LoggedIn { browser, at_a, token }
}
