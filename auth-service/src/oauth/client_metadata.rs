//! Client metadata (RFC 7591 §2): what of it is taken, from a registration as from a document.

use serde_json::{Map, Value};
use url::{Host, Url};

use super::{AuthServer, DEVICE_CODE, Error, client_keys, redirect_uri};
use crate::model::ClientMetadata;

const MAX_REDIRECT_URIS: usize = 20;
const MAX_TEXT: usize = 2048;
/// A name stands on the consent page above what a person has to read.
const MAX_NAME: usize = 100;
/// Everything together, as it is stored.
const MAX_METADATA: usize = 4 * 1024;

/// What the operator takes of a client's metadata.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// The private-use schemes of redirect URIs.
    pub(super) app_schemes: &'a [String],
    /// Whether the device grant is offered.
    pub(super) device_grant: bool,
}

impl AuthServer {
    pub(super) fn terms(&self) -> Terms<'_> {
        let app_schemes = &self.config.clients.redirect_schemes;
        Terms { app_schemes, device_grant: self.config.device_grant }
    }
}

/// Reads the metadata in `body`, if a client may have it by `terms`. Members that we do not know are
/// ignored (RFC 7591 §2), and so is `null`, which is no value.
pub(super) fn parse(body: &[u8], terms: Terms<'_>) -> Result<ClientMetadata, Error> {
    let malformed =
        Error::InvalidClientMetadata("the body must be a JSON object with members of RFC 7591");
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(body) else {
        return Err(malformed);
    };
    members.retain(|_, value| !value.is_null());
    let Ok(mut metadata) = serde_json::from_value::<ClientMetadata>(members.into()) else {
        return Err(malformed);
    };
    check_texts(&metadata)?;
    client_keys::check(&metadata)?;
    if metadata.response_types.iter().any(|kind| kind != "code") {
        return Err(Error::InvalidClientMetadata("response_types may only have code"));
    }
    // Grants that this server does not offer are left out, as RFC 7591 §3.2.1 allows: clients list
    // what they can do, not what they need.
    let offered = |kind: &str| match kind {
        "authorization_code" | "refresh_token" => true,
        DEVICE_CODE => terms.device_grant,
        _ => false,
    };
    metadata.grant_types.retain(|kind| offered(kind));
    let has = |grant: &str| metadata.grant_types.iter().any(|kind| kind == grant);
    if has("authorization_code") || !metadata.redirect_uris.is_empty() {
        check_redirect_uris(&metadata, terms.app_schemes)?;
    }
    if !has("authorization_code") && !has(DEVICE_CODE) {
        return Err(Error::InvalidClientMetadata(if terms.device_grant {
            "grant_types must have authorization_code or device_code"
        } else {
            "grant_types must have authorization_code; devices cannot be connected here"
        }));
    }
    metadata.application_type = Some(application_type(&metadata).to_owned());
    if serde_json::to_vec(&metadata).map_or(true, |text| text.len() > MAX_METADATA) {
        return Err(Error::InvalidClientMetadata("the metadata is larger than 4096 bytes"));
    }
    Ok(metadata)
}

/// MCP clients must say what they are (SEP-837), and none is refused for it: what is absent or
/// unknown follows from where the redirect URIs lead.
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
        0 => return Err(Error::InvalidRedirectUri("redirect_uris is missing or empty")),
        1..=MAX_REDIRECT_URIS => {}
        _ => return Err(Error::InvalidRedirectUri("more than 20 redirect_uris")),
    }
    metadata.redirect_uris.iter().try_for_each(|uri| redirect_uri::check(uri, app_schemes))
}

pub(super) fn check_texts(metadata: &ClientMetadata) -> Result<(), Error> {
    let single = [
        &metadata.client_name,
        &metadata.client_uri,
        &metadata.logo_uri,
        &metadata.tos_uri,
        &metadata.policy_uri,
        &metadata.application_type,
        &metadata.software_id,
        &metadata.software_version,
        &metadata.token_endpoint_auth_signing_alg,
        &metadata.jwks_uri,
    ];
    let contacts = metadata.contacts.iter().flatten();
    let texts = single.into_iter().flatten().chain(contacts).chain(&metadata.grant_types);
    let localized = &metadata.localized;
    let others = localized.iter().filter(|(member, _)| member.starts_with("client_name#"));
    let mut names = metadata.client_name.iter().chain(others.map(|(_, name)| name));
    if names.any(|name| name.chars().count() > MAX_NAME) {
        return Err(Error::InvalidClientMetadata("client_name is longer than 100 characters"));
    }
    for text in texts.chain(localized.values()) {
        if text.len() > MAX_TEXT || text.chars().any(hides) {
            return Err(Error::InvalidClientMetadata(
                "a text is longer than 2048 bytes or has control characters",
            ));
        }
    }
    if metadata.contacts.as_ref().is_some_and(|contacts| contacts.len() > 20) {
        return Err(Error::InvalidClientMetadata("more than 20 contacts"));
    }
    Ok(())
}

/// Whether this server would fetch `text` if a stranger named it: https, a host name, no port, and
/// nothing that two readers could take for different URLs. Addresses and other ports are no public
/// documents.
pub(super) fn is_public_url(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let lower = text.to_ascii_lowercase();
    let dotted = lower.split('/').any(|part| matches!(&*part.replace("%2e", "."), "." | ".."));
    url.as_str() == text
        && url.scheme() == "https"
        && matches!(url.host(), Some(Host::Domain(_)))
        && url.port().is_none()
        && url.path() != "/"
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && text.len() <= 512
        && !dotted
}

/// Whether a character can make a text look like another one: controls, and the invisible ones that
/// turn the direction of what follows, also outside the text itself.
pub(super) fn hides(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{feff}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}');
    c.is_control() || invisible
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

    /// A grant that is turned off is one that is not offered: left out beside others, refused alone.
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
