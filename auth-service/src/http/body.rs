//! A whole request body, within the limit of the routes.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Bytes};

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
