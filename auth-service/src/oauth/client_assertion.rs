//! Client authentication by a signed JWT, `private_key_jwt` (RFC 7523 §2.2, §3; RFC 7521 §4.2).

use std::time::Duration;

use jsonwebtoken::{Header, dangerous, decode_header};
use log::Level;
use serde::Deserialize;
use serde_json::Value;

use super::{AuthServer, Endpoint, Error, client_keys};
use crate::model::{
    AuthMethod, Chain, Client, ClientAssertion, ClientId, Fingerprint, KeysRecord, UnixTime,
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
    fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(one) => fits(one),
            Self::Many(many) => many.iter().any(|one| fits(one)),
        }
    }
}

impl AuthServer {
    /// The client that signed `assertion`, named by `id` if the request has a `client_id`, and how
    /// it has authenticated.
    pub(super) async fn asserted_client(
        &self,
        id: Option<&ClientId>,
        assertion: &ClientAssertion,
    ) -> Result<(Client, AuthMethod), Error> {
        let text = assertion.reveal();
        // Nothing of it is believed yet: it says whose keys to try.
        let header = decode_header(text).map_err(|_| refused("malformed"))?;
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
            // It may come without an assertion too, so one that cannot be checked takes nothing away.
            Err(Error::ClientDocument) if client.may_authenticate_by(AuthMethod::None) => {
                return Ok((client, AuthMethod::None));
            }
            key => key?,
        };
        let claims: Claims =
            client_keys::verify(text, &header, &key).ok_or_else(|| refused("signature"))?;
        self.check_claims(&claims)?;
        let jti = Fingerprint::of(&format!("{}\n{}", claims.sub, claims.jti));
        let end = UnixTime(claims.exp + LEEWAY);
        if !self.store.spend_assertion(&jti, end, self.now()).await? {
            return Err(refused("used before"));
        }
        Ok((client, AuthMethod::PrivateKeyJwt))
    }

    fn check_claims(&self, claims: &Claims) -> Result<(), Error> {
        let (issuer, now) = (&self.config.issuer, self.now().0);
        let endpoints = [Endpoint::Token, Endpoint::Revoke, Endpoint::Introspect];
        let is_ours = |audience: &str| {
            audience == issuer.as_str()
                || endpoints.iter().any(|endpoint| audience == issuer.at(endpoint.path()))
        };
        if !claims.aud.any(is_ours) {
            return Err(refused("for another audience"));
        }
        if now >= claims.exp.saturating_add(LEEWAY) || claims.exp > now + MAX_AHEAD + LEEWAY {
            return Err(refused("expired, or good for more than an hour"));
        }
        let begins = claims.nbf.into_iter().chain(claims.iat).max();
        if begins.is_some_and(|begins| begins > now + LEEWAY) {
            return Err(refused("not good yet"));
        }
        if claims.jti.is_empty() {
            return Err(refused("without jti"));
        }
        Ok(())
    }

    async fn assertion_key(&self, client: &Client, header: &Header) -> Result<Value, Error> {
        let metadata = &client.metadata;
        let algorithm = client_keys::name(header.alg).ok_or_else(|| refused("algorithm"))?;
        let registered = metadata.token_endpoint_auth_signing_alg.as_deref();
        // RFC 7515 §4.1.11: who does not understand what is critical must refuse.
        if header.crit.is_some() || registered.is_some_and(|only| only != algorithm) {
            return Err(refused("algorithm"));
        }
        let key = match (&metadata.jwks, &metadata.jwks_uri) {
            (Some(jwks), _) => client_keys::pick(jwks, header),
            (None, Some(uri)) => self.fetched_key(uri, header).await?,
            (None, None) => None,
        };
        key.ok_or_else(|| refused("no key fits"))
    }

    async fn fetched_key(&self, uri: &str, header: &Header) -> Result<Option<Value>, Error> {
        let now = self.now();
        let url = Fingerprint::of(uri);
        let kept = self.store.client_keys(&url, now).await?;
        if let Some(kept) = &kept
            && now < kept.fresh_until
        {
            let key = client_keys::pick(&kept.jwks, header);
            if key.is_some() || now < kept.fetched_at.plus(REFETCH) {
                return Ok(key);
            }
        }
        match (self.fetch_keys(uri, &url, now).await, kept) {
            (Ok(jwks), _) => Ok(client_keys::pick(&jwks, header)),
            (Err(Error::ClientDocument), Some(kept)) => Ok(client_keys::pick(&kept.jwks, header)),
            (Err(error), _) => Err(error),
        }
    }

    async fn fetch_keys(
        &self,
        uri: &str,
        url: &Fingerprint,
        now: UnixTime,
    ) -> Result<Value, Error> {
        let document = self.documents.fetch(uri, now).await.map_err(|error| {
            let level = if error.is_repeated() { Level::Debug } else { Level::Warn };
            log::log!(level, uri; "client keys not fetched: {}", Chain(&error));
            Error::ClientDocument
        })?;
        let jwks: Value = serde_json::from_slice(&document.body).map_err(|_| {
            log::warn!(uri; "client keys refused: not JSON");
            self.documents.reject(uri, now);
            Error::ClientDocument
        })?;
        let fresh_until = now.plus(document.keep);
        let record =
            KeysRecord { jwks, fetched_at: now, fresh_until, expires_at: fresh_until.plus(STALE) };
        self.store.put_client_keys(url, &record, now).await?;
        Ok(record.jwks)
    }
}

/// One answer for every fault (RFC 7521 §4.2.1: `invalid_client`); the reason is for the log.
fn refused(why: &'static str) -> Error {
    log::info!("client assertion refused: {why}");
    Error::InvalidClient
}
