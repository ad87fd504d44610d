//! Client-supplied URLs that this server may fetch.

use url::{Host, Url};

/// Returns `true` if this server may fetch the untrusted URL `text`.
///
/// The URL must use https, a host name and no port, and all parsers must read it alike. IP addresses
/// do not name public documents. A URL with a port would let a client scan the ports of other hosts.
pub(in crate::oauth) fn is_public_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let lower = text.to_ascii_lowercase();
    let dotted = lower.split('/').any(|part| matches!(&*part.replace("%2e", "."), "." | ".."));
    url.as_str() == text
        && url.scheme() == "https"
        && matches!(url.host(), Some(Host::Domain(_)))
        && url.port().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && text.len() <= 512
        && !dotted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_urls_with_a_path_are_documents() {
        assert!(is_public_url("https://claude.ai/oauth/mcp-oauth-client-metadata"));
        assert!(is_public_url("https://claude.ai/"));
        for bad in [
            "http://claude.ai/oauth/x",
            "https://claude.ai",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://claude.ai:8443/x",
            "https://user@claude.ai/x",
            "https://claude.ai/x#y",
            "https://claude.ai/a/../x",
            "https://claude.ai/a/%2e%2e/x",
            "https://CLAUDE.ai/x",
            "https://claude.ai\\x",
        ] {
            assert!(!is_public_url(bad), "{bad}");
        }
    }
}
