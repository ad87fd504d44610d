//! Who asks: by the signed identity of the gateway if there has to be one (`--identity-jwks`), else by
//! what its plain headers say.

use std::sync::Arc;

use actix_web::http::header::HeaderName;
use actix_web::{HttpMessage as _, HttpRequest};
use gateway_contract::headers as names;

use super::headers;
use super::refusal::Refusal;
use crate::grants::Admission;
use crate::identity::{Asker, Identities, Refused};
use crate::protocol::error;
use crate::room::Room;

const IDENTITY: HeaderName = HeaderName::from_static(names::IDENTITY);

/// Refuses a request for `server` that does not prove to come from the gateway, and notes who it is.
pub(super) async fn check(
    request: &HttpRequest,
    identities: &Identities,
    server: &str,
) -> Result<(), Refusal> {
    let mut values = request.headers().get_all(IDENTITY);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Refusal::past_the_gateway());
    };
    let token = value.to_str().map_err(|_| Refusal::past_the_gateway())?;
    let asker = identities.asker(token, server).await.map_err(|why| match why {
        Refused::Unproven => Refusal::past_the_gateway(),
        Refused::NotNow => Refusal::no_keys_yet(),
        Refused::Revoked => revoked(request),
    })?;
    if !agrees(request, headers::USER, &asker.subject)
        || !agrees(request, headers::SCOPES, &asker.scopes)
    {
        return Err(Refusal::past_the_gateway());
    }
    let admission = asker.access.as_ref().map(Admission::now);
    request.extensions_mut().insert(Proven { asker, admission });
    Ok(())
}

/// Whether the plain header `name` is absent, empty, or says `proven`. A header has `?` for what is
/// not printable ASCII.
fn agrees(request: &HttpRequest, name: HeaderName, proven: &str) -> bool {
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    request.headers().get_all(name).all(|value| {
        let same = |text: &str| text.is_empty() || text.chars().eq(proven.chars().map(plain));
        value.to_str().is_ok_and(same)
    })
}

/// Who has proven to be who, and what the request rests on.
struct Proven {
    asker: Arc<Asker>,
    admission: Option<Admission>,
}

/// Who has proven to be who.
pub(super) fn proven(request: &HttpRequest) -> Option<Arc<Asker>> {
    request.extensions().get::<Proven>().map(|proven| Arc::clone(&proven.asker))
}

/// What the request rests on, if the gateway tells when that ends.
pub(super) fn admission(request: &HttpRequest) -> Option<Admission> {
    request.extensions().get::<Proven>()?.admission.clone()
}

/// Notes at `room` what the request rests on.
pub(super) fn note(request: &HttpRequest, room: &Room) {
    if let Some(Proven { admission: Some(admission), .. }) = request.extensions().get() {
        room.note(admission.grant());
    }
}

/// Refuses a request whose access was revoked since it came in, or may have been.
pub(super) fn check_admission(admission: Option<&Admission>) -> Result<(), Refusal> {
    let over = admission.and_then(Admission::over);
    over.map_or(Ok(()), |over| Err(Refusal::answer(error::TRANSPORT, over.to_string())))
}

/// The answer to a request whose access was revoked, as the gateway itself would give it.
pub(super) fn revoked(request: &HttpRequest) -> Refusal {
    Refusal::revoked(headers::challenge(request.headers()))
}

/// The user, if there is a gateway.
pub(super) fn principal(request: &HttpRequest) -> Result<Option<Arc<str>>, Refusal> {
    match proven(request) {
        Some(asker) => Ok(Some(Arc::clone(&asker.subject))),
        None => headers::principal(request.headers()),
    }
}
