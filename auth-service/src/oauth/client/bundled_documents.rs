//! Client metadata documents that serve when they cannot be fetched: the hosts of some refuse
//! fetches from data centres, where most gateways live. What the host says wins whenever it can be
//! asked.

use crate::model::{AuthMethod, ClientId, ClientMetadata, RedirectUri};

/// URL, name and redirect URIs, as published in September 2026. That of Copilot CLI is known by what the program
/// sends.
const PINNED: [(&str, &str, &[&str]); 8] = [
    (
        "https://claude.ai/oauth/mcp-oauth-client-metadata",
        "Claude",
        &["https://claude.ai/api/mcp/auth_callback"],
    ),
    ("https://claude.ai/oauth/claude-code-client-metadata", "Claude Code", &BOTH),
    (CHATGPT, "ChatGPT", &["https://chatgpt.com/connector_platform_oauth_redirect"]),
    ("https://chatgpt.com/oauth/codex/client.json", "Codex", &BOTH),
    (
        "https://vscode.dev/oauth/client-metadata.json",
        "Visual Studio Code",
        &["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
    ),
    (
        "https://github.com/copilot/cli/client-metadata.json",
        "GitHub Copilot CLI",
        &["http://127.0.0.1/callback"],
    ),
    ("https://opencode.ai/oauth/opencode/client.json", "opencode", &BOTH),
    ("https://zed.dev/oauth/client-metadata.json", "Zed", &["http://127.0.0.1/callback"]),
];

/// The callback of a program on either loopback host.
const BOTH: [&str; 2] = ["http://127.0.0.1/callback", "http://localhost/callback"];

const CHATGPT: &str = "https://chatgpt.com/oauth/client.json";
/// `ChatGPT` signs assertions where it is told that it can, and does without where not.
const CHATGPT_KEYS: &str = "https://chatgpt.com/oauth/jwks.json";

/// The pinned document of `id`.
pub(in crate::oauth) fn pinned(id: &ClientId) -> Option<ClientMetadata> {
    let (url, name, redirects) = PINNED.iter().find(|(url, ..)| *url == id.as_str())?;
    let keys = (*url == CHATGPT).then(|| CHATGPT_KEYS.to_owned());
    let methods: &[&str] = if keys.is_some() { &["none", "private_key_jwt"] } else { &[] };
    Some(ClientMetadata {
        token_endpoint_auth_methods_supported: methods.iter().map(|&m| m.to_owned()).collect(),
        jwks_uri: keys,
        redirect_uris: redirects.iter().map(|uri| RedirectUri::new(*uri)).collect(),
        token_endpoint_auth_method: AuthMethod::None,
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        response_types: vec!["code".to_owned()],
        client_name: Some((*name).to_owned()),
        ..ClientMetadata::default()
    })
}
