//! A whole request body, within the limit of the routes.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::Bytes};

use super::error::TokenError;
use crate::oauth::Error;

/// The bytes of a body.
pub(super) struct Body(pub(super) Bytes);

impl FromRequest for Body {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            bytes.await.map(Self).map_err(|error| {
                log::info!("body not read: {error}");
                TokenError::from(Error::BodyTooLarge)
            })
        })
    }
}

/// The bytes of a body that says it is JSON. A page of another site can send no such body without
/// asking first (Fetch, "CORS-safelisted request-header").
pub(super) struct JsonBody(pub(super) Bytes);

impl FromRequest for JsonBody {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = media_type(request).is_some_and(|kind| kind.eq_ignore_ascii_case(JSON));
        let body = Body::from_request(request, payload);
        Box::pin(async move {
            let body = body.await?;
            if is_json { Ok(Self(body.0)) } else { Err(Error::NotJson.into()) }
        })
    }
}

const JSON: &str = "application/json";

/// The media type of a body, without parameters (RFC 9110 §8.3.1). Returns `None` if there is none,
/// or more than one.
pub(super) fn media_type(request: &HttpRequest) -> Option<&str> {
    let mut values = request.headers().get_all(header::CONTENT_TYPE);
    let value = values.next().filter(|_| values.next().is_none())?;
    Some(value.to_str().ok()?.split(';').next()?.trim())
}
