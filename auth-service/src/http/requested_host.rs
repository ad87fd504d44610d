//! The host to which the client addressed a request.

use std::net::Ipv4Addr;

use actix_web::{HttpRequest, http::header};

use super::forwarded::{self, once};
use crate::{
    model::{canonical_authority, host_of},
    oauth::AuthServer,
};

/// The host of a request, in its canonical form.
#[derive(Debug, Default)]
pub(super) struct RequestedHost(Option<String>);

impl RequestedHost {
    /// Reads `X-Forwarded-Host` of a proxy in `TRUSTED_PROXIES`, else `Host` (RFC 9112 §3.2).
    pub(super) fn read(server: &AuthServer, request: &HttpRequest) -> Self {
        // A Unix socket has no peer address: its clients are on this machine.
        let peer = request.peer_addr().map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.ip());
        let forwarded =
            server.core.trusts_forwarded(peer).then(|| one(request, &forwarded::HOST)).flatten();
        let own = || match request.head().uri.authority() {
            Some(authority) => canonical(authority.as_str()),
            None => one(request, &header::HOST),
        };
        Self(forwarded.or_else(own))
    }

    /// Returns the canonical `host` or `host:port`, or an empty string if the host is unknown.
    pub(super) fn authority(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }

    /// Returns `true` if this is the host of a server, from which a browser must be redirected to the login host.
    ///
    /// Ports are not compared. A name outside the gateway's domain is taken for one that a proxy uses internally.
    pub(super) fn is_of_a_server(&self, server: &AuthServer) -> bool {
        let host = host_of(self.authority());
        host != host_of(server.core.config.issuer.authority())
            && (server.core.catalogue().authority_for(host).is_some()
                || host
                    .strip_suffix(&server.core.config.base_domain)
                    .is_some_and(|name| name.ends_with('.')))
    }
}

/// Returns the canonical authority in a header. Returns `None` unless the header is present exactly once.
fn one(request: &HttpRequest, name: &header::HeaderName) -> Option<String> {
    once(request.headers(), name).ok().and_then(canonical)
}

fn canonical(text: &str) -> Option<String> {
    canonical_authority(text.trim()).map(std::borrow::Cow::into_owned)
}
