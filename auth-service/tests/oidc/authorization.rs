//! The authorization request: PKCE, nonce, scopes and prompts.

use std::collections::HashMap;

use auth_service::{
    config::{OfflineAccess, OidcProvider},
    model::Prompt,
    upstream::LoginRequest,
};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use crate::{
    login::{CALLBACK, CLIENT, DISCOVERY, Login, discovery, query},
    signer::encoded,
};

async fn request(login: &Login, prompt: Prompt, offline: bool) -> HashMap<String, String> {
    let request = LoginRequest { state: "the state", prompt, offline };
    query(&login.client.start(&request).await.unwrap().url)
}

#[tokio::test]
async fn every_request_has_state_nonce_and_pkce() {
    let login = Login::start();
    let (first, one) = login.begin().await;
    let (second, two) = login.begin().await;
    for (start, query) in [(first, &one), (second, &two)] {
        let challenge = encoded(digest(&SHA256, start.verifier.as_bytes()));
        assert_eq!(query["code_challenge"], challenge);
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT);
        assert_eq!(query["redirect_uri"], CALLBACK);
        assert_eq!(query["state"], "state");
        assert_eq!(query["tenant"], "1", "the endpoint keeps its own query");
        assert!(query["nonce"].len() >= 43 && query["nonce"] != challenge);
        assert!(!start.url.contains("secret"));
    }
    assert_ne!(one["nonce"], two["nonce"]);
    login.log_in(|token| token).await.unwrap();
    let body = &login.op.seen("/token")[0].body;
    assert!(body.contains("code_verifier=") && body.contains("redirect_uri=https%3A%2F%2Fauth"));
}

#[tokio::test]
async fn only_scopes_that_the_provider_knows_are_requested() {
    for (supported, offline, expected) in [
        (
            json!(["openid", "profile", "email", "groups", "offline_access"]),
            true,
            "openid profile email groups offline_access",
        ),
        (
            json!(["openid", "profile", "email", "groups", "offline_access"]),
            false,
            "openid profile email groups",
        ),
        (json!(["openid", "email"]), true, "openid email"),
        (json!(null), true, "openid profile email offline_access"),
    ] {
        let login = Login::start();
        let mut document = discovery(&login.op.base);
        document["scopes_supported"] = supported;
        login.op.json(DISCOVERY, document);
        assert_eq!(request(&login, Prompt::Needed, offline).await["scope"], expected);
    }
    let named = ["openid", "roles"].map(str::to_owned).to_vec();
    let login = Login::with(|provider| provider.scopes = Some(named));
    assert_eq!(request(&login, Prompt::Needed, false).await["scope"], "openid roles");
}

#[tokio::test]
async fn prompts_are_those_of_the_person_and_of_offline_access() {
    let login = Login::start();
    for (prompt, offline, expected) in [
        (Prompt::Needed, false, None),
        (Prompt::Needed, true, Some("consent")),
        (Prompt::Consent, false, None),
        (Prompt::None, false, None),
        (Prompt::Login, false, Some("login")),
        (Prompt::SelectAccount, true, Some("consent select_account")),
    ] {
        let query = request(&login, prompt, offline).await;
        assert_eq!(query.get("prompt").map(String::as_str), expected, "{prompt:?} {offline}");
    }
    let mut document = discovery(&login.op.base);
    document["prompt_values_supported"] = json!(["none", "login"]);
    login.op.json(DISCOVERY, document);
    login.clock.advance(3600);
    let query = request(&login, Prompt::SelectAccount, true).await;
    assert_eq!(query.get("prompt"), None, "the provider knows neither");
    for (access, scope, prompt) in [
        (OfflineAccess::Consent, true, Some("consent")),
        (OfflineAccess::Quiet, true, None),
        (OfflineAccess::Never, false, None),
    ] {
        let login = Login::with(|provider| provider.offline_access = access);
        let query = request(&login, Prompt::Needed, true).await;
        assert_eq!(query["scope"].contains("offline_access"), scope);
        assert_eq!(query.get("prompt").map(String::as_str), prompt);
    }
}

#[tokio::test]
async fn further_parameters_are_added() {
    let change = |provider: &mut OidcProvider| {
        for (name, value) in
            [("access_type", "offline"), ("prompt", "consent"), ("audience", "a b")]
        {
            provider.authorize.insert(name.to_owned(), value.to_owned());
        }
    };
    let login = Login::with(change);
    let query = request(&login, Prompt::SelectAccount, true).await;
    assert_eq!(query["access_type"], "offline");
    assert_eq!(query["audience"], "a b");
    assert_eq!(query["prompt"], "consent select_account");
}
