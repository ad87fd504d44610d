//! A person logs in, by GitHub and by a code, with TLS, cookies and pages.

use gateway_tests::{client::McpClient, pkce, stack::Stack};
use serde_json::{Value, json};
use url::Url;

use crate::{Scenario, run};

const CALLBACK: &str = "http://127.0.0.1:7777/callback";

pub const SCENARIOS: &[Scenario] = &[
    ("a_login_with_github_ends_in_a_tool_call", a_login_with_github),
    ("a_login_code_ends_in_a_tool_call", a_login_code),
    ("login_begins_on_the_host_of_the_server_too", login_on_the_host_of_the_server),
];

fn a_login_with_github(stack: &Stack) {
    run(async {
        let http = stack.http();
        let metadata = json!({
            "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_basic",
        });
        let register = http.post(format!("{}/register", stack.issuer())).json(&metadata);
        let client: Value = register.send().await.unwrap().json().await.unwrap();
        let id = client["client_id"].as_str().unwrap();
        let (verifier, challenge) = pkce::pair();
        let mut authorize = Url::parse(&format!("{}/authorize", stack.issuer())).unwrap();
        authorize.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", id),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", stack.url("time")),
        ]);
        let mut browser = stack.browser();
        let page = browser.get(&authorize).await;
        let sent = browser.decide(&page, "github", "").await;
        let back = browser.follow(sent, CALLBACK).await;
        let parameters: std::collections::HashMap<_, _> = back.query_pairs().collect();
        assert_eq!(parameters["iss"], stack.issuer());
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &parameters["code"]),
            ("code_verifier", &verifier),
        ];
        let token = http.post(format!("{}/token", stack.issuer())).form(&form);
        let token = token.basic_auth(id, client["client_secret"].as_str());
        let tokens: Value = token.send().await.unwrap().json().await.unwrap();
        let client = McpClient {
            url: stack.url("time").to_owned(),
            token: tokens["access_token"].as_str().expect("a token").to_owned(),
            id: id.to_owned(),
            http,
        };
        tells_the_time(&client).await;
    });
}

fn a_login_code(stack: &Stack) {
    run(async { tells_the_time(&McpClient::log_in(stack, "time", "alice").await).await });
}

async fn tells_the_time(client: &McpClient) {
    let arguments = json!({ "name": "get_current_time", "arguments": { "timezone": "UTC" } });
    let reply = client.call("tools/call", arguments).await;
    let text = reply.body["result"]["content"][0]["text"].as_str();
    assert!(text.is_some_and(|text| text.contains("\"timezone\": \"UTC\"")), "{reply:?}");
}

/// Clients of MCP 2025-03-26 guess `/authorize` on the host of the server.
fn login_on_the_host_of_the_server(stack: &Stack) {
    run(async {
        let mut url = Url::parse(stack.url("git")).unwrap();
        url.set_path("/authorize");
        url.set_query(Some("client_id=x&state=y"));
        let next = stack.browser().get(&url).await.next().unwrap();
        assert!(next.as_str().starts_with(&format!("{}/authorize?", stack.issuer())), "{next}");
        let parameters: std::collections::HashMap<_, _> = next.query_pairs().collect();
        assert_eq!(parameters["resource"], stack.url("git"));
        assert_eq!(parameters["state"], "y");
        url.set_path("/register");
        url.set_query(None);
        let metadata = json!({ "redirect_uris": [CALLBACK] });
        let answer = stack.http().post(url).json(&metadata).send().await.unwrap();
        assert_eq!(answer.status(), 201);
    });
}
