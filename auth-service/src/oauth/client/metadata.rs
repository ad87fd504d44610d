//! Validation of client metadata (RFC 7591 §2), from registrations and from metadata documents.

use serde_json::{Map, Value};

use super::{jwks, members, redirect_uri};
use crate::{
    model::ClientMetadata,
    oauth::{Clients, Error, legible::misleads},
};

/// The device code grant type (RFC 8628 §3.4).
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

const MAX_REDIRECT_URIS: usize = 20;

/// The maximum size of the stored metadata as JSON, in bytes.
const MAX_METADATA: usize = 4 * 1024;

/// The settings that limit the metadata of a client.
#[derive(Clone, Copy)]
pub(in crate::oauth) struct Terms<'a> {
    /// The allowed private-use schemes of redirect URIs (`REDIRECT_SCHEMES`).
    pub(in crate::oauth) app_schemes: &'a [String],
    /// `true` if the device grant is enabled (`DEVICE_GRANT`).
    pub(in crate::oauth) device_grant: bool,
}

impl Clients {
    pub(in crate::oauth) fn terms(&self) -> Terms<'_> {
        let app_schemes = &self.core.config.clients.redirect_schemes;
        Terms { app_schemes, device_grant: self.core.config.device_grant }
    }
}

/// Parses the metadata in `body` and checks it against `terms`.
///
/// Ignores unknown members (RFC 7591 §2), and invalid members that no decision depends on.
pub(in crate::oauth) fn parse(body: &[u8], terms: Terms<'_>) -> Result<ClientMetadata, Error> {
    of_members(members::usable(body)?, terms)
}

/// Parses the metadata in `members`, as returned by [`members::usable`].
pub(in crate::oauth) fn of_members(
    members: Map<String, Value>,
    terms: Terms<'_>,
) -> Result<ClientMetadata, Error> {
    let refuse = |why: &'static str| Err(Error::InvalidClientMetadata(why.into()));
    let Ok(mut metadata) = serde_json::from_value::<ClientMetadata>(members.into()) else {
        return refuse("a member does not have the type that RFC 7591 defines");
    };
    check_texts(&metadata)?;
    jwks::check(&metadata)?;
    // Unsupported grant types are dropped, as RFC 7591 §3.2.1 allows: clients list the grant types
    // that they can use, not those that they need.
    let offered = |kind: &str| match kind {
        "authorization_code" | "refresh_token" => true,
        DEVICE_CODE => terms.device_grant,
        _ => false,
    };
    metadata.grant_types.retain(|kind| offered(kind));
    let has = |grant: &str| metadata.grant_types.iter().any(|kind| kind == grant);
    let asked = !metadata.response_types.is_empty();
    metadata.response_types.retain(|kind| kind == "code");
    match (metadata.response_types.is_empty(), asked) {
        (true, true) => {
            return refuse("response_types must include code, the only supported response type");
        }
        (true, false) if has("authorization_code") => metadata.response_types.push("code".into()),
        _ => {}
    }
    if has("authorization_code") || !metadata.redirect_uris.is_empty() {
        check_redirect_uris(&metadata, terms.app_schemes)?;
    }
    if !has("authorization_code") && !has(DEVICE_CODE) {
        return refuse(if terms.device_grant {
            "grant_types must include authorization_code or device_code"
        } else {
            "grant_types must include authorization_code; the device grant is disabled (DEVICE_GRANT)"
        });
    }
    metadata.application_type = Some(application_type(&metadata).to_owned());
    if is_too_large(&metadata) {
        members::drop_irrelevant(&mut metadata);
    }
    if is_too_large(&metadata) {
        return refuse("the metadata, including redirect_uris, is larger than 4096 bytes");
    }
    Ok(metadata)
}

fn is_too_large(metadata: &ClientMetadata) -> bool {
    serde_json::to_vec(metadata).map_or(true, |text| text.len() > MAX_METADATA)
}

/// Returns the `application_type` of a client, `web` or `native`.
///
/// MCP clients must send the member (SEP-837), but none is rejected for omitting it. An absent or
/// unknown type is derived from the redirect URIs.
fn application_type(metadata: &ClientMetadata) -> &'static str {
    match metadata.application_type.as_deref() {
        Some("web") => "web",
        Some("native") => "native",
        _ if metadata.redirect_uris.iter().all(redirect_uri::is_native) => "native",
        _ => "web",
    }
}

fn check_redirect_uris(metadata: &ClientMetadata, app_schemes: &[String]) -> Result<(), Error> {
    match metadata.redirect_uris.len() {
        0 => return Err(Error::InvalidRedirectUri("redirect_uris is missing or empty".into())),
        1..=MAX_REDIRECT_URIS => {}
        _ => {
            return Err(Error::InvalidRedirectUri("redirect_uris has more than 20 entries".into()));
        }
    }
    metadata.redirect_uris.iter().try_for_each(|uri| redirect_uri::check(uri, app_schemes))
}

/// Checks the strings that are displayed to a person or the operator, or that affect a decision.
pub(in crate::oauth) fn check_texts(metadata: &ClientMetadata) -> Result<(), Error> {
    let refuse = |why: &'static str| Err(Error::InvalidClientMetadata(why.into()));
    let name = metadata.client_name.as_deref().unwrap_or_default();
    if !members::is_short(name) {
        return refuse("client_name is longer than 100 characters");
    }
    if misleads(name) {
        return refuse("client_name contains control or invisible characters");
    }
    let keys = [&metadata.jwks_uri, &metadata.token_endpoint_auth_signing_alg];
    let mut others = keys.into_iter().flatten().chain(&metadata.grant_types);
    if others.any(|text| text.len() > members::MAX_TEXT || misleads(text)) {
        return refuse(
            "jwks_uri, token_endpoint_auth_signing_alg or grant_types contains a string that is longer \
             than 2048 bytes or has control characters",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AuthMethod;

    fn parse(body: &[u8]) -> Result<ClientMetadata, Error> {
        let app_schemes = &["cursor".to_owned()];
        super::parse(body, Terms { app_schemes, device_grant: true })
    }

    #[test]
    fn unknown_members_and_unknown_grants_do_not_matter() {
        let body = br#"{"redirect_uris":["http://localhost/cb"],"logo_uri":null,"x":{"y":1},
            "grant_types":["authorization_code","urn:ietf:params:oauth:grant-type:jwt-bearer"]}"#;
        let metadata = parse(body).unwrap();
        assert_eq!(metadata.grant_types, ["authorization_code"]);
        assert_eq!(metadata.token_endpoint_auth_method, AuthMethod::ClientSecretBasic);
        assert!(!serde_json::to_string(&metadata).unwrap().contains("null"));
    }

    /// A disabled grant type is dropped from a list, and rejected if it is the only one.
    #[test]
    fn s13_the_device_grant_is_taken_only_where_it_is_offered() {
        let with = |grants: &[&str], device_grant| {
            let grants = serde_json::to_string(grants).unwrap();
            let body =
                format!(r#"{{"redirect_uris":["https://a.example/"],"grant_types":{grants}}}"#);
            let terms = Terms { app_schemes: &[], device_grant };
            super::parse(body.as_bytes(), terms).map(|metadata| metadata.grant_types).ok()
        };
        let both = ["authorization_code", DEVICE_CODE];
        assert_eq!(with(&both, true).unwrap(), both);
        assert_eq!(with(&both, false).unwrap(), ["authorization_code"]);
        for alone in [&[DEVICE_CODE][..], &[DEVICE_CODE, "refresh_token"]] {
            assert!(with(alone, true).is_some() && with(alone, false).is_none());
        }
    }

    #[test]
    fn what_a_client_is_follows_from_its_redirect_uris() {
        let kind = |more: &str, uris: &[&str]| {
            let uris = serde_json::to_string(uris).unwrap();
            let body = format!(r#"{{"redirect_uris":{uris}{more}}}"#);
            parse(body.as_bytes()).unwrap().application_type.unwrap()
        };
        let (local, web, app) = ("http://127.0.0.1/cb", "https://a.example/cb", "cursor://x/cb");
        assert_eq!(kind("", &[local, app, "com.example.app:/cb"]), "native");
        assert_eq!(kind("", &[local, web]), "web");
        assert_eq!(kind(r#","application_type":"toaster""#, &[local]), "native");
        assert_eq!(kind(r#","application_type":"web""#, &[local]), "web");
        assert_eq!(kind(r#","application_type":"native""#, &[web]), "native");
    }

    #[test]
    fn keys_are_public_and_in_one_place() {
        let with = |more: &str| {
            let body = format!(
                r#"{{"redirect_uris":["https://a.example/"],
                "token_endpoint_auth_method":"private_key_jwt"{more}}}"#
            );
            parse(body.as_bytes()).map(|_| ()).map_err(|error| error.code().as_str())
        };
        let (jwks, uri) = (
            concat!(
                r#","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","#,
                r#""x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#
            ),
            r#","jwks_uri":"https://a.example/jwks.json""#,
        );
        assert_eq!((with(jwks), with(uri)), (Ok(()), Ok(())));
        for bad in [
            "",
            &format!("{jwks}{uri}"),
            r#","jwks_uri":"http://a.example/jwks.json""#,
            r#","jwks_uri":"https://127.0.0.1/jwks.json""#,
            r#","jwks":{"keys":[]}"#,
            r#","jwks":[]"#,
            r#","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}]}"#,
            r#","jwks":{"keys":[{"kty":"oct","k":"AA"}]}"#,
            &format!(r#"{jwks},"token_endpoint_auth_signing_alg":"HS256""#),
        ] {
            assert_eq!(with(bad), Err("invalid_client_metadata"), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_code_of_rfc_7591() {
        let code = |body: &str| parse(body.as_bytes()).unwrap_err().code().as_str();
        assert_eq!(code("{}"), "invalid_redirect_uri");
        assert_eq!(code(r#"{"redirect_uris":["javascript:x"]}"#), "invalid_redirect_uri");
        assert_eq!(code("[]"), "invalid_client_metadata");
        assert_eq!(code(r#"{"redirect_uris":"https://a/"}"#), "invalid_client_metadata");
        let method = r#"{"redirect_uris":["https://a/"],"token_endpoint_auth_method":"magic"}"#;
        assert_eq!(code(method), "invalid_client_metadata");
        let turned = "{\"redirect_uris\":[\"https://a/\"],\"client_name\":\"A\u{202e}B\"}";
        assert_eq!(code(turned), "invalid_client_metadata");
        let long =
            format!(r#"{{"redirect_uris":["https://a/"],"client_name":"{}"}}"#, "x".repeat(2049));
        assert_eq!(code(&long), "invalid_client_metadata");
    }
}
