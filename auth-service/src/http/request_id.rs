//! The response header `X-Request-Id`, with which people and clients can quote a request.

use actix_web::{
    dev::Response,
    http::header::{HeaderName, HeaderValue},
};
use gateway_contract::{audit::Id, headers};

const REQUEST_ID: HeaderName = HeaderName::from_static(headers::REQUEST_ID);

/// Adds the id to a response. An id that the request has itself is never read: Traefik removes it, and others may
/// send anything.
pub(super) fn add<B>(response: &mut Response<B>, id: Id) {
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
}
