//! Client metadata documents that serve when they cannot be fetched: the hosts of some refuse
//! fetches from data centres, where most gateways live. What the host says wins whenever it can be
//! asked.

use crate::model::{AuthMethod, ClientId, ClientMetadata, RedirectUri};

/// URL, name and redirect URIs, as published in September 2026.
const PINNED: [(&str, &str, &[&str]); 2] = [
    (
        "https://claude.ai/oauth/mcp-oauth-client-metadata",
        "Claude",
        &["https://claude.ai/api/mcp/auth_callback"],
    ),
    (
        "https://claude.ai/oauth/claude-code-client-metadata",
        "Claude Code",
        &["http://localhost/callback", "http://127.0.0.1/callback"],
    ),
];

/// The pinned document of `id`.
pub(super) fn pinned(id: &ClientId) -> Option<ClientMetadata> {
    let (_, name, redirects) = PINNED.iter().find(|(url, ..)| *url == id.as_str())?;
    Some(ClientMetadata {
        redirect_uris: redirects.iter().map(|uri| RedirectUri::new(*uri)).collect(),
        token_endpoint_auth_method: AuthMethod::None,
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        response_types: vec!["code".to_owned()],
        client_name: Some((*name).to_owned()),
        ..ClientMetadata::default()
    })
}
