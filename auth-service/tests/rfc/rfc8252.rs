//! RFC 8252: redirect URIs of native applications.

use gateway_tests::pkce;
use serde_json::json;

use crate::support::{App, Gateway};

/// What Cursor registers at once: a scheme of its own, the web, and a loopback address with a port.
const CURSOR: [&str; 3] = [
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "https://www.cursor.com/agents/mcp/oauth/callback",
    "http://localhost:8787/callback",
];

async fn registered(gateway: &Gateway, uris: &[&str]) -> Result<App, String> {
    let metadata = json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none" });
    let answer = gateway.register(metadata).await;
    match answer.status {
        201 => Ok(App { id: answer.text("client_id"), secret: None }),
        _ => Err(answer.text("error")),
    }
}

async fn authorize(gateway: &Gateway, app: &App, redirect: &str) -> u16 {
    let url = app.authorize_url(&pkce::pair().1, &[("redirect_uri", redirect)]);
    gateway.browser().get(&url).await.status.as_u16()
}

/// §7: the set of Cursor is taken whole, and each of it may be used.
#[tokio::test]
async fn the_redirect_uris_of_cursor_work_as_they_come() {
    let gateway = Gateway::start();
    let cursor = registered(&gateway, &CURSOR).await.unwrap();
    for uri in CURSOR {
        assert_eq!(authorize(&gateway, &cursor, uri).await, 200, "{uri}");
    }
    assert_eq!(authorize(&gateway, &cursor, "http://localhost:9999/callback").await, 200);
    for other in ["cursor://anysphere.cursor-mcp/other", "https://www.cursor.com/", "cursor://x/"] {
        assert_eq!(authorize(&gateway, &cursor, other).await, 400, "{other}");
    }
}

/// §7.1: reverse domain names always may be schemes, others if the operator says so.
#[tokio::test]
async fn the_operator_says_which_schemes_there_are() {
    let gateway = Gateway::with(&[("REDIRECT_SCHEMES", "zed")]);
    for good in ["zed://mcp/callback", "com.example.app:/callback"] {
        let app = registered(&gateway, &[good]).await.unwrap();
        assert_eq!(authorize(&gateway, &app, good).await, 200, "{good}");
    }
    for bad in ["cursor://anysphere.cursor-mcp/oauth/callback", "javascript:alert(1)", "data:,x"] {
        assert_eq!(registered(&gateway, &[bad]).await.err().unwrap(), "invalid_redirect_uri");
    }
}

/// §7.3, §8.4: "MUST allow any port to be specified at the time of the request for loopback IP redirect
/// URIs"; all else of it is compared, and elsewhere the port, too.
#[tokio::test]
async fn only_the_port_of_a_loopback_address_is_free() {
    let gateway = Gateway::start();
    let uris = ["http://127.0.0.1/cb", "http://[::1]:3000/cb", "https://app.example/cb"];
    let app = registered(&gateway, &uris).await.unwrap();
    let mut browser = gateway.browser();
    for uri in ["http://127.0.0.1:50123/cb", "http://[::1]:50123/cb", "http://[::1]/cb"] {
        let page = browser.get(&app.authorize_url(&pkce::pair().1, &[("redirect_uri", uri)])).await;
        let done = browser.decide(&page, "deny", "").await;
        assert!(done.next().unwrap().as_str().starts_with(&format!("{uri}?")), "{uri}");
    }
    for other in [
        "http://127.0.0.1:50123/other",
        "http://127.0.0.1:50123/cb?x",
        "http://127.0.0.2:50123/cb",
        "http://localhost:50123/cb",
        "https://127.0.0.1:50123/cb",
        "https://app.example:8443/cb",
    ] {
        assert_eq!(authorize(&gateway, &app, other).await, 400, "{other}");
    }
}
