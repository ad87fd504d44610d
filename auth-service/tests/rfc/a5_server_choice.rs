//! Clients that send no `resource`, as those of MCP 2025-03-26, where there are several servers.

use gateway_tests::{browser::Page, pkce};
use serde_json::json;

use crate::{
    rfc8628::Device,
    support::{App, CALLBACK, GIT, Gateway, ISSUER, TIME, query, redirected},
};

const METADATA: &str = "/.well-known/oauth-authorization-server";

/// The metadata on a server's own host lead to its own authorization endpoint, which knows the server.
#[tokio::test]
async fn a5_the_metadata_on_a_servers_host_keep_the_hint() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for (host, resource) in [("time.gw.example", TIME), ("git.gw.example", GIT)] {
        for path in [
            METADATA,
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/mcp",
        ] {
            let metadata = gateway.get(host, path).await;
            assert_eq!(
                metadata.text("authorization_endpoint"),
                format!("https://{host}/authorize")
            );
            assert_eq!(metadata.text("issuer"), ISSUER, "RFC 8414 §3.3");
            assert_eq!(metadata.text("token_endpoint"), format!("{ISSUER}/token"));
        }
        let (verifier, challenge) = pkce::pair();
        let mut url = app.authorize_url(&challenge, &[("resource", "")]);
        url.set_host(Some(host)).unwrap();
        let mut browser = gateway.browser().reach(host, &gateway.base);
        let sent = browser.get(&url).await;
        let page = browser.get(&sent.next().unwrap()).await;
        assert!(page.body.contains(resource), "{}", page.body);
        let done = browser.decide(&page, "local", &gateway.login_code("alice").await).await;
        let code = query(&browser.follow(done, CALLBACK).await)["code"].clone();
        let token = gateway.redeem(&app, &code, &verifier).await.text("access_token");
        assert_eq!(gateway.verify(resource, &token).await.status, 200);
    }
    for host in ["auth.gw.example", "AUTH.gw.example:443", "evil.example"] {
        let metadata = gateway.get(host, METADATA).await;
        assert_eq!(
            metadata.text("authorization_endpoint"),
            format!("{ISSUER}/authorize"),
            "{host}"
        );
    }
}

fn open_request(app: &App, challenge: &str, more: &[(&str, &str)]) -> url::Url {
    app.authorize_url(challenge, &[&[("resource", "")], more].concat())
}

/// The form of the page on which `resource` is chosen.
async fn choose(
    browser: &mut gateway_tests::browser::Browser,
    page: &Page,
    resource: &str,
) -> Page {
    let (flow, csrf) = (page.hidden("flow"), page.hidden("csrf"));
    let form = [("flow", &*flow), ("csrf", &*csrf), ("decision", "server"), ("server", resource)];
    browser.post(&page.url.join("/authorize/consent").unwrap(), &form).await
}

#[tokio::test]
async fn a5_the_person_chooses_the_server() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (verifier, challenge) = pkce::pair();
    let mut browser = gateway.browser();
    let page = browser.get(&open_request(&app, &challenge, &[("scope", "mcp unknown")])).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains(TIME) && page.body.contains(GIT), "{}", page.body);
    assert!(!page.body.contains("login_code"), "nothing is allowed before: {}", page.body);
    let consent = choose(&mut browser, &page, GIT).await;
    assert!(consent.body.contains(GIT) && !consent.body.contains(TIME), "{}", consent.body);
    let done = browser.decide(&consent, "local", &gateway.login_code("alice").await).await;
    let answer = query(&browser.follow(done, CALLBACK).await);
    assert_eq!((&*answer["iss"], &*answer["state"]), (ISSUER, "client state"));
    let tokens = gateway.redeem(&app, &answer["code"], &verifier).await;
    let token = tokens.text("access_token");
    assert_eq!(tokens.text("scope"), "mcp");
    assert_eq!(gateway.verify(GIT, &token).await.status, 200);
    assert_eq!(gateway.verify(TIME, &token).await.status, 401);
}

/// A form that allows without a choice, or chooses what is not there, leads to the choice again.
#[tokio::test]
async fn a5_nothing_is_allowed_without_a_choice() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let page = browser.get(&open_request(&app, &pkce::pair().1, &[])).await;
    let code = gateway.login_code("alice").await;
    for decision in ["local", "github", "allow"] {
        let again = browser.decide(&page, decision, &code).await;
        assert_eq!((again.status.as_u16(), again.next()), (200, None), "{decision}");
        assert!(again.body.contains("value=\"server\""), "{decision}: {}", again.body);
    }
    for server in ["https://evil.example/mcp", "time", "https://time.gw.example/other"] {
        let again = choose(&mut browser, &page, server).await;
        assert!(again.body.contains("value=\"server\""), "{server}: {}", again.body);
    }
    let denied = browser.decide(&page, "deny", "").await;
    assert_eq!(redirected(&denied)["error"], "access_denied");
    let consent = choose(&mut browser, &page, TIME).await;
    let changed = choose(&mut browser, &consent, GIT).await;
    assert!(changed.body.contains(TIME) && !changed.body.contains(GIT), "chosen once");
}

/// A person who is logged in chooses among what they may use; nobody is let in without the page.
#[tokio::test]
async fn a5_a_login_or_an_earlier_consent_chooses_nothing() {
    let gateway = Gateway::start();
    let metadata = json!({
        "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "none",
    });
    let app = App { id: gateway.register(metadata).await.text("client_id"), secret: None };
    let web = [("redirect_uri", "https://app.example/cb")];
    let mut browser = gateway.browser();
    let named = app.authorize_url(&pkce::pair().1, &web);
    let page = browser.get(&named).await;
    browser.decide(&page, "local", &gateway.login_code("bob").await).await;
    assert!(browser.get(&named).await.next().is_some(), "consented before");
    let open = browser.get(&open_request(&app, &pkce::pair().1, &web)).await;
    assert_eq!((open.status.as_u16(), open.next()), (200, None));
    assert!(open.body.contains(TIME) && !open.body.contains(GIT), "git is not for bob");
    let unseen = open_request(&app, &pkce::pair().1, &[web[0], ("prompt", "none")]);
    let refused = browser.get(&unseen).await.next().unwrap();
    assert_eq!(query(&refused)["error"], "consent_required");
}

/// One server needs no choice, and a wrong `resource` is none.
#[tokio::test]
async fn a5_a_choice_is_offered_only_where_there_is_one() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let wrong = app.authorize_url(&pkce::pair().1, &[("resource", "https://evil.example/mcp")]);
    let refused = gateway.browser().get(&wrong).await;
    assert_eq!(redirected(&refused)["error"], "invalid_target");
    gateway.set_servers(&json!({}));
    let none = gateway.browser().get(&open_request(&app, &pkce::pair().1, &[])).await;
    assert_eq!(redirected(&none)["error"], "invalid_target");
    gateway.set_servers(&json!({ "time": {} }));
    let only = gateway.browser().get(&open_request(&app, &pkce::pair().1, &[])).await;
    assert!(only.body.contains("login_code") && only.body.contains(TIME), "{}", only.body);
}

/// A device that names no server gets the one that the person chose, and no other one.
#[tokio::test]
async fn a5_the_person_chooses_for_a_device() {
    let device = Device::without_resource(Gateway::start()).await;
    let gateway = &device.gateway;
    let mut browser = gateway.browser();
    let page = device.page(&mut browser, &device.codes.text("user_code")).await;
    assert!(page.body.contains(TIME) && page.body.contains(GIT), "{}", page.body);
    assert!(!page.body.contains("login_code"), "nothing is allowed before: {}", page.body);
    let consent = choose(&mut browser, &page, GIT).await;
    assert!(consent.body.contains(GIT) && !consent.body.contains(TIME), "{}", consent.body);
    let done = browser.decide(&consent, "local", &gateway.login_code("alice").await).await;
    assert_eq!(done.status, 200, "{done:?}");
    let tokens = device.poll().await;
    let token = tokens.text("access_token");
    assert_eq!(gateway.verify(GIT, &token).await.status, 200);
    assert_eq!(gateway.verify(TIME, &token).await.status, 401);
}

/// A server that a person chose for a device is revoked like a requested one.
#[tokio::test]
async fn a5_a_choice_for_a_device_can_be_revoked_by_its_server() {
    for (server, ends) in [("git", true), ("time", false)] {
        let device = Device::without_resource(Gateway::start()).await;
        let gateway = &device.gateway;
        let mut browser = gateway.browser();
        let page = device.page(&mut browser, &device.codes.text("user_code")).await;
        let consent = choose(&mut browser, &page, GIT).await;
        browser.decide(&consent, "local", &gateway.login_code("alice").await).await;
        let revoked = gateway.cli(&["token", "revoke", "--yes", "--server", server]);
        assert_eq!(revoked.is_ok(), ends, "{server}: {revoked:?}");
        assert_eq!(device.poll().await.status == 200, !ends, "{server}");
    }
}
