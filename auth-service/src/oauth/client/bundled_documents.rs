//! Bundled client metadata documents, as a fallback when a document cannot be fetched.
//!
//! Some hosts reject requests from data centres, where most gateways run. A document that can be
//! fetched takes precedence over the bundled copy.

use crate::model::{AuthMethod, ClientId, ClientMetadata, RedirectUri};

/// URL, name and redirect URIs of each document, as published in September 2026.
///
/// The entry for Copilot CLI is derived from the requests that the program sends.
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

/// The callback of a native client, on either loopback host.
const BOTH: [&str; 2] = ["http://127.0.0.1/callback", "http://localhost/callback"];

const CHATGPT: &str = "https://chatgpt.com/oauth/client.json";
/// The keys of `ChatGPT`, which signs assertions if the server metadata lists `private_key_jwt`, and
/// otherwise acts as a public client.
const CHATGPT_KEYS: &str = "https://chatgpt.com/oauth/jwks.json";

/// Returns the bundled document of `id`.
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
