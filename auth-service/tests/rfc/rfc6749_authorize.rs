//! RFC 6749 §4.1.1, §4.1.2: the authorization endpoint.

use gateway_tests::pkce;
use serde_json::json;

use crate::support::{CALLBACK, Gateway, ISSUER, redirected};

/// §4.1.2.1: an unknown client or a redirect URI that is not its own is never redirected to.
#[tokio::test]
async fn an_unchecked_address_is_never_redirected_to() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let mut browser = gateway.browser();
    for more in [
        [("client_id", "nobody")].as_slice(),
        &[("client_id", "")],
        &[("redirect_uri", "https://evil.example/")],
        &[("redirect_uri", "http://127.0.0.1:7777/callback/")],
        &[("redirect_uri", "http://localhost:7777/callback")],
        &[("redirect_uri", "https://evil.example/"), ("response_type", "x")],
    ] {
        let page = browser.get(&app.authorize_url("", more)).await;
        assert_eq!(page.status, 400, "{more:?}");
        assert!(page.next().is_none(), "{more:?}");
        assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    }
}

/// §4.1.2.1: everything else is told to the client, with its state.
#[tokio::test]
async fn other_errors_reach_the_client() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (_, challenge) = pkce::pair();
    let mut browser = gateway.browser();
    for (more, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("resource", "https://other.example/mcp"), "invalid_target"),
        (("scope", "a\"b"), "invalid_scope"),
    ] {
        let page = browser.get(&app.authorize_url(&challenge, &[more])).await;
        let answer = redirected(&page);
        assert_eq!(answer["error"], error, "{more:?}");
        assert_eq!(answer["state"], "client state", "{more:?}");
        assert_eq!(answer["iss"], ISSUER, "{more:?}");
    }
}

/// §3.1: "Request and response parameters MUST NOT be included more than once."
#[tokio::test]
async fn a_parameter_given_twice_is_refused() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (_, challenge) = pkce::pair();
    let mut url = app.authorize_url(&challenge, &[]);
    url.query_pairs_mut().append_pair("code_challenge", &challenge);
    let page = gateway.browser().get(&url).await;
    assert_eq!(redirected(&page)["error"], "invalid_request");
}

/// §3.3 and MCP: unknown scopes are dropped, no scope means the basic set, no state is no fault.
#[tokio::test]
async fn unknown_scopes_and_a_missing_state_do_not_matter() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    for scope in ["claudeai", "mcp offline_access x:y", "", "mcp"] {
        let more = [("scope", scope), ("state", ""), ("prompt", "consent")];
        let (answer, verifier) = gateway.consent(&app, "alice", &more).await;
        assert!(!answer.contains_key("state"));
        let tokens = gateway.redeem(&app, &answer["code"], &verifier).await;
        assert_eq!((tokens.status, &tokens.body["scope"]), (200, &json!("mcp")), "{scope}");
    }
}

/// CL-7 of claude.ai: it asks at the host of the MCP server; the browser is sent to the issuer.
#[tokio::test]
async fn on_the_host_of_a_server_the_browser_is_sent_to_the_issuer() {
    let gateway = Gateway::start();
    let answer = gateway.get("time.gw.example", "/authorize?client_id=a&state=%26").await;
    let resource = "https%3A%2F%2Ftime.gw.example%2Fmcp";
    let expected =
        format!("{ISSUER}/authorize?client_id=a&state=%26&resource={resource}&sent_on=1");
    assert_eq!((answer.status, answer.header("location")), (303, expected.as_str()));
}

/// §4.1.1: `redirect_uri` may be left out when just one is registered.
#[tokio::test]
async fn the_only_registered_redirect_uri_is_the_default() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let (answer, _) = gateway.consent(&app, "alice", &[("redirect_uri", "")]).await;
    assert!(answer.contains_key("code"));
    let metadata = json!({ "redirect_uris": [CALLBACK, "https://app.example/cb"] });
    let two = gateway.register(metadata).await;
    let two = crate::support::App { id: two.text("client_id"), secret: None };
    let url = two.authorize_url(&pkce::pair().1, &[("redirect_uri", "")]);
    assert_eq!(gateway.browser().get(&url).await.status, 400);
}

/// §3.1: "The authorization server MUST ignore unrecognized request parameters"; one without a value is
/// as good as absent.
#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let gateway = Gateway::start();
    let app = gateway.app().await;
    let more = [("nonce", "n"), ("display", "page"), ("ui_locales", "de"), ("x", "y")];
    let mut url = app.authorize_url(&pkce::pair().1, &more);
    url.query_pairs_mut().append_pair("x", "again").append_pair("redirect_uri", "");
    assert_eq!(gateway.browser().get(&url).await.status, 200);
}
