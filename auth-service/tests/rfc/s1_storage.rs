//! What strangers can make the gateway keep: nothing for an authorization request, and for all else
//! a fixed number of records of bounded size.

use gateway_tests::pkce;
use serde_json::json;

use crate::{
    rfc8628::Device,
    session::WEB,
    support::{App, CALLBACK, Gateway, TIME, answer, query},
};

/// Neither the request, nor the page, nor the way to the login provider writes anything.
#[tokio::test]
async fn s1_an_authorization_request_is_kept_by_the_browser_alone() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let before = gateway.keys();
    let state = "s".repeat(2048);
    for _ in 0..5 {
        let mut browser = gateway.browser();
        let page = browser.get(&app.authorize_url(&pkce::pair().1, &[("state", &state)])).await;
        assert_eq!(page.status, 200);
        let wrong = browser.decide(&page, "local", "AAAA").await;
        assert_eq!(wrong.status, 400);
        let at_github = browser.decide(&page, "github", "").await.next().unwrap();
        let cookies = &browser.cookies["auth.gw.example"];
        assert!(cookies.iter().all(|(name, value)| name.len() + value.len() <= 4096));
        let junk = at_github.query_pairs().find(|(name, _)| name == "state").unwrap().1;
        let callback = format!("{}/callback?code=junk&state={junk}", crate::support::ISSUER);
        browser.get(&callback.parse().unwrap()).await;
    }
    assert_eq!(gateway.keys(), before);
}

/// The largest request that is accepted survives the way to the provider and back.
#[tokio::test]
async fn s1_a_long_state_comes_back_over_the_login_provider() {
    let gateway = Gateway::start();
    let long = format!("{CALLBACK}/{}", "x".repeat(1500));
    let metadata = json!({
        "redirect_uris": [long], "client_name": "n".repeat(100),
        "token_endpoint_auth_method": "none",
    });
    let app = App { id: gateway.register(metadata).await.text("client_id"), secret: None };
    let state = "s".repeat(2048);
    let mut browser = gateway.browser();
    let more = [("state", state.as_str()), ("redirect_uri", &long)];
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &more)).await;
    let sent = browser.decide(&page, "github", "").await;
    let back = query(&browser.follow(sent, CALLBACK).await);
    assert_eq!((back["state"].len(), back.contains_key("code")), (2048, true));
    assert!(!browser.cookies["auth.gw.example"].keys().any(|name| name.contains("flow")));
}

/// The form of another site decides nothing and does not touch the cookie of a flow.
#[tokio::test]
async fn s1_a_form_of_another_site_changes_nothing() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let url = app.authorize_url(&pkce::pair().1, &[]);
    let page = gateway.browser().get(&url).await;
    for site in ["cross-site", "same-site"] {
        let mut victim = gateway.browser();
        victim.set_header("Sec-Fetch-Site", site);
        let refused = victim.decide(&page, "deny", "").await;
        assert_eq!((refused.status.as_u16(), refused.next()), (400, None), "{site}");
        assert!(!refused.headers.contains_key("set-cookie"), "{site}");
    }
}

/// RFC 6749 appendix A.5: VSCHAR; how long a state may be is said on the page, which leads nowhere.
#[tokio::test]
async fn s1_a_state_is_bounded_and_printable() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let long = "s".repeat(2049);
    let huge = "\u{1}".repeat(20_000);
    for (state, says) in [
        (long.as_str(), "2048"),
        ("é", "ASCII"),
        ("\u{1}", "ASCII"),
        ("a\u{7f}", "ASCII"),
        (&huge, "2048"),
    ] {
        let page = gateway.browser().get(&app.authorize_url("x", &[("state", state)])).await;
        assert_eq!((page.status.as_u16(), page.next()), (400, None));
        assert!(page.body.contains(says), "{says}: {}", page.body);
        assert!(!page.body.contains("<a href"), "no link either");
    }
}

/// What is no navigation of a person has no effect: no cookie, no code.
#[tokio::test]
async fn s1_only_a_navigation_changes_anything() {
    let gateway = Gateway::start();
    let app = crate::session::web_app(&gateway).await;
    let mut browser = gateway.browser();
    crate::session::log_in(&gateway, &mut browser, &app).await;
    let url = crate::session::url(&app, &[]);
    assert!(crate::session::code(&browser.get(&url).await).is_some(), "a code without a page");
    let before = gateway.keys();
    for (name, value) in [
        ("Sec-Fetch-Dest", "image"),
        ("Sec-Fetch-Dest", "iframe"),
        ("Sec-Fetch-Dest", "empty"),
        ("Sec-Fetch-Dest", "script"),
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
    ] {
        let mut other = gateway.browser();
        other.cookies.clone_from(&browser.cookies);
        other.set_header(name, value);
        for path in ["/authorize", "/callback?state=x&code=y", "/device?user_code=AAAA"] {
            let at = if path == "/authorize" { url.clone() } else { url.join(path).unwrap() };
            let answer = other.get(&at).await;
            assert!(answer.next().is_none(), "{name}: {value} {path}: {answer:?}");
            assert!(!answer.headers.contains_key("set-cookie"), "{name}: {value} {path}");
        }
    }
    let request =
        gateway.http.head(format!("{}{}", gateway.base, &url[url::Position::BeforePath..]));
    let head = request.header("Host", "auth.gw.example").send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers().contains_key("set-cookie")), (200, false));
    assert_eq!(gateway.keys(), before);
}

/// A form that this browser was not given, or too old a one, decides nothing and shows the page.
#[tokio::test]
async fn s1_a_page_that_was_left_open_is_shown_again() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
    gateway.clock.advance(601);
    let code = gateway.login_code("alice").await;
    let again = browser.decide(&page, "local", &code).await;
    assert_eq!((again.status.as_u16(), again.next()), (200, None));
    let done = browser.decide(&again, "local", &code).await;
    assert!(crate::session::code(&done).is_some(), "{done:?}");
    let altered = [("flow", "AAAA"), ("csrf", "x"), ("decision", "deny")];
    let consent = page.url.join("/authorize/consent").unwrap();
    assert_eq!(browser.post(&consent, &altered).await.status, 400);
}

/// A wrong login code counts for the flow, whichever of its pages it came from. A right one is never
/// refused: anybody can make the counters high.
#[tokio::test]
async fn s1_one_page_cannot_try_login_codes_at_leisure() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    let page = browser.get(&app.authorize_url(&pkce::pair().1, &[])).await;
    for _ in 0..4 {
        assert_eq!(browser.decide(&page, "local", "WRONG").await.status, 400);
    }
    let good = gateway.login_code("alice").await;
    let fifth = browser.decide(&page, "local", "WRONG").await;
    assert_eq!(query(&fifth.next().unwrap())["error"], "access_denied");
    let sixth = browser.decide(&page, "local", "WRONG").await;
    assert_eq!(query(&sixth.next().unwrap())["error"], "access_denied");
    let right = browser.decide(&page, "local", &good).await;
    assert!(query(&right.next().unwrap()).contains_key("code"));
}

/// Documents of clients that nobody has consented to are few, and end when they should be fetched
/// again; so are key sets.
#[tokio::test]
async fn s1_documents_that_nobody_consented_to_are_few() {
    let gateway = Gateway::start();
    let ask = async |n: usize| {
        let id = format!("https://app.example/{n}");
        gateway.documents.publish(
            &n.to_string(),
            crate::client_document::OK,
            &crate::client_document::document(&id, WEB),
        );
        let app = App { id, secret: None };
        let more = [("redirect_uri", WEB)];
        gateway.browser().get(&app.authorize_url(&pkce::pair().1, &more)).await.status.as_u16()
    };
    for n in 0..300 {
        assert_eq!(ask(n).await, 200);
    }
    let documents = gateway.keys().iter().filter(|key| key.contains(":client-document:")).count();
    assert_eq!(documents, 256);
    assert_eq!(ask(0).await, 200, "evicted, and fetched again");
}

/// Devices that wait are bounded in number; whoever comes then is told to come back.
#[tokio::test]
async fn s1_devices_that_wait_are_bounded() {
    let gateway = Gateway::start();
    let metadata = json!({
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
        "token_endpoint_auth_method": "none",
    });
    let id = gateway.register(metadata).await.text("client_id");
    let script = "for i = 1, 8191 do redis.call('ZADD', KEYS[1], ARGV[1], i) end";
    let end = (gateway.config_now() + 600).to_string();
    gateway.redis.cli(&["EVAL", script, "1", "mcpgw:devices", &end]);
    let with = [("client_id", &*id), ("resource", TIME)];
    assert_eq!(gateway.post("/device_authorization", &with).await.status, 200);
    let refused = gateway.post("/device_authorization", &with).await;
    assert_eq!(refused.error(), (503, "temporarily_unavailable"));
    gateway.clock.advance(601);
    assert_eq!(gateway.post("/device_authorization", &with).await.status, 200);
}

/// The decision about a device that is gone is not kept, or else forms that were kept would store one for each.
#[tokio::test]
async fn s1_a_decision_about_a_device_that_is_gone_is_not_kept() {
    let device = Device::at(Gateway::start()).await;
    let mut browser = device.gateway.browser();
    let page = device.page(&mut browser, &device.codes.text("user_code")).await;
    for key in device.gateway.redis.cli(&["KEYS", "mcpgw:device:*"]).lines() {
        device.gateway.redis.cli(&["DEL", key]);
    }
    let late = browser.decide(&page, "deny", "").await;
    assert_eq!(late.status, 400, "{}", late.body);
    assert_eq!(device.gateway.redis.cli(&["KEYS", "mcpgw:device-decision:*"]).trim(), "");
}

/// The largest registration that is accepted: of ever fewer redirect URIs, each good by itself.
#[tokio::test]
async fn s1_registrations_are_bounded_in_bytes() {
    let gateway = Gateway::start();
    for length in [200, 700] {
        let padding = |count: usize| {
            let uris: Vec<_> =
                (0..count).map(|n| format!("https://{n}.example/{}", "x".repeat(length))).collect();
            json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none" })
        };
        let mut accepted = None;
        for count in (1..=20).rev() {
            let request = gateway.http.post(format!("{}/register", gateway.base));
            let told = answer(request.json(&padding(count))).await;
            if told.status == 201 {
                accepted = Some((count, told.text("client_id")));
                break;
            }
            assert_eq!(told.error(), (400, "invalid_client_metadata"));
        }
        let (count, id) = accepted.unwrap();
        // And not by a bound on their number.
        assert!((count + 2) * (length + 20) > 3800, "{count} of {length}");
        let key = format!("mcpgw:client:{id}");
        let size: usize = gateway.redis.cli(&["STRLEN", &key]).trim().parse().unwrap();
        assert!(size <= 5 * 1024, "{size}");
    }
}
