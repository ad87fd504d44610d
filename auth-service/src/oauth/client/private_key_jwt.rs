//! Client authentication by a signed JWT, `private_key_jwt` (RFC 7523 §2.2, §3; RFC 7521 §4.2).

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

/// How far the clocks of client and server may lie apart, in seconds.
const LEEWAY: i64 = 30;
/// How long an assertion may be good for: as long as its `jti` has to be remembered.
const MAX_AHEAD: i64 = 3600;
/// How long keys serve after they should have been fetched again, if that fails.
const STALE: Duration = Duration::from_hours(1);
/// How soon keys may be fetched again because an assertion names another: whoever makes one up must
/// not make this server fetch at will.
const REFETCH: Duration = Duration::from_mins(1);

/// RFC 7523 §3. `jti` is optional there; without it an assertion could be used again.
#[derive(Deserialize)]
struct Claims {
    iss: ClientId,
    sub: ClientId,
    aud: Audience,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
    jti: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn values(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl Clients {
    /// Returns the client that signed `assertion`, which came to `endpoint`, and how it has
    /// authenticated. `id` is the `client_id` of the request, if it has one.
    pub(in crate::oauth) async fn asserted_client(
        &self,
        id: Option<&ClientId>,
        (assertion, endpoint): (&ClientAssertion, Endpoint),
    ) -> Result<(Client, AuthMethod), Error> {
        let text = assertion.reveal();
        // Nothing of it is believed yet: it says whose keys to try.
        let header = decode_header(text).map_err(|_| refused("malformed"))?;
        if !is_typed_for_clients(header.typ.as_deref()) {
            return Err(refused("of another type"));
        }
        let said: Claims =
            dangerous::insecure_decode_claims(text).map_err(|_| refused("malformed"))?;
        // RFC 7521 §4.2: "The client_id parameter is unnecessary … if present, the value … MUST
        // identify the same client".
        if said.iss != said.sub || id.is_some_and(|id| *id != said.sub) {
            return Err(refused("of another client"));
        }
        let client = self.client(&said.sub).await?;
        if !client.may_authenticate_by(AuthMethod::PrivateKeyJwt) {
            return Err(refused("not the method of this client"));
        }
        let key = match self.assertion_key(&client, &header).await {
            // It declares `none`, so an assertion that cannot be checked takes nothing away.
            Err(Error::ClientDocument(_)) if client.may_authenticate_by(AuthMethod::None) => {
                log::info!(client:% = client.id; "client assertion not checked: no keys");
                return Ok((client, AuthMethod::None));
            }
            key => key?,
        };
        let claims: Claims =
            jwks::verify(text, &header, &key).ok_or_else(|| refused("signature"))?;
        self.check_audience(&claims, endpoint)?;
        self.check_times(&claims)?;
        if claims.jti.is_empty() {
            return Err(refused("without jti"));
        }
        self.spend(&client, &claims).await?;
        Ok((client, AuthMethod::PrivateKeyJwt))
    }

    /// Takes an assertion once.
    async fn spend(&self, client: &Client, claims: &Claims) -> Result<(), Error> {
        if !client.unused {
            self.core.within_assertion_limit(&client.id).await?;
        }
        let jti = Fingerprint::of(&format!("{}\n{}", claims.sub, claims.jti));
        let end = UnixTime(claims.exp + LEEWAY);
        if self.core.store.spend_assertion((&jti, !client.unused), end, self.core.now()).await? {
            Ok(())
        } else {
            Err(refused("used before"))
        }
    }

    /// draft-ietf-oauth-rfc7523bis §4: the issuer is the only value. A client that takes an endpoint out
    /// of somebody's metadata can be made to sign for another server than it sends the assertion to, so
    /// the endpoint that received it passes only for clients that the operator names, and is logged.
    fn check_audience(&self, claims: &Claims, endpoint: Endpoint) -> Result<(), Error> {
        let (issuer, said) = (&self.core.config.issuer, claims.aud.values());
        if matches!(said, [only] if only == issuer.as_str()) {
            return Ok(());
        }
        let here = issuer.at(endpoint.path());
        // Some libraries write a URL without a path with a slash.
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

    fn check_times(&self, claims: &Claims) -> Result<(), Error> {
        let now = self.core.now().0;
        if now >= claims.exp.saturating_add(LEEWAY) || claims.exp > now + MAX_AHEAD + LEEWAY {
            return Err(refused("expired, or good for more than an hour"));
        }
        let begins = claims.nbf.into_iter().chain(claims.iat).max();
        if begins.is_some_and(|begins| begins > now + LEEWAY) {
            return Err(refused("not good yet"));
        }
        Ok(())
    }

    async fn assertion_key(&self, client: &Client, header: &Header) -> Result<Value, Error> {
        let metadata = &client.metadata;
        let algorithm = jwks::name(header.alg).ok_or_else(|| refused("algorithm"))?;
        let registered = metadata.token_endpoint_auth_signing_alg.as_deref();
        // RFC 7515 §4.1.11: who does not understand what is critical must refuse.
        if header.crit.is_some() || registered.is_some_and(|only| only != algorithm) {
            return Err(refused("algorithm"));
        }
        let key = match (&metadata.jwks, &metadata.jwks_uri) {
            (Some(jwks), _) => jwks::pick(jwks, header),
            (None, Some(uri)) => self.fetched_key(client, uri, header).await?,
            (None, None) => None,
        };
        key.ok_or_else(|| refused("no key fits"))
    }

    async fn fetched_key(
        &self,
        client: &Client,
        uri: &str,
        header: &Header,
    ) -> Result<Option<Value>, Error> {
        let now = self.core.now();
        // Keys of a client that nobody consented to are a record of their own: they come and go, and any
        // client may name the `jwks_uri` of another.
        let url =
            Fingerprint::of(&if client.unused { format!("unused {uri}") } else { uri.to_owned() });
        let kept = self.core.store.client_keys(&url, now).await?;
        if let Some(kept) = &kept
            && now < kept.fresh_until
        {
            let key = jwks::pick(&kept.jwks, header);
            if key.is_some() || now < kept.fetched_at.plus(REFETCH) {
                return Ok(key);
            }
        }
        match (self.fetch_keys(uri, (&url, !client.unused), now).await, kept) {
            (Ok(jwks), _) => Ok(jwks::pick(&jwks, header)),
            (Err(Error::ClientDocument(_)), Some(kept)) => Ok(jwks::pick(&kept.jwks, header)),
            (Err(error), _) => Err(error),
        }
    }

    async fn fetch_keys(
        &self,
        uri: &str,
        url: (&Fingerprint, bool),
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
            log::warn!(uri; "client keys refused: not JSON");
            self.core.documents.reject(uri, now);
            unusable()
        })?;
        let fresh_until = now.plus(document.keep);
        let record =
            KeysRecord { jwks, fetched_at: now, fresh_until, expires_at: fresh_until.plus(STALE) };
        self.core.store.put_client_keys(url, &record, now).await?;
        Ok(record.jwks)
    }
}

/// RFC 8725 §3.11: a JWT of another kind (`at+jwt`, `oauth-id-jag+jwt`) is no assertion of a client. One
/// without a type is of the time before there were any.
fn is_typed_for_clients(typ: Option<&str>) -> bool {
    let Some(typ) = typ else { return true };
    let typ = typ.to_ascii_lowercase();
    let kind = typ.strip_prefix("application/").unwrap_or(&typ);
    matches!(kind, "jwt" | "client-authentication+jwt")
}

/// One answer for every fault (RFC 7521 §4.2.1: `invalid_client`); the reason is for the log.
fn refused(why: &'static str) -> Error {
    log::info!("client assertion refused: {why}");
    Error::InvalidClient
}
