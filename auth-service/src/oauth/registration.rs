//! Dynamic client registration (RFC 7591).

use serde::Serialize;

use super::{AuthServer, Endpoint, Error, redirect_uri};
use crate::model::{
    AuthMethod, Client, ClientId, ClientMetadata, ClientSecret, RegistrationToken, UnixTime,
};

const MAX_REDIRECT_URIS: usize = 20;
const MAX_TEXT: usize = 2048;
/// A name stands on the consent page above what a person has to read.
const MAX_NAME: usize = 100;

/// The answer to a registration (RFC 7591 §3.2.1, RFC 7592 §3). No member is ever `null`: clients
/// refuse that.
#[derive(Debug, Serialize)]
pub struct Registered {
    client_id: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    client_id_issued_at: UnixTime,
    /// "REQUIRED if `client_secret` is issued"; 0: a secret ends only with its registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_access_token: Option<String>,
    registration_client_uri: String,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

impl AuthServer {
    /// Registers a client from the JSON document `body`.
    pub async fn register(&self, body: &[u8]) -> Result<Registered, Error> {
        let metadata = parse(body)?;
        let now = self.now();
        let secret = match metadata.token_endpoint_auth_method {
            AuthMethod::None => None,
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => {
                Some(ClientSecret::generate()?)
            }
        };
        let token = RegistrationToken::generate()?;
        let client = Client {
            id: ClientId::generate()?,
            secret: secret.as_ref().map(ClientSecret::fingerprint),
            registration_token: Some(token.fingerprint()),
            issued_at: now,
            expires_at: self.config.lifetimes.client.map(|life| now.plus(life)),
            metadata,
        };
        self.store.put_client(&client, now).await?;
        log::info!(target: "audit", client:% = client.id; "client registered");
        Ok(self.registered(client, secret.as_ref(), Some(&token)))
    }

    /// A use of the registration renews it: a client that people work with does not expire.
    pub(super) async fn renew_client(&self, client: &Client) -> Result<(), Error> {
        let Some(life) = self.config.lifetimes.client else { return Ok(()) };
        if client.registration_token.is_none() {
            return Ok(());
        }
        let now = self.now();
        if self.store.renew_client(&client.id, now.plus(life), now).await? {
            Ok(())
        } else {
            Err(Error::InvalidClient)
        }
    }

    pub(super) fn registered(
        &self,
        client: Client,
        secret: Option<&ClientSecret>,
        token: Option<&RegistrationToken>,
    ) -> Registered {
        let path = format!("{}/{}", Endpoint::Register.path(), client.id);
        Registered {
            client_id: client.id,
            client_secret: secret.map(|secret| secret.reveal().to_owned()),
            client_id_issued_at: client.issued_at,
            client_secret_expires_at: client.secret.map(|_| 0),
            registration_access_token: token.map(|token| token.reveal().to_owned()),
            registration_client_uri: self.config.issuer.at(&path),
            metadata: client.metadata,
        }
    }
}

/// The metadata in `body`, if a client may register it. Members that we do not know are ignored
/// (RFC 7591 §2).
pub(super) fn parse(body: &[u8]) -> Result<ClientMetadata, Error> {
    let mut metadata: ClientMetadata = serde_json::from_slice(body).map_err(|_| {
        Error::InvalidClientMetadata("the body must be a JSON object with members of RFC 7591")
    })?;
    check_redirect_uris(&metadata)?;
    check_texts(&metadata)?;
    if metadata.response_types.iter().any(|kind| kind != "code") {
        return Err(Error::InvalidClientMetadata("response_types may only have code"));
    }
    // Grants that this server does not offer are left out, as RFC 7591 §3.2.1 allows: clients list
    // what they can do, not what they need.
    metadata.grant_types.retain(|kind| matches!(&**kind, "authorization_code" | "refresh_token"));
    if !metadata.grant_types.iter().any(|kind| kind == "authorization_code") {
        return Err(Error::InvalidClientMetadata("grant_types must have authorization_code"));
    }
    Ok(metadata)
}

fn check_redirect_uris(metadata: &ClientMetadata) -> Result<(), Error> {
    match metadata.redirect_uris.len() {
        0 => return Err(Error::InvalidRedirectUri("redirect_uris is missing or empty")),
        1..=MAX_REDIRECT_URIS => {}
        _ => return Err(Error::InvalidRedirectUri("more than 20 redirect_uris")),
    }
    metadata.redirect_uris.iter().try_for_each(redirect_uri::check)
}

fn check_texts(metadata: &ClientMetadata) -> Result<(), Error> {
    let single = [
        &metadata.client_name,
        &metadata.client_uri,
        &metadata.logo_uri,
        &metadata.tos_uri,
        &metadata.policy_uri,
        &metadata.application_type,
        &metadata.software_id,
        &metadata.software_version,
    ];
    let contacts = metadata.contacts.iter().flatten();
    let texts = single.into_iter().flatten().chain(contacts).chain(&metadata.grant_types);
    if metadata.client_name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
        return Err(Error::InvalidClientMetadata("client_name is longer than 100 characters"));
    }
    for text in texts {
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

/// Whether a character can make a text look like another one: controls, and the invisible ones that
/// turn the direction of what follows, also outside the text itself.
fn hides(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{feff}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}');
    c.is_control() || invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_members_and_unknown_grants_do_not_matter() {
        let body = br#"{"redirect_uris":["http://localhost/cb"],"logo_uri":null,"x":{"y":1},
            "grant_types":["authorization_code","urn:ietf:params:oauth:grant-type:jwt-bearer"]}"#;
        let metadata = parse(body).unwrap();
        assert_eq!(metadata.grant_types, ["authorization_code"]);
        assert_eq!(metadata.token_endpoint_auth_method, AuthMethod::ClientSecretBasic);
        assert!(!serde_json::to_string(&metadata).unwrap().contains("null"));
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
