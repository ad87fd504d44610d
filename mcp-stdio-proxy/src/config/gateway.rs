//! The options on the gateway that requests come through.

use reqwest::Url;

use super::values::web_url;

/// The keys and the feed of the gateway.
#[derive(Clone, Debug, clap::Args)]
pub struct Gateway {
    /// Serve only requests with an X-MCP-Identity signed by a key of this JWK Set, the /jwks of the gateway; requests
    /// that bypass the gateway are rejected
    #[arg(long, env = "MCP_IDENTITY_JWKS", value_name = "URL", value_parser = web_url)]
    pub identity_jwks: Option<Url>,
    /// The gateway's feed of ended grants, whose streams and requests are ended, too; by default /ended-grants next to
    /// the keys of --identity-jwks
    #[arg(
        long, env = "MCP_ENDED_GRANTS", value_name = "URL", value_parser = web_url,
        requires = "identity_jwks"
    )]
    pub ended_grants: Option<Url>,
}

impl Gateway {
    /// Returns the URLs of the keys and of the feed of ended grants. Returns `None` if requests need not come from a
    /// gateway.
    #[must_use]
    pub fn urls(&self) -> Option<(Url, Url)> {
        let keys = self.identity_jwks.clone()?;
        let beside = || keys.join("ended-grants").unwrap_or_else(|_| keys.clone());
        let ended = self.ended_grants.clone().unwrap_or_else(beside);
        Some((keys, ended))
    }
}
