//! The form of the servers' public URLs.

use std::str::FromStr;

/// `SERVER_URLS`: the form of a server's public URL, unless the server states its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServerUrls {
    /// `host`: a host per server, `https://NAME.BASE_DOMAIN/mcp`.
    #[default]
    Host,
    /// `path`: a path per server, `https://BASE_DOMAIN/NAME/mcp`, for deployments with one DNS name.
    Path,
}

impl ServerUrls {
    /// Returns the default issuer at this base domain and public port.
    pub(super) fn issuer(self, domain: &str, port: u16) -> String {
        let host = match self {
            Self::Host => "auth.",
            Self::Path => "",
        };
        if port == 443 {
            format!("https://{host}{domain}")
        } else {
            format!("https://{host}{domain}:{port}")
        }
    }
}

impl FromStr for ServerUrls {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "host" => Ok(Self::Host),
            "path" => Ok(Self::Path),
            _ => Err("must be host or path"),
        }
    }
}
