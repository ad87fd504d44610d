//! Pages for a browser that comes where MCP clients go.

use gateway_tests::browser::Page;
use serde_json::json;
use url::Url;

use crate::support::{Answer, Gateway, TIME, answer};

const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn open(gateway: &Gateway, host: &str, path: &str, accept: &str) -> Answer {
    let request = gateway.http.get(format!("{}{path}", gateway.base));
    answer(request.header("Host", host).header("Accept", accept)).await
}

#[tokio::test]
async fn a14_a_servers_url_in_a_browser_says_how_to_add_it() {
    let gateway = Gateway::start();
    gateway.set_servers(&json!({ "time": { "title": "What <time> is it?" }, "git": {} }));
    for path in ["/mcp", "/mcp/", "/"] {
        let page = open(&gateway, "time.gw.example", path, HTML).await;
        let text = page.body.as_str().unwrap();
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(text.matches("<h1>").count(), 1);
        assert!(text.contains("What &#60;time&#62; is it?") && text.contains(TIME), "{text}");
        assert!(text.contains(&format!("claude mcp add --transport http time {TIME}")), "{text}");
        assert!(!text.contains("git"), "no other server is named: {text}");
    }
    for (host, path) in [("unknown.gw.example", "/mcp"), ("time.gw.example", "/elsewhere")] {
        let page = open(&gateway, host, path, HTML).await;
        assert_eq!(page.status, 404, "{host}{path}");
        assert!(page.body.as_str().unwrap().contains("<h1>"));
    }
    for accept in ["*/*", "application/json, text/event-stream", "application/json"] {
        let refused = open(&gateway, "time.gw.example", "/mcp", accept).await;
        assert_eq!(refused.error(), (404, "not_found"), "{accept}");
    }
}

#[tokio::test]
async fn a14_the_root_of_the_login_host_is_a_page() {
    let gateway = Gateway::start();
    let page = open(&gateway, "auth.gw.example", "/", HTML).await;
    let text = page.body.as_str().unwrap();
    assert_eq!((page.status, text.matches("<h1>").count()), (200, 1));
    assert!(
        text.contains("https://NAME.gw.example/mcp") && text.contains("href=\"/device\""),
        "{text}"
    );
    assert!(!text.contains("time"), "it lists no servers: {text}");
    let by_path = Gateway::with(&[("SERVER_URLS", "path"), ("DEVICE_GRANT", "off")]);
    let page = open(&by_path, "gw.example", "/", HTML).await;
    let text = page.body.as_str().unwrap();
    assert!(text.contains("https://gw.example/NAME/mcp") && !text.contains("/device"), "{text}");
    let page = open(&by_path, "gw.example", "/time/mcp", HTML).await;
    assert!(page.body.as_str().unwrap().contains("https://gw.example/time/mcp"));
}

/// RFC 8628 §3.3: the person who cancels is told so, and so is the device.
#[tokio::test]
async fn a14_cancel_of_a_device_ends_on_a_page_that_says_so() {
    let gateway = Gateway::start();
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let client = json!({ "grant_types": [grant], "token_endpoint_auth_method": "none" });
    let client = gateway.register(client).await.text("client_id");
    let form = [("client_id", client.as_str()), ("resource", TIME)];
    let device = gateway.post("/device_authorization", &form).await;
    let url: Url = device.text("verification_uri_complete").parse().unwrap();
    let mut browser = gateway.browser();
    let page: Page = browser.get(&url).await;
    let done = browser.decide(&page, "deny", "").await;
    assert_eq!((done.status.as_u16(), done.next()), (200, None));
    assert!(done.body.contains("<h1>The device is not connected</h1>"), "{}", done.body);
    let code = device.text("device_code");
    let form = [("grant_type", grant), ("client_id", &client), ("device_code", &code)];
    assert_eq!(gateway.post("/token", &form).await.error(), (400, "access_denied"));
}

/// OpenID Connect Discovery §4 appends to the path; some clients append the other documents as well.
#[tokio::test]
async fn a14_documents_are_also_found_behind_the_path_of_a_server() {
    let gateway = Gateway::start();
    for known in ["openid-configuration", "oauth-authorization-server"] {
        let document = gateway.get("time.gw.example", &format!("/mcp/.well-known/{known}")).await;
        assert_eq!(document.text("issuer"), crate::support::ISSUER, "{known}");
    }
    let path = "/mcp/.well-known/oauth-protected-resource";
    assert_eq!(gateway.get("time.gw.example", path).await.body["resource"], TIME);
}
