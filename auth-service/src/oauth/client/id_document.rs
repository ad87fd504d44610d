//! Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document; MCP 2025-11-25).
//!
//! A client whose `client_id` is the URL of its metadata document needs no registration.

use gateway_contract::audit::EventKind;
use std::time::Duration;

use log::Level;
use serde::Deserialize;
use url::Url;

use super::{
    bundled_documents::pinned,
    jwks, members,
    metadata::{self, Terms},
    public_url::is_public_url,
};
use crate::{
    model::{AuthMethod, Chain, Client, ClientId, ClientMetadata, DocumentRecord},
    oauth::{Clients, Error},
};

/// The time that a stale document remains usable while fetching it again fails.
const STALE: Duration = Duration::from_hours(24 * 30);

/// The document that a caller needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The current one: a stale document is fetched again first.
    Current,
    /// The last known one: a stale document is fetched again in the background.
    LastKnown,
}

impl Clients {
    /// Returns the client `id`: a registered client, or the one described by the document at that URL. A person
    /// waits for it, so a stale document is fetched first.
    pub(in crate::oauth) async fn client(&self, id: &ClientId) -> Result<Client, Error> {
        self.find(id, Wanted::Current).await
    }

    /// Returns the client `id` without a fetch, if anything is known of it.
    ///
    /// A program that refreshes its token gives up after about two seconds. The refresh token would
    /// then be rotated, and the program would not have the new one.
    pub(super) async fn client_at_once(&self, id: &ClientId) -> Result<Client, Error> {
        self.find(id, Wanted::LastKnown).await
    }

    async fn find(&self, id: &ClientId, wanted: Wanted) -> Result<Client, Error> {
        let (store, now) = (&self.core.store.clients, self.core.now());
        if self.core.store.barred.refused_since(id).await?.is_some() {
            return Err(Error::UnauthorizedClient(
                "an administrator of this gateway has refused this client",
            ));
        }
        if !is_document(id) {
            return store.client(id, now).await?.ok_or(Error::InvalidClient);
        }
        let publisher = publisher(id).ok_or(Error::InvalidClient)?;
        let hosts = self.core.config.clients.documents.as_ref();
        if !hosts.is_some_and(|hosts| hosts.permits(&publisher)) {
            log::info!(client:% = id; "client document not permitted by CLIENT_DOCUMENTS, CLIENT_DOCUMENT_ALLOW or CLIENT_DOCUMENT_DENY");
            return Err(Error::DocumentNotAccepted(publisher));
        }
        let kept = store.client_document(id, now).await?;
        if let Some(fresh) = kept.as_ref().filter(|record| now < record.fresh_until) {
            return Ok(described(id, fresh.clone()));
        }
        let known = kept.clone().or_else(|| pinned(id).map(bundled));
        match known {
            Some(known) if wanted == Wanted::LastKnown => {
                let (clients, id) = (self.clone(), id.clone());
                let client = described(&id, known);
                // The number of fetches in flight is limited, and a failure is remembered.
                tokio::spawn(async move { clients.renewed(&id, &publisher, kept.as_ref()).await });
                Ok(client)
            }
            known => {
                let renewed = self.renewed(id, &publisher, kept.as_ref()).await;
                // The alternative to a stale document is to lock the client out.
                Ok(described(id, renewed.or_else(|error| known.ok_or(error))?))
            }
        }
    }

    /// Fetches the document of `id` and logs how it differs from the one that is `kept`.
    async fn renewed(
        &self,
        id: &ClientId,
        publisher: &str,
        kept: Option<&DocumentRecord>,
    ) -> Result<DocumentRecord, Error> {
        self.fetch_document(id, publisher, kept).await
    }

    /// Marks the document of `id` as in use, after a person consented to the client.
    pub(in crate::oauth) async fn keep_document(&self, id: &ClientId) -> Result<(), Error> {
        let now = self.core.now();
        match self.core.store.clients.client_document(id, now).await? {
            Some(record) if !record.in_use => {
                let expires_at = record.fresh_until.plus(STALE);
                let record = DocumentRecord { in_use: true, expires_at, ..record };
                Ok(self.core.store.clients.put_client_document(id, &record, now, None).await?)
            }
            _ => Ok(()),
        }
    }

    /// Fetches the document of `id` and caches it. `kept` is the record that it replaces.
    ///
    /// Only a document in use outlives its freshness, because any request can name a document. A client
    /// is in use once a person has consented to it.
    async fn fetch_document(
        &self,
        id: &ClientId,
        publisher: &str,
        kept: Option<&DocumentRecord>,
    ) -> Result<DocumentRecord, Error> {
        let in_use = kept.is_some_and(|kept| kept.in_use);
        let document = self.core.documents.fetch(id.as_str(), self.core.now()).await.map_err(|error| {
            let level = if error.is_repeated() { Level::Debug } else { Level::Warn };
            log::log!(
                level, client:% = id;
                "client document not fetched; with CLIENT_DOCUMENTS=false such clients register instead: {}",
                Chain(&error)
            );
            Error::ClientDocument(publisher.to_owned())
        })?;
        let now = self.core.now();
        let metadata = parse(id, &document.body, self.terms()).map_err(|error| {
            log::warn!(client:% = id; "client document refused: {error}");
            self.core.documents.reject(id.as_str(), now);
            Error::ClientDocument(publisher.to_owned())
        })?;
        let fresh_until = now.plus(document.keep);
        let expires_at = if in_use { fresh_until.plus(STALE) } else { fresh_until };
        let record = DocumentRecord { metadata, in_use, fresh_until, expires_at };
        let changed = kept.and_then(|kept| report_changes(id, kept, &record));
        let entry = changed.and_then(|changed| {
            let name = record.metadata.client_name.as_deref().unwrap_or("");
            let updated = self.core.draft(EventKind::ClientUpdated).client(id, name);
            self.core.entry(updated.reason(&format!("document: {changed}")))
        });
        let clients = &self.core.store.clients;
        clients.put_client_document(id, &record, now, entry.as_ref()).await?;
        Ok(record)
    }
}

/// Returns `true` if `id` is the URL of a metadata document, and not the id of a registration.
pub(in crate::oauth) fn is_document(id: &ClientId) -> bool {
    id.as_str().contains("://")
}

/// Returns the host that publishes the document of `id`.
///
/// The host is the only verified fact about such a client. The document chooses its own client name.
#[must_use]
pub fn publisher(id: &ClientId) -> Option<String> {
    let url = is_public_url(id.as_str()).then(|| Url::parse(id.as_str()).ok()).flatten()?;
    url.host_str().map(str::to_owned)
}

/// Logs and returns the differences between the old and the new document of a client in use.
///
/// Grants stay valid, because key rotation is routine and each request is checked against the new
/// document. A change of the client name or of a redirect host requires a new consent, because the
/// consent page showed both (draft §8.4).
fn report_changes(
    id: &ClientId,
    before: &DocumentRecord,
    after: &DocumentRecord,
) -> Option<String> {
    let changed = changes(&before.metadata, &after.metadata);
    if !before.in_use || changed.is_empty() {
        return None;
    }
    let changed = changed.join(", ");
    log::info!(client:% = id, changed; "client document changed: {changed}");
    Some(changed)
}

/// Returns the names of the members that differ between two documents of a client.
///
/// Compares only the members that affect authentication, the consent page and redirects.
fn changes(old: &ClientMetadata, new: &ClientMetadata) -> Vec<&'static str> {
    let members = [
        ("client_name", old.client_name == new.client_name),
        ("redirect_uris", old.redirect_uris == new.redirect_uris),
        (
            "token_endpoint_auth_method",
            old.token_endpoint_auth_method == new.token_endpoint_auth_method,
        ),
        ("keys", old.jwks == new.jwks && old.jwks_uri == new.jwks_uri),
    ];
    members.into_iter().filter_map(|(name, same)| (!same).then_some(name)).collect()
}

/// Returns the record of a bundled document: in use, and never fresh, so that fetching is retried.
fn bundled(metadata: ClientMetadata) -> DocumentRecord {
    let ended = crate::model::UnixTime(0);
    DocumentRecord { metadata, in_use: true, fresh_until: ended, expires_at: ended }
}

fn described(id: &ClientId, document: DocumentRecord) -> Client {
    Client {
        id: id.clone(),
        secret: None,
        registration_token: None,
        issued_at: crate::model::UnixTime(0),
        expires_at: None,
        preregistered: false,
        unused: !document.in_use,
        own_access: None,
        metadata: document.metadata,
    }
}

/// Parses the document of `id` (draft §4).
///
/// The document must contain its own URL as `client_id` and must not contain a secret.
pub(in crate::oauth) fn parse(
    id: &ClientId,
    body: &[u8],
    terms: Terms<'_>,
) -> Result<ClientMetadata, Error> {
    #[derive(Deserialize)]
    struct Identity {
        client_id: String,
        client_secret: Option<serde::de::IgnoredAny>,
        token_endpoint_auth_method: Option<String>,
        #[serde(default)]
        token_endpoint_auth_methods_supported: Vec<String>,
        jwks: Option<serde::de::IgnoredAny>,
        jwks_uri: Option<serde::de::IgnoredAny>,
    }
    impl Identity {
        const fn has_keys(&self) -> bool {
            self.jwks.is_some() || self.jwks_uri.is_some()
        }
    }
    let refuse = |why: &'static str| Err(Error::InvalidClientMetadata(why.into()));
    let members = members::usable(body)?;
    let Ok(identity) = serde_json::from_value::<Identity>(members.clone().into()) else {
        return refuse("the document is not a JSON object with a client_id");
    };
    // MCP: "the client_id in the document MUST match the URL exactly".
    if identity.client_id != id.as_str() {
        return refuse("client_id does not match the URL of the document");
    }
    if identity.client_secret.is_some() {
        return refuse("client_secret is not allowed in a public document");
    }
    // "token_endpoint_auth_method … MUST NOT include" methods with a shared secret.
    let choice = &identity.token_endpoint_auth_methods_supported;
    let lists = |method: &str| choice.iter().any(|listed| listed == method);
    let method = match identity.token_endpoint_auth_method.as_deref() {
        Some("private_key_jwt") => AuthMethod::PrivateKeyJwt,
        // Given a choice, prefer the stronger method, if the document has the keys for it.
        None if lists("private_key_jwt") && (identity.has_keys() || !lists("none")) => {
            AuthMethod::PrivateKeyJwt
        }
        Some("none") | None => AuthMethod::None,
        Some(_) => {
            return refuse(
                "token_endpoint_auth_method must be none or private_key_jwt in a document",
            );
        }
    };
    let mut metadata = metadata::of_members(members, terms)?;
    if metadata.client_name.is_none() {
        return refuse("client_name is missing");
    }
    metadata.token_endpoint_auth_method = method;
    jwks::check(&metadata)?;
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_says_whose_it_is_and_has_no_secret() {
        let id = ClientId::parsed("https://a.example/client.json");
        let with = |more: &str| {
            let text =
                format!(r#"{{"client_name":"A","redirect_uris":["https://a.example/cb"]{more}}}"#);
            parse(&id, text.as_bytes(), Terms { app_schemes: &[], device_grant: true })
        };
        let own = r#","client_id":"https://a.example/client.json""#;
        assert_eq!(with(own).unwrap().token_endpoint_auth_method, AuthMethod::None);
        assert!(with("").is_err());
        assert!(with(r#","client_id":"https://a.example/client.json/""#).is_err());
        assert!(with(&format!(r#"{own},"client_secret":"x""#)).is_err());
        let method = r#","token_endpoint_auth_method":"client_secret_post""#;
        assert!(with(&format!("{own}{method}")).is_err());
    }

    #[test]
    fn a11_a_change_of_what_counts_is_noticed() {
        let id = ClientId::parsed("https://a.example/c");
        let with = |name: &str, redirect: &str, more: &str| {
            let text = format!(
                r#"{{"client_id":"https://a.example/c","client_name":"{name}","redirect_uris":["{redirect}"]{more}}}"#
            );
            parse(&id, text.as_bytes(), Terms { app_schemes: &[], device_grant: true }).unwrap()
        };
        let one = with("A", "https://a.example/cb", "");
        let keys =
            r#","token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://a.example/k""#;
        assert!(
            changes(&one, &with("A", "https://a.example/cb", r#","logo_uri":null"#)).is_empty()
        );
        assert_eq!(changes(&one, &with("B", "https://a.example/cb", "")), ["client_name"]);
        assert_eq!(changes(&one, &with("A", "https://b.example/cb", "")), ["redirect_uris"]);
        let signed = changes(&one, &with("A", "https://a.example/cb", keys));
        assert_eq!(signed, ["token_endpoint_auth_method", "keys"]);
    }
}
