//! Who asks: by the signed identity of the gateway if there has to be one (`--identity-jwks`), else by
//! what its plain headers say.

use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest};

use super::headers;
use super::refusal::Refusal;
use crate::identity::{Asker, Identities, Refused};

const IDENTITY: &str = "x-mcp-identity";

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
    })?;
    if !agrees(request, headers::USER, &asker.subject)
        || !agrees(request, headers::SCOPES, &asker.scopes)
    {
        return Err(Refusal::past_the_gateway());
    }
    request.extensions_mut().insert(asker);
    Ok(())
}

/// Whether the plain header `name` is absent, empty, or says `proven`. A header has `?` for what is
/// not printable ASCII.
fn agrees(request: &HttpRequest, name: &str, proven: &str) -> bool {
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    request.headers().get_all(name).all(|value| {
        let same = |text: &str| text.is_empty() || text.chars().eq(proven.chars().map(plain));
        value.to_str().is_ok_and(same)
    })
}

/// Who has proven to be who.
pub(super) fn proven(request: &HttpRequest) -> Option<Arc<Asker>> {
    request.extensions().get::<Arc<Asker>>().cloned()
}

/// The user, if there is a gateway.
pub(super) fn principal(request: &HttpRequest) -> Result<Option<Arc<str>>, Refusal> {
    match proven(request) {
        Some(asker) => Ok(Some(Arc::clone(&asker.subject))),
        None => headers::principal(request.headers()),
    }
}
