//! RFC 8414: authorization server metadata, also in the form of OpenID Connect Discovery.

use crate::support::{Gateway, ISSUER};

/// §3: the document is the same at every address that clients try; see `a5_server_choice` for the hosts of
/// servers.
#[tokio::test]
async fn the_metadata_is_the_same_wherever_it_is_asked_for() {
    let gateway = Gateway::start();
    let first = gateway.get("auth.gw.example", "/.well-known/oauth-authorization-server").await;
    assert_eq!(first.status, 200);
    for (host, path) in [
        ("auth.gw.example", "/.well-known/openid-configuration"),
        ("auth.gw.example", "/.well-known/oauth-authorization-server/mcp"),
        ("auth.gw.example", "/.well-known/openid-configuration/mcp"),
        ("auth.gw.example", "/mcp/.well-known/openid-configuration"),
        ("evil.example", "/.well-known/oauth-authorization-server"),
    ] {
        let other = gateway.get(host, path).await;
        assert_eq!((other.status, &other.body), (200, &first.body), "{host}{path}");
    }
}

/// §2, and what MCP clients refuse to work without (S256, `none`, `iss`).
#[tokio::test]
async fn the_metadata_names_what_is_there() {
    let gateway = Gateway::start();
    let metadata =
        gateway.get("auth.gw.example", "/.well-known/oauth-authorization-server").await.body;
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["authorization_endpoint"], format!("{ISSUER}/authorize"));
    assert_eq!(metadata["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&"none".into()));
    let grants = metadata["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&"client_credentials".into()), "RFC 6749 §4.4");
    for endpoint in ["token_endpoint", "registration_endpoint", "jwks_uri"] {
        let url = metadata[endpoint].as_str().unwrap();
        let path = url.strip_prefix(ISSUER).unwrap();
        assert_ne!(gateway.get("auth.gw.example", path).await.status, 500, "{endpoint}");
    }
}

/// RFC 9110 §9.1, §15.5.6: HEAD works where GET does, and a wrong method is told the right ones.
#[tokio::test]
async fn a_wrong_method_is_not_taken_for_a_missing_endpoint() {
    let gateway = Gateway::start();
    let send = async |method: reqwest::Method, path: &str| {
        let request = gateway.http.request(method, format!("{}{path}", gateway.base));
        crate::support::answer(request).await
    };
    let head = send(reqwest::Method::HEAD, "/.well-known/oauth-authorization-server").await;
    assert_eq!(head.status, 200);
    for (method, path, allow) in [
        (reqwest::Method::GET, "/token", "POST"),
        (reqwest::Method::GET, "/register", "POST"),
        (reqwest::Method::POST, "/jwks", "GET, HEAD"),
        (reqwest::Method::POST, "/register/x", "GET, PUT, DELETE"),
    ] {
        let answer = send(method, path).await;
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{path}");
    }
    assert_eq!(send(reqwest::Method::GET, "/nothing").await.error(), (404, "not_found"));
}

/// §3.2: JSON, in which a member that has nothing to say is not there; §2: URLs of the issuer without
/// a query or a fragment.
#[tokio::test]
async fn every_member_says_something() {
    let gateway = Gateway::start();
    gateway.set_servers(&serde_json::json!({}));
    let path = "/.well-known/oauth-authorization-server";
    let answer = gateway.get("auth.gw.example", path).await;
    assert!(answer.header("content-type").starts_with("application/json"));
    for (member, value) in answer.body.as_object().unwrap() {
        assert!(value.as_array().is_none_or(|values| !values.is_empty()), "{member}");
        assert!(!value.is_null(), "{member}");
    }
    assert!(!ISSUER.contains(['?', '#']));
}
