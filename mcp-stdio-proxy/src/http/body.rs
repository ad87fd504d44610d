//! Reading of a request body, up to a limit.

use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::timeout;

use super::headers;
use super::http_error::HttpError;
use crate::messages::error;

/// The amount of data beyond the limit that is read and discarded, so that the client can read the error.
const DISCARDED: usize = 64 << 20;

/// The maximum pause within a body.
const PAUSE: Duration = Duration::from_secs(30);

fn broken(error: &PayloadError) -> HttpError {
    HttpError::bad_request(match error {
        PayloadError::Incomplete(_) | PayloadError::Io(_) => "the body ended early",
        _ => "the body is malformed",
    })
}

fn too_slow() -> HttpError {
    let status = StatusCode::REQUEST_TIMEOUT;
    HttpError::new(status, error::TRANSPORT, "the body did not arrive in time")
}

/// Returns the next chunk of the body.
async fn next(payload: &mut Payload) -> Result<Option<Bytes>, HttpError> {
    // A small body arrives together with the head and needs no timer.
    let part = match payload.next().now_or_never() {
        Some(part) => part,
        None => timeout(PAUSE, payload.next()).await.map_err(|_| too_slow())?,
    };
    part.transpose().map_err(|error| broken(&error))
}

/// Reads the whole body. A body of a single chunk is not copied.
pub(super) async fn read(
    mut payload: Payload,
    headers: &HeaderMap,
    limit: usize,
) -> Result<Bytes, HttpError> {
    let announced: usize =
        headers::text(headers, CONTENT_LENGTH).and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    let mut excess = announced > limit;
    let mut read = 0;
    while let Some(chunk) = next(&mut payload).await? {
        read += chunk.len();
        excess |= read > limit;
        if excess {
            (first, all) = (Bytes::new(), BytesMut::new());
            if read > limit.saturating_add(DISCARDED) {
                break;
            }
        } else if first.is_empty() {
            first = chunk;
        } else {
            if all.is_empty() {
                all.reserve(announced.max(first.len() + chunk.len()));
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&chunk);
        }
    }
    match (excess, all.is_empty()) {
        (true, _) => Err(HttpError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            error::TRANSPORT,
            format!("the request is longer than {limit} bytes"),
        )),
        (false, true) => Ok(first),
        (false, false) => Ok(all.freeze()),
    }
}
