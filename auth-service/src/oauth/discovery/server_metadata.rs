//! Authorization server metadata (RFC 8414 §2), also served as OpenID Connect Discovery document.

use serde::Serialize;

use crate::{
    model::{Scopes, host_of},
    oauth::{DEVICE_CODE, Discovery, Endpoint, client::jwks::ALGORITHMS},
};

/// The supported client authentication methods (RFC 7591 §2).
const CLIENT_METHODS: [&str; 4] =
    ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];

/// The authorization server metadata as JSON (RFC 8414 §2).
#[derive(Debug, Serialize)]
pub struct ServerMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<String>,
    registration_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    jwks_uri: String,
    scopes_supported: Vec<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: [&'static str; 4],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    revocation_endpoint_auth_methods_supported: [&'static str; 4],
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 4],
    code_challenge_methods_supported: [&'static str; 1],
    /// `true` if a `client_id` may be the URL of the client metadata (MCP 2025-11-25).
    client_id_metadata_document_supported: bool,
    /// `true`: each authorization response has `iss` (RFC 9207 §3).
    authorization_response_iss_parameter_supported: bool,
    /// This member and the next one are mandatory in OpenID Connect Discovery §3, and its clients check
    /// for them. This server issues no ID tokens.
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
}

impl Discovery {
    /// Returns the metadata of this server for a request to the canonical `authority`.
    ///
    /// All URLs come from the configuration and the catalogue, never from the request.
    #[must_use]
    pub fn metadata(&self, authority: &str) -> ServerMetadata {
        let issuer = &self.core.config.issuer;
        let at = |endpoint: Endpoint| issuer.at(endpoint.path());
        let catalogue = self.core.catalogue();
        let scopes =
            catalogue.iter().fold(Scopes::default(), |all, next| all.union(&next.scopes.known()));
        let offline = ["offline_access".to_owned()];
        ServerMetadata {
            issuer: issuer.as_str().to_owned(),
            authorization_endpoint: self
                .own_authorization_endpoint(authority)
                .unwrap_or_else(|| at(Endpoint::Authorize)),
            token_endpoint: at(Endpoint::Token),
            device_authorization_endpoint: self
                .core
                .config
                .device_grant
                .then(|| at(Endpoint::DeviceAuthorization)),
            registration_endpoint: at(Endpoint::Register),
            revocation_endpoint: at(Endpoint::Revoke),
            introspection_endpoint: at(Endpoint::Introspect),
            jwks_uri: at(Endpoint::Jwks),
            scopes_supported: scopes.iter().map(str::to_owned).chain(offline).collect(),
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"]
                .into_iter()
                .chain(self.core.config.device_grant.then_some(DEVICE_CODE))
                .collect(),
            token_endpoint_auth_methods_supported: CLIENT_METHODS,
            token_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
            revocation_endpoint_auth_methods_supported: CLIENT_METHODS,
            revocation_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
            introspection_endpoint_auth_methods_supported: [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
            ],
            introspection_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
            code_challenge_methods_supported: ["S256"],
            client_id_metadata_document_supported: self.core.config.clients.documents.is_some(),
            authorization_response_iss_parameter_supported: true,
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["ES256"],
        }
    }

    /// Returns the authorization endpoint on the host of the only server at `authority`.
    ///
    /// Clients of MCP 2025-03-26 fetch the metadata from that host and send no `resource`. The host of
    /// the authorization request then identifies the server. The issuer stays the same (RFC 8414 §2).
    fn own_authorization_endpoint(&self, authority: &str) -> Option<String> {
        let resource = self.core.only_resource(authority)?;
        let (own, login) = (resource.authority(), self.core.config.issuer.authority());
        (host_of(own) != host_of(login))
            .then(|| format!("https://{own}{}", Endpoint::Authorize.path()))
    }
}
