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

/// §3.2: JSON, in which a member that has nothing to say is not there; §2: the resource is an https URL
/// without a fragment.
#[tokio::test]
async fn every_member_says_something() {
    let gateway = Gateway::start();
    let path = "/.well-known/oauth-protected-resource/mcp";
    let answer = gateway.get("time.gw.example", path).await;
    assert!(answer.header("content-type").starts_with("application/json"));
    for (member, value) in answer.body.as_object().unwrap() {
        assert!(value.as_array().is_none_or(|values| !values.is_empty()), "{member}");
        assert!(!value.is_null(), "{member}");
    }
    let resource = answer.text("resource");
    assert!(resource.starts_with("https://") && !resource.contains('#'));
    gateway.set_servers(&serde_json::json!({ "time": { "scopes": [] } }));
    let bare = gateway.get("time.gw.example", path).await;
    assert!(bare.body["scopes_supported"].as_array().is_none_or(|scopes| !scopes.is_empty()));
}
