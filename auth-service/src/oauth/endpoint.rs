//! The endpoints and their paths.
//!
//! The router and the metadata share this list, so that discovery never advertises an endpoint that
//! does not exist.

use crate::model::ProviderName;

/// An HTTP endpoint of the authorization server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The authorization endpoint (RFC 6749 §3.1).
    Authorize,
    /// The style sheet of the pages.
    Assets,
    /// The target of the consent form.
    Consent,
    /// The callback of the login provider `github`.
    Callback,
    /// The callback of another login provider.
    ProviderCallback,
    /// The endpoint for logout tokens of a login provider (OpenID Connect Back-Channel Logout §2.5).
    BackchannelLogout,
    /// The sign-in to the pages of people.
    SignIn,
    /// The end of a sign-in.
    SignOut,
    /// The pages of a person.
    Account,
    /// The pages of administrators.
    Administration,
    /// The token endpoint (RFC 6749 §3.2).
    Token,
    /// The device authorization endpoint (RFC 8628 §3.1).
    DeviceAuthorization,
    /// The verification page, where a person enters the code of a device (RFC 8628 §3.3).
    Device,
    /// The client registration endpoint (RFC 7591).
    Register,
    /// The client configuration endpoint (RFC 7592).
    Manage,
    /// The revocation endpoint (RFC 7009).
    Revoke,
    /// The introspection endpoint (RFC 7662).
    Introspect,
    /// The JWK Set of this server (RFC 7517).
    Jwks,
    /// The authorization check for Traefik's `ForwardAuth`.
    Verify,
    /// The feed of ended grants, read by the proxies.
    EndedGrants,
    /// The liveness endpoint of the process.
    Health,
    /// The readiness endpoint, which checks the store.
    Ready,
}

impl Endpoint {
    /// Every endpoint of this server.
    pub const ALL: [Self; 22] = [
        Self::Authorize,
        Self::Assets,
        Self::Consent,
        Self::Callback,
        Self::ProviderCallback,
        Self::BackchannelLogout,
        Self::SignIn,
        Self::SignOut,
        Self::Account,
        Self::Administration,
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

    /// Returns the path below the issuer, in the pattern syntax of the router.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Authorize => "/authorize",
            Self::Assets => "/assets/{name}",
            Self::Consent => "/authorize/consent",
            Self::Callback => "/callback",
            Self::ProviderCallback => "/callback/{provider}",
            Self::BackchannelLogout => "/backchannel-logout/{provider}",
            Self::SignIn => "/sign-in",
            Self::SignOut => "/sign-out",
            Self::Account => "/me",
            Self::Administration => "/admin",
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

/// Returns the path of the callback of `provider`. Apps of GitHub are registered with that without a name.
#[must_use]
pub fn callback_path(provider: &ProviderName) -> String {
    match Endpoint::Callback.path() {
        path if provider.is_github() => path.to_owned(),
        path => format!("{path}/{provider}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::OWN_PATHS;

    /// A server on the host of the issuer cannot take one of these paths.
    #[test]
    fn no_server_may_stand_where_an_endpoint_is() {
        for endpoint in Endpoint::ALL {
            let first = endpoint.path().split('/').nth(1).unwrap();
            assert!(OWN_PATHS.contains(&first), "{first}");
        }
    }
}
