//! `SERVER_URLS=path`: one DNS name for the authorization server and all servers.

use serde_json::json;

use crate::support::Gateway;

const ORIGIN: &str = "https://gw.example";
const TIME: &str = "https://gw.example/time/mcp";
const GIT: &str = "https://gw.example/git/mcp";

fn gateway() -> Gateway {
    Gateway::with(&[("SERVER_URLS", "path")])
}

/// RFC 9728 §3.1, RFC 8414 §3.1: paths are inserted, and each server is a resource of its own.
#[tokio::test]
async fn each_server_has_its_documents_below_one_host() {
    let gateway = gateway();
    for (name, resource) in [("time", TIME), ("git", GIT)] {
        let path = format!("/.well-known/oauth-protected-resource/{name}/mcp");
        let metadata = gateway.get("gw.example", &path).await;
        assert_eq!(metadata.status, 200, "{path}");
        assert_eq!(metadata.body["resource"], resource);
        assert_eq!(metadata.body["authorization_servers"], json!([ORIGIN]));
        let path = format!("/.well-known/oauth-authorization-server/{name}/mcp");
        assert_eq!(gateway.get("gw.example", &path).await.body["issuer"], ORIGIN);
    }
    let server = gateway.get("gw.example", "/.well-known/oauth-authorization-server").await;
    assert_eq!(server.body["token_endpoint"], format!("{ORIGIN}/token"));
    // The root stands for no server where there are several.
    let root = gateway.get("gw.example", "/.well-known/oauth-protected-resource").await;
    assert_eq!(root.error(), (404, "not_found"));
}

/// RFC 6750 §3, RFC 9728 §5.1: the challenge of each names its own document.
#[tokio::test]
async fn a_request_belongs_to_the_server_of_its_path() {
    let gateway = gateway();
    for (path, document) in [("/time/mcp", "time/mcp"), ("/git/mcp/", "git/mcp")] {
        let refused = gateway.forwarded(&format!("{ORIGIN}{path}"), &[]).await;
        assert_eq!(refused.status, 401);
        let url = format!("{ORIGIN}/.well-known/oauth-protected-resource/{document}");
        assert!(refused.header("www-authenticate").contains(&url), "{refused:?}");
    }
    for path in ["/mcp", "/", "/time", "/timex/mcp", "/time/mcpx", "/unknown/mcp", "/token"] {
        let refused = gateway.forwarded(&format!("{ORIGIN}{path}"), &[]).await;
        assert_eq!(refused.error(), (404, "not_found"), "{path}");
    }
}

/// RFC 8707: a token for one path is none for another.
#[tokio::test]
async fn a_token_is_good_for_its_path_only() {
    let gateway = gateway();
    let app = gateway.app().await;
    let mut browser = gateway.browser().reach("gw.example", &gateway.base);
    let (verifier, challenge) = gateway_tests::pkce::pair();
    let mut url = app.authorize_url(&challenge, &[("resource", TIME)]);
    url.set_host(Some("gw.example")).unwrap();
    let page = browser.get(&url).await;
    assert_eq!(page.status, 200, "{page:?}");
    let code = gateway.login_code("alice").await;
    let done = browser.decide(&page, "local", &code).await;
    let answer = crate::support::query(&browser.follow(done, crate::support::CALLBACK).await);
    assert_eq!(answer["iss"], ORIGIN);
    let tokens = gateway.redeem(&app, &answer["code"], &verifier).await;
    let token = tokens.text("access_token");
    let admitted = gateway.verify(TIME, &token).await;
    assert_eq!((admitted.status, admitted.header("x-mcp-server")), (200, "time"));
    assert_eq!(gateway.verify(GIT, &token).await.error(), (401, "invalid_token"));
}

/// Where an endpoint is, no server can be.
#[tokio::test]
async fn no_server_takes_the_place_of_an_endpoint() {
    let gateway = gateway();
    for name in ["token", "authorize", "device", "jwks"] {
        let file = gateway.path("servers.json");
        let servers = json!({ "mcpServers": { name: { "command": "x" } } });
        std::fs::write(file, servers.to_string()).unwrap();
        let refused = gateway.cli(&["server", "list"]).unwrap_err();
        assert!(refused.contains("address of the authorization server itself"), "{refused}");
    }
}
