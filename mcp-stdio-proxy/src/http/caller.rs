//! Authentication of the caller: by the signed identity of the gateway if one is required
//! (`--identity-jwks`), otherwise by the plain headers.

use std::sync::Arc;

use actix_web::http::header::HeaderName;
use actix_web::{HttpMessage as _, HttpRequest};
use gateway_contract::headers as names;

use super::headers;
use super::http_error::HttpError;
use crate::access::grants::Admission;
use crate::access::identity::{Caller, Identities, IdentityError};
use crate::instances::instance::ServerInstance;
use crate::messages::error;

const IDENTITY: HeaderName = HeaderName::from_static(names::IDENTITY);

/// Rejects a request for `server` without a valid signed identity of the gateway, and attaches the identity
/// to the request.
pub(super) async fn check(
    request: &HttpRequest,
    identities: &Identities,
    server: &str,
) -> Result<(), HttpError> {
    let mut values = request.headers().get_all(IDENTITY);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(HttpError::past_the_gateway());
    };
    let token = value.to_str().map_err(|_| HttpError::past_the_gateway())?;
    let caller = identities.caller(token, server).await.map_err(|why| match why {
        IdentityError::Unproven => HttpError::past_the_gateway(),
        IdentityError::NotNow => HttpError::no_keys_yet(),
        IdentityError::Revoked => revoked(request),
    })?;
    if !agrees(request, headers::USER, &caller.subject)
        || !agrees(request, headers::SCOPES, &caller.scopes)
    {
        return Err(HttpError::past_the_gateway());
    }
    let admission = caller.access.as_ref().map(Admission::now);
    request.extensions_mut().insert(Proven { caller, admission });
    Ok(())
}

/// Returns `true` if the plain header `name` is absent, empty, or equal to `proven`. In a header, `?`
/// replaces characters that are not printable ASCII.
fn agrees(request: &HttpRequest, name: HeaderName, proven: &str) -> bool {
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    request.headers().get_all(name).all(|value| {
        let same = |text: &str| text.is_empty() || text.chars().eq(proven.chars().map(plain));
        value.to_str().is_ok_and(same)
    })
}

/// The verified identity of the caller, and the admission by its access token.
struct Proven {
    caller: Arc<Caller>,
    admission: Option<Admission>,
}

/// Returns the verified identity of the caller.
pub(super) fn proven(request: &HttpRequest) -> Option<Arc<Caller>> {
    request.extensions().get::<Proven>().map(|proven| Arc::clone(&proven.caller))
}

/// Returns the admission of the request, if the gateway announces revocations.
pub(super) fn admission(request: &HttpRequest) -> Option<Admission> {
    request.extensions().get::<Proven>()?.admission.clone()
}

/// Records at `instance` the grant that authorized the request.
pub(super) fn note(request: &HttpRequest, instance: &ServerInstance) {
    let extensions = request.extensions();
    // A process shared by everyone does not end with one grant.
    if let Some(Proven { admission: Some(admission), .. }) = extensions.get()
        && !instance.key.is_shared()
    {
        instance.grants.note(admission.grant());
    }
}

/// Rejects a request whose access was revoked after it arrived, or may have been.
pub(super) fn check_admission(admission: Option<&Admission>) -> Result<(), HttpError> {
    let over = admission.and_then(Admission::over);
    over.map_or(Ok(()), |over| Err(HttpError::answer(error::TRANSPORT, over.to_string())))
}

/// Returns the response for a revoked access, as the gateway itself would send it.
pub(super) fn revoked(request: &HttpRequest) -> HttpError {
    HttpError::revoked(headers::challenge(request.headers()))
}

/// Returns the user, if there is a gateway.
pub(super) fn principal(request: &HttpRequest) -> Result<Option<Arc<str>>, HttpError> {
    match proven(request) {
        Some(caller) => Ok(Some(Arc::clone(&caller.subject))),
        None => headers::principal(request.headers()),
    }
}
