//! A code flow at a provider without the gateway, to see what the provider sends.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use url::Url;

use crate::{
    pkce,
    provider::{Provider, http},
};

/// The client of a provider, at the endpoints of its discovery document.
pub struct CodeFlow<'a, P> {
    provider: &'a P,
    redirect: &'a str,
    /// The discovery document.
    pub discovery: Value,
}

/// The answers of a flow.
pub struct Answers {
    /// The parameters of the redirect.
    pub back: HashMap<String, String>,
    /// The answer of the token endpoint.
    pub tokens: Value,
}

impl<'a, P: Provider> CodeFlow<'a, P> {
    /// Reads the discovery document.
    pub async fn at(provider: &'a P, redirect: &'a str) -> Self {
        let url = format!("{}/.well-known/openid-configuration", provider.issuer());
        let discovery = json(http().get(url)).await.1;
        Self { provider, redirect, discovery }
    }

    fn endpoint(&self, name: &str) -> &str {
        self.discovery[name].as_str().unwrap_or_else(|| panic!("no {name}: {}", self.discovery))
    }

    /// An authorization request for `scope`, without a nonce, and its PKCE verifier.
    pub fn request(&self, scope: &str) -> (Url, String) {
        let (verifier, challenge) = pkce::pair();
        let mut url = Url::parse(self.endpoint("authorization_endpoint")).expect("a URL");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.provider.client().0)
            .append_pair("redirect_uri", self.redirect)
            .append_pair("scope", scope)
            .append_pair("state", "the state")
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        (url, verifier)
    }

    /// Logs `person` in, and redeems the code.
    pub async fn run(&self, person: &str, scope: &str) -> Answers {
        let (mut url, verifier) = self.request(scope);
        url.query_pairs_mut().append_pair("nonce", "the nonce");
        let back = self.provider.log_in(&mut self.provider.browser(), url.as_str(), person).await;
        let back: HashMap<String, String> = back.query_pairs().into_owned().collect();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", back["code"].as_str()),
            ("redirect_uri", self.redirect),
            ("code_verifier", verifier.as_str()),
        ];
        let (status, tokens) = self.token(&form).await;
        assert_eq!(status, 200, "{tokens}");
        Answers { back, tokens }
    }

    /// Uses the refresh token of `answers`; returns status and answer.
    pub async fn refresh(&self, answers: &Answers) -> (u16, Value) {
        let token = answers.tokens["refresh_token"].as_str().expect("a refresh token");
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let (id, secret) = self.provider.client();
        let url = self.endpoint("token_endpoint");
        json(http().post(url).basic_auth(id, Some(secret)).form(form)).await
    }

    /// Asks userinfo with the access token of `answers`; returns status and answer.
    pub async fn userinfo(&self, answers: &Answers) -> (u16, Value) {
        let token = answers.tokens["access_token"].as_str().expect("an access token");
        json(http().get(self.endpoint("userinfo_endpoint")).bearer_auth(token)).await
    }

    /// The keys of the provider.
    pub async fn keys(&self) -> Value {
        json(http().get(self.endpoint("jwks_uri"))).await.1
    }
}

impl Answers {
    /// The header and the claims of the ID token.
    pub fn id_token(&self) -> (Value, Value) {
        let token = self.tokens["id_token"].as_str().expect("an ID token");
        let mut parts = token.split('.').map(|part| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
            serde_json::from_slice(&bytes).unwrap_or_default()
        });
        (parts.next().expect("a header"), parts.next().expect("claims"))
    }
}

async fn json(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("text");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
