//! The device grant (RFC 8628) can be turned off, does not coax anybody, and gives what ends.

use gateway_tests::browser::Page;
use serde_json::json;
use url::Url;

use crate::{
    rfc8628::{Device, GRANT},
    support::{App, CALLBACK, Gateway, ISSUER, TIME},
};

/// The decisions of a page in the order in which a keyboard reaches them.
fn decisions(page: &Page) -> Vec<&str> {
    let buttons = page.body.split("name=\"decision\" value=\"").skip(1);
    buttons.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// What stands side by side.
fn choice(page: &Page) -> &str {
    let rest = page.body.split("<div class=\"choice\">").nth(1).unwrap();
    rest.split("</div>").next().unwrap()
}

/// Nothing of it is there: not in the metadata, not at its endpoints, not for clients, not for people.
#[tokio::test]
async fn s13_devices_can_be_turned_off() {
    let gateway = Gateway::with(&[("DEVICE_GRANT", "off")]);
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let metadata = gateway.get("auth.gw.example", path).await.body;
        assert!(metadata.get("device_authorization_endpoint").is_none(), "{metadata}");
        let grants = metadata["grant_types_supported"].to_string();
        assert!(!grants.contains("device_code") && grants.contains("refresh_token"), "{grants}");
    }
    let alone = json!({ "token_endpoint_auth_method": "none", "grant_types": [GRANT] });
    assert_eq!(gateway.register(alone).await.error(), (400, "invalid_client_metadata"));
    let both = json!({
        "token_endpoint_auth_method": "none",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", GRANT],
    });
    let registered = gateway.register(both).await;
    assert_eq!(registered.body["grant_types"], json!(["authorization_code"]), "{registered:?}");
    let id = registered.text("client_id");
    for form in [&[("client_id", &*id), ("resource", TIME)][..], &[("client_id", "nobody")], &[]] {
        let answer = gateway.post("/device_authorization", form).await;
        assert_eq!(answer.error(), (404, "not_found"), "{form:?}");
    }
    let poll = [("grant_type", GRANT), ("client_id", &*id), ("device_code", "x")];
    assert_eq!(gateway.post("/token", &poll).await.error(), (400, "unsupported_grant_type"));
    for query in ["", "?user_code=BCDF-GHJK"] {
        let url = Url::parse(&format!("{ISSUER}/device{query}")).unwrap();
        let page = gateway.browser().get(&url).await;
        assert_eq!(page.status, 404);
        assert!(page.body.contains("turned this off") && !page.body.contains("<form"));
        assert!(page.headers.contains_key("content-security-policy"));
    }
}

/// Draft of cross-device flows, §6.1.14: refusal is as prominent as consent, and comes first.
#[tokio::test]
async fn s13_refusing_a_device_is_as_prominent_as_allowing_it() {
    for (settings, expected) in [
        (&[][..], &["deny", "github", "local"][..]),
        (&[("LOCAL_LOGIN", "false")], &["deny", "github"]),
        (&[("GITHUB_CLIENT_ID", ""), ("GITHUB_CLIENT_SECRET", "")], &["deny", "local"]),
    ] {
        let device = Device::at(Gateway::with(settings)).await;
        let mut browser = device.gateway.browser();
        let page = device.page(&mut browser, &device.codes.text("user_code")).await;
        assert_eq!(decisions(&page), expected);
        assert!(!page.body.contains("class=\"main\""), "no button stands out: {}", page.body);
        let choice = choice(&page);
        assert_eq!(choice.matches("<button").count(), 2, "{choice}");
        assert!(choice.contains("value=\"deny\"") && choice.contains(expected[1]), "{choice}");
        assert!(page.body.contains("If somebody sent you here, cancel"));
    }
}

#[tokio::test]
async fn s13_who_is_logged_in_has_the_same_choice() {
    let device = Device::at(Gateway::start()).await;
    let mut browser = device.gateway.browser();
    device.decide(&mut browser, "local").await;
    let form = [("client_id", &*device.app.id), ("resource", TIME)];
    let again = device.gateway.post("/device_authorization", &form).await;
    let page = device.page(&mut browser, &again.text("user_code")).await;
    assert_eq!(decisions(&page), ["deny", "allow", "github", "local"]);
    assert!(choice(&page).contains("Connect, as alice") && !page.body.contains("class=\"main\""));
    assert!(page.body.contains("when you disconnect it at /me, or after 7 days at the latest"));
    // With a redirect the answer goes where the page says, and the usual button stands out.
    let app: App = device.gateway.app().await;
    let usual = browser.get(&app.authorize_url(&gateway_tests::pkce::pair().1, &[])).await;
    assert_eq!(decisions(&usual), ["allow", "deny", "github", "local"]);
    assert_eq!(usual.body.matches("class=\"main\"").count(), 1);
}

/// A person who decides after the device has stopped waiting is told so.
#[tokio::test]
async fn s13_an_answer_that_comes_too_late_is_none() {
    for decision in ["local", "deny"] {
        let device = Device::at(Gateway::start()).await;
        let mut browser = device.gateway.browser();
        let page = device.page(&mut browser, &device.codes.text("user_code")).await;
        device.gateway.clock.advance(300);
        let code = device.gateway.login_code("alice").await;
        let late = browser.decide(&page, decision, &code).await;
        assert_eq!(late.status, 400, "{decision}");
        assert!(late.body.contains("The code of this device has expired"), "{}", late.body);
        assert_eq!(device.poll().await.error(), (400, "expired_token"));
    }
}

/// However often it comes back, a device is connected for a time that nobody can stretch.
#[tokio::test]
async fn s13_what_a_device_is_granted_ends() {
    const DAY: i64 = 86_400;
    for (settings, refreshes, step) in [
        (&[][..], 3, 2 * DAY),
        (&[("DEVICE_GRANT_LIFETIME", "1000")], 1, 600),
        (&[("DEVICE_GRANT_LIFETIME", "1000"), ("REFRESH_TOKEN_LIFETIME", "500")], 2, 400),
    ] {
        let device = Device::at(Gateway::with(settings)).await;
        device.decide(&mut device.gateway.browser(), "local").await;
        let mut tokens = device.poll().await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        for _ in 0..refreshes {
            device.gateway.clock.advance(step);
            tokens = device.gateway.refresh(&device.app, &tokens.text("refresh_token")).await;
            assert_eq!(tokens.status, 200, "{settings:?} {tokens:?}");
        }
        let access = tokens.text("access_token");
        assert_eq!(device.gateway.verify(TIME, &access).await.status, 200);
        device.gateway.clock.advance(step);
        let refresh = tokens.text("refresh_token");
        let after = device.gateway.refresh(&device.app, &refresh).await;
        assert_eq!(after.error(), (400, "invalid_grant"), "{settings:?}");
        assert_eq!(device.gateway.verify(TIME, &access).await.status, 401);
    }
}
