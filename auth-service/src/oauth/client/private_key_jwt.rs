//! Client authentication with a signed JWT, `private_key_jwt` (RFC 7523 §2.2, §3; RFC 7521 §4.2).

use std::time::Duration;

use jsonwebtoken::{Header, dangerous, decode_header};
use log::Level;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{id_document, jwks};
use crate::{
    model::{
        AuthMethod, Chain, Client, ClientAssertion, ClientId, Fingerprint, KeysRecord, UnixTime,
    },
    oauth::{Clients, Endpoint, Error},
};

/// The tolerated clock skew between client and server, in seconds.
const LEEWAY: i64 = 30;
/// The maximum lifetime of an assertion in seconds. Its `jti` must be remembered for this long.
const MAX_AHEAD: i64 = 3600;
/// The time that stale keys remain usable while fetching them again fails.
const STALE: Duration = Duration::from_hours(1);
/// The minimum interval between fetches that are caused by an unknown key id.
///
/// Without it, forged assertions with made-up key ids could trigger unlimited fetches.
const REFETCH: Duration = Duration::from_mins(1);

/// The claims of an assertion (RFC 7523 §3).
///
/// The RFC makes `jti` optional. It is required here, because without it an assertion could be
/// replayed.
#[derive(Deserialize)]
struct AssertionClaims {
    iss: ClientId,
    sub: ClientId,
    aud: AssertionAudience,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AssertionAudience {
    One(String),
    Many(Vec<String>),
}

impl AssertionAudience {
    fn values(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Clients {
    /// Authenticates the client that signed `assertion`, received at `endpoint`.
    ///
    /// `id` is the `client_id` parameter of the request, if present. Returns the client and the
    /// authentication method that applies.
    pub(in crate::oauth) async fn asserted_client(
        &self,
        id: Option<&ClientId>,
        assertion: &ClientAssertion,
        endpoint: Endpoint,
    ) -> Result<(Client, AuthMethod), Error> {
        let text = assertion.reveal();
        // The header and claims are untrusted until the signature is verified. They only select the
        // client and the key.
        let header = decode_header(text).map_err(|_| refused("malformed"))?;
        if !is_typed_for_clients(header.typ.as_deref()) {
            return Err(refused("wrong typ header"));
        }
        let said: AssertionClaims = dangerous::insecure_decode_claims(text)
            .map_err(|_| refused("malformed or missing claims"))?;
        // RFC 7521 §4.2: "The client_id parameter is unnecessary … if present, the value … MUST
        // identify the same client".
        if said.iss != said.sub || id.is_some_and(|id| *id != said.sub) {
            return Err(refused("iss, sub and client_id differ"));
        }
        let client = self.client_at_once(&said.sub).await?;
        if !client.may_authenticate_by(AuthMethod::PrivateKeyJwt) {
            return Err(refused("private_key_jwt is not a method of this client"));
        }
        let key = match self.assertion_key(&client, &header).await {
            // The client also declares `none`, so an assertion that cannot be verified grants it
            // nothing more than no assertion.
            Err(Error::ClientDocument(_)) if client.may_authenticate_by(AuthMethod::None) => {
                log::info!(client:% = client.id; "client assertion not verified: keys are unavailable");
                return Ok((client, AuthMethod::None));
            }
            key => key?,
        };
        let claims: AssertionClaims =
            jwks::verify(text, &header, &key).ok_or_else(|| refused("invalid signature"))?;
        self.check_audience(&claims, endpoint)?;
        self.check_times(&claims)?;
        if claims.jti.is_empty() {
            return Err(refused("empty jti"));
        }
        self.spend(&client, &claims).await?;
        Ok((client, AuthMethod::PrivateKeyJwt))
    }

    /// Records the `jti` of an assertion. Returns an error if it was used before.
    async fn spend(&self, client: &Client, claims: &AssertionClaims) -> Result<(), Error> {
        if !client.unused {
            self.core.within_assertion_limit(&client.id).await?;
        }
        let jti = Fingerprint::of(&format!("{}\n{}", claims.sub, claims.jti));
        let end = UnixTime(claims.exp + LEEWAY);
        if self
            .core
            .store
            .clients
            .spend_assertion((&jti, !client.unused), end, self.core.now())
            .await?
        {
            Ok(())
        } else {
            Err(refused("replayed"))
        }
    }

    /// Checks that the issuer is the only audience (draft-ietf-oauth-rfc7523bis §4).
    ///
    /// Malicious metadata can make a client sign an assertion for the endpoint of another server. The
    /// URL of the receiving endpoint is therefore accepted only from clients that the operator lists in
    /// `ENDPOINT_AUDIENCE_CLIENTS`, and each use is logged.
    fn check_audience(&self, claims: &AssertionClaims, endpoint: Endpoint) -> Result<(), Error> {
        let (issuer, said) = (&self.core.config.issuer, claims.aud.values());
        if matches!(said, [only] if only == issuer.as_str()) {
            return Ok(());
        }
        let here = issuer.at(endpoint.path());
        // Some libraries append a slash to a URL without a path.
        let ours = |value: &String| {
            let value = value.as_str();
            value == here || value.strip_suffix('/').unwrap_or(value) == issuer.as_str()
        };
        let client = &claims.sub;
        let publisher = id_document::publisher(client);
        let excepted = &self.core.config.clients.endpoint_audience;
        if !said.is_empty()
            && said.iter().all(ours)
            && excepted.covers(client.as_str(), publisher.as_deref())
        {
            log::info!(target: "audit", client:% = client, endpoint = endpoint.path();
                "client assertion taken with another audience than the issuer");
            return Ok(());
        }
        log::info!(client:% = client, ours = said.iter().all(ours);
            "client assertion for another audience than the issuer; see ENDPOINT_AUDIENCE_CLIENTS");
        Err(Error::InvalidClient)
    }

    fn check_times(&self, claims: &AssertionClaims) -> Result<(), Error> {
        let now = self.core.now().0;
        if now >= claims.exp.saturating_add(LEEWAY) || claims.exp > now + MAX_AHEAD + LEEWAY {
            return Err(refused("expired, or valid for more than an hour"));
        }
        let begins = claims.nbf.into_iter().chain(claims.iat).max();
        if begins.is_some_and(|begins| begins > now + LEEWAY) {
            return Err(refused("not yet valid"));
        }
        Ok(())
    }

    async fn assertion_key(&self, client: &Client, header: &Header) -> Result<Value, Error> {
        let metadata = &client.metadata;
        let algorithm = jwks::name(header.alg).ok_or_else(|| refused("unsupported algorithm"))?;
        let registered = metadata.token_endpoint_auth_signing_alg.as_deref();
        // RFC 7515 §4.1.11: a recipient must reject a JWT with critical headers that it does not
        // understand.
        if header.crit.is_some() || registered.is_some_and(|only| only != algorithm) {
            return Err(refused("wrong algorithm or critical header"));
        }
        let key = match (&metadata.jwks, &metadata.jwks_uri) {
            (Some(jwks), _) => jwks::pick(jwks, header),
            (None, Some(uri)) => self.fetched_key(client, uri, header).await?,
            (None, None) => None,
        };
        key.ok_or_else(|| refused("no matching key"))
    }

    async fn fetched_key(
        &self,
        client: &Client,
        uri: &str,
        header: &Header,
    ) -> Result<Option<Value>, Error> {
        let now = self.core.now();
        // The keys of a client without consent are cached in a separate record. Such records are evicted
        // early, and any client can name the `jwks_uri` of another one.
        let url =
            Fingerprint::of(&if client.unused { format!("unused {uri}") } else { uri.to_owned() });
        let kept = self.core.store.clients.client_keys(&url, now).await?;
        if let Some(kept) = &kept
            && now < kept.fresh_until
        {
            let key = jwks::pick(&kept.jwks, header);
            if key.is_some() || now < kept.fetched_at.plus(REFETCH) {
                return Ok(key);
            }
        }
        match (self.fetch_keys(uri, &url, !client.unused, now).await, kept) {
            (Ok(jwks), _) => Ok(jwks::pick(&jwks, header)),
            (Err(Error::ClientDocument(_)), Some(kept)) => Ok(jwks::pick(&kept.jwks, header)),
            (Err(error), _) => Err(error),
        }
    }

    async fn fetch_keys(
        &self,
        uri: &str,
        key: &Fingerprint,
        in_use: bool,
        now: UnixTime,
    ) -> Result<Value, Error> {
        let unusable = || {
            let url = Url::parse(uri).ok();
            let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
            Error::ClientDocument(host.to_owned())
        };
        let document = self.core.documents.fetch(uri, now).await.map_err(|error| {
            let level = if error.is_repeated() { Level::Debug } else { Level::Warn };
            log::log!(level, uri; "client keys not fetched: {}", Chain(&error));
            unusable()
        })?;
        let jwks: Value = serde_json::from_slice(&document.body).map_err(|_| {
            log::warn!(uri; "client keys rejected: not JSON");
            self.core.documents.reject(uri, now);
            unusable()
        })?;
        let fresh_until = now.plus(document.keep);
        let record =
            KeysRecord { jwks, fetched_at: now, fresh_until, expires_at: fresh_until.plus(STALE) };
        self.core.store.clients.put_client_keys((key, in_use), &record, now).await?;
        Ok(record.jwks)
    }
}

/// Returns `true` if the `typ` header is that of a client assertion.
///
/// RFC 8725 §3.11: a JWT of another type (`at+jwt`, `oauth-id-jag+jwt`) must be rejected. A missing
/// type is accepted, because older clients do not send one.
fn is_typed_for_clients(typ: Option<&str>) -> bool {
    let Some(typ) = typ else { return true };
    let typ = typ.to_ascii_lowercase();
    let kind = typ.strip_prefix("application/").unwrap_or(&typ);
    matches!(kind, "jwt" | "client-authentication+jwt")
}

/// Logs the reason and returns `invalid_client`, the same error for every fault (RFC 7521 §4.2.1).
fn refused(why: &'static str) -> Error {
    log::info!("client assertion rejected: {why}");
    Error::InvalidClient
}
