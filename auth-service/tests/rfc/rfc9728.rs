//! RFC 9728: protected resource metadata.

use crate::support::{Gateway, ISSUER, TIME};

/// §3.1: the path of the resource is inserted; the root stands for the only server of a host.
#[tokio::test]
async fn each_server_has_its_document_with_the_path_inserted_and_at_the_root() {
    let gateway = Gateway::start();
    for path in ["/mcp", "", "/"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let answer = gateway.get("time.gw.example", &path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.body["resource"], TIME);
        assert_eq!(answer.body["authorization_servers"], serde_json::json!([ISSUER]));
        assert_eq!(answer.body["bearer_methods_supported"], serde_json::json!(["header"]));
        assert_eq!(answer.body["scopes_supported"], serde_json::json!(["mcp"]));
    }
}

/// What is not protected here has no document; the host of the request never makes one.
#[tokio::test]
async fn there_is_none_for_what_is_not_a_server() {
    let gateway = Gateway::start();
    for (host, path) in [
        ("nothing.gw.example", "/mcp"),
        ("auth.gw.example", ""),
        ("time.gw.example", "/other"),
        ("time.gw.example", "/mcp/deeper"),
    ] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        assert_eq!(gateway.get(host, &path).await.error(), (404, "not_found"), "{host}{path}");
    }
}
