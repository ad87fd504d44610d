//! An MCP client of the gateway, by hand: registration, login, token, JSON-RPC.

use std::time::Duration;

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use url::Url;

use crate::{
    browser::Browser,
    pkce,
    stack::{Gateway, Stack},
};

const CALLBACK: &str = "http://127.0.0.1:7777/callback";

/// A client with a token for one server.
pub struct McpClient {
    /// The URL of the server.
    pub url: String,
    /// The access token.
    pub token: String,
    /// The id it registered as.
    pub id: String,
    /// Its HTTP client.
    pub http: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// JSON, also from the last event of a stream; or text.
    pub body: Value,
}

impl McpClient {
    /// Registers, and logs in as `name` by a code of the operator.
    pub async fn log_in(stack: &Stack, server: &str, name: &str) -> Self {
        Self::log_in_to(stack, stack.url(server), name).await
    }

    /// The same for a server by its URL.
    pub async fn log_in_to(stack: &impl Gateway, url: &str, name: &str) -> Self {
        Self::log_in_at(stack.http(), stack.issuer(), url, &stack.login_code(name)).await
    }

    /// The same by the code `code` at the authorization server `issuer`.
    pub async fn log_in_at(http: reqwest::Client, issuer: &str, url: &str, code: &str) -> Self {
        Self::log_in_by(http, issuer, url, ("local", code), Duration::ZERO).await
    }

    /// The same by any button of the consent page, which is pressed `hesitation` after the page was
    /// shown.
    pub async fn log_in_by(
        http: reqwest::Client,
        issuer: &str,
        url: &str,
        (decision, login_code): (&str, &str),
        hesitation: Duration,
    ) -> Self {
        let url = url.to_owned();
        let metadata = json!({
            "redirect_uris": [CALLBACK],
            "client_name": "By hand",
            "token_endpoint_auth_method": "none",
        });
        let registration = http.post(format!("{issuer}/register")).json(&metadata);
        let registered: Value =
            registration.send().await.expect("sent").json().await.expect("JSON");
        let id = registered["client_id"].as_str().expect("an id").to_owned();
        let (verifier, challenge) = pkce::pair();
        let mut authorize = Url::parse(&format!("{issuer}/authorize")).expect("a URL");
        authorize.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &id),
            ("redirect_uri", CALLBACK),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", &url),
        ]);
        let mut browser = Browser::new(http.clone());
        let page = browser.get(&authorize).await;
        tokio::time::sleep(hesitation).await;
        let done = browser.decide(&page, decision, login_code).await;
        let back = browser.follow(done, CALLBACK).await;
        let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &id),
            ("redirect_uri", CALLBACK),
            ("code", &code),
            ("code_verifier", &verifier),
        ];
        let answer = http.post(format!("{issuer}/token")).form(&form).send().await;
        let tokens: Value = answer.expect("sent").json().await.expect("JSON");
        let token = tokens["access_token"].as_str().expect("a token").to_owned();
        Self { url, token, id, http }
    }

    /// Sends a JSON-RPC request without a session, as claude.ai does.
    pub async fn call(&self, method: &str, params: Value) -> Reply {
        self.call_with(method, params, &[]).await
    }

    /// The same with more headers.
    pub async fn call_with(&self, method: &str, params: Value, more: &[(&str, &str)]) -> Reply {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.send(Method::POST, more, Some(&body)).await
    }

    /// Sends any request to the server.
    pub async fn send(&self, method: Method, more: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let mut request = self
            .http
            .request(method, &self.url)
            .bearer_auth(&self.token)
            .header("Accept", "application/json, text/event-stream");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Reply::read(request).await
    }
}

impl Reply {
    /// Sends `request` and reads the whole answer.
    pub async fn read(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let last_event = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let body = serde_json::from_str(last_event.unwrap_or(&text)).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}
