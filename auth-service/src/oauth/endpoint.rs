//! The paths of the endpoints: one list for the router and for the metadata, so that discovery
//! cannot name what is not there.

/// An endpoint of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// RFC 6749 §3.1.
    Authorize,
    /// The form of the consent page.
    Consent,
    /// Where the login provider returns to.
    Callback,
    /// RFC 6749 §3.2.
    Token,
    /// RFC 8628 §3.1.
    DeviceAuthorization,
    /// Where a person types the code of a device.
    Device,
    /// RFC 7591.
    Register,
    /// RFC 7592.
    Manage,
    /// RFC 7009.
    Revoke,
    /// RFC 7662.
    Introspect,
    /// RFC 7517.
    Jwks,
    /// Traefik's `ForwardAuth`.
    Verify,
    /// What ended, for the proxies.
    EndedGrants,
    /// Liveness.
    Health,
    /// Readiness.
    Ready,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Authorize,
        Self::Consent,
        Self::Callback,
        Self::Token,
        Self::DeviceAuthorization,
        Self::Device,
        Self::Register,
        Self::Manage,
        Self::Revoke,
        Self::Introspect,
        Self::Jwks,
        Self::Verify,
        Self::EndedGrants,
        Self::Health,
        Self::Ready,
    ];

    /// The path at the issuer, as the router reads it.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Authorize => "/authorize",
            Self::Consent => "/authorize/consent",
            Self::Callback => "/callback",
            Self::Token => "/token",
            Self::DeviceAuthorization => "/device_authorization",
            Self::Device => "/device",
            Self::Register => "/register",
            Self::Manage => "/register/{client_id}",
            Self::Revoke => "/revoke",
            Self::Introspect => "/introspect",
            Self::Jwks => "/jwks",
            Self::Verify => "/verify",
            Self::EndedGrants => "/ended-grants",
            Self::Health => "/health",
            Self::Ready => "/ready",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::OWN_PATHS;

    /// A server on the host of the issuer takes none of these.
    #[test]
    fn no_server_may_stand_where_an_endpoint_is() {
        for endpoint in Endpoint::ALL {
            let first = endpoint.path().split('/').nth(1).unwrap();
            assert!(OWN_PATHS.contains(&first), "{first}");
        }
    }
}
