//! Extractor of a client's form and its client authentication (RFC 6749 §2.3.1).

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};
use base64::{Engine, prelude::BASE64_STANDARD};
use url::form_urlencoded;

use super::{
    body::{Body, is_form},
    error::TokenError,
};
use crate::{
    model::{ClientAssertion, ClientId, ClientSecret},
    oauth::{ClientCredentials, Error, Params},
};

/// The form parameters of a request and the client's credentials, in whichever way they were sent.
pub(super) struct ClientForm {
    pub(super) params: Params,
    pub(super) credentials: ClientCredentials,
}

impl FromRequest for ClientForm {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = is_form(request);
        let basic = request.headers().get(header::AUTHORIZATION).cloned();
        let body = Body::from_request(request, payload);
        Box::pin(async move {
            if !form {
                let why = "the body must be application/x-www-form-urlencoded";
                return Err(Error::InvalidRequest(why).into());
            }
            let params = Params::parse(&body.await?.0);
            let basic = basic.as_ref().map(|value| value.to_str().unwrap_or(""));
            let credentials = credentials(basic, &params)?;
            Ok(Self { params, credentials })
        })
    }
}

fn credentials(header: Option<&str>, params: &Params) -> Result<ClientCredentials, Error> {
    let id = params.one("client_id")?.map(ClientId::parsed);
    let secret = params.one("client_secret")?.map(ClientSecret::presented);
    let PresentedClient { basic, id } = match header {
        Some(header) => presented(basic(header).ok_or(Error::InvalidClient)?, id)?,
        None => PresentedClient { basic: None, id },
    };
    if let Some(assertion) = assertion(params)? {
        return match (basic, secret) {
            (None, None) => Ok(ClientCredentials::Assertion(id, assertion)),
            _ => Err(Error::InvalidRequest("the client uses two authentication methods; use one")),
        };
    }
    match (basic, id, secret) {
        // "The client MUST NOT use more than one authentication method in each request."
        (Some(_), _, Some(_)) => {
            Err(Error::InvalidRequest("the client uses two authentication methods; use one"))
        }
        (Some(basic), _, None) => Ok(ClientCredentials::Basic(basic.id, basic.secret)),
        (None, Some(id), Some(secret)) => Ok(ClientCredentials::Post(id, secret)),
        (None, Some(id), None) => Ok(ClientCredentials::Public(id)),
        (None, None, _) => Err(Error::InvalidRequest("client_id is missing")),
    }
}

/// The credentials of HTTP Basic (RFC 6749 §2.3.1).
pub(super) struct BasicCredentials {
    pub(super) id: ClientId,
    pub(super) secret: ClientSecret,
}

/// The client that a request names.
struct PresentedClient {
    /// The credentials of the header, if it has a secret.
    basic: Option<BasicCredentials>,
    id: Option<ClientId>,
}

/// Returns the credentials of the header, and the client id from the header or the form. An empty password does not
/// count as a secret, because some libraries send one for public clients.
fn presented(basic: BasicCredentials, id: Option<ClientId>) -> Result<PresentedClient, Error> {
    let is_named = !basic.id.as_str().is_empty();
    if is_named && id.as_ref().is_some_and(|id| *id != basic.id) {
        return Err(Error::InvalidRequest(
            "client_id differs between the form and the Authorization header",
        ));
    }
    Ok(if basic.secret.reveal().is_empty() {
        PresentedClient { basic: None, id: id.or_else(|| is_named.then_some(basic.id)) }
    } else {
        PresentedClient { basic: Some(basic), id }
    })
}

/// Returns the client assertion (RFC 7521 §4.2), of which RFC 7523 §2.2 defines the only supported type.
fn assertion(params: &Params) -> Result<Option<ClientAssertion>, Error> {
    let kind = params.one("client_assertion_type")?;
    match (kind, params.one("client_assertion")?) {
        (None, None) => Ok(None),
        (Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), Some(assertion)) => {
            Ok(Some(ClientAssertion::presented(assertion)))
        }
        _ => Err(Error::InvalidRequest(
            "client_assertion and the client_assertion_type of RFC 7523 must be sent together",
        )),
    }
}

/// Parses HTTP Basic credentials. Id and secret are form-decoded, because a client encodes them before they become user
/// and password (RFC 6749 §2.3.1).
pub(super) fn basic(header: &str) -> Option<BasicCredentials> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let decode = |text: &str| {
        let encoded = format!("v={text}");
        form_urlencoded::parse(encoded.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    let secret = ClientSecret::presented(decode(password)?);
    Some(BasicCredentials { id: ClientId::parsed(&decode(user)?), secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_decoded() {
        let header = format!("basic {}", BASE64_STANDARD.encode("a%3Ab:c+d"));
        let BasicCredentials { id, secret } = basic(&header).unwrap();
        assert_eq!((id.as_str(), secret.reveal()), ("a:b", "c d"));
        assert!(basic("Basic !!!").is_none());
        assert!(basic("Bearer abc").is_none());
    }
}
