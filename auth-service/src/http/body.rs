//! Extractors of whole request bodies, with limits on size and time.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web::Bytes,
};
use tokio::time::timeout;

use super::error::TokenError;
use crate::oauth::Error;

/// The timeout of a body, from the head of the request to its last byte.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The bytes of a request body.
pub(super) struct Body(pub(super) Bytes);

impl FromRequest for Body {
    type Error = TokenError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Self::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let coded = is_coded(request);
        let body = read(Bytes::from_request(request, payload), BODY_TIMEOUT);
        Box::pin(async move {
            let body = body.await?;
            if coded { Err(Error::BodyCoded.into()) } else { Ok(Self(body)) }
        })
    }
}

/// Awaits the bytes of a body. Maps a payload error to the [`Error`] of its cause.
async fn read(
    bytes: impl Future<Output = Result<Bytes, actix_web::Error>>,
    patience: Duration,
) -> Result<Bytes, Error> {
    let error = match timeout(patience, bytes).await {
        Ok(Ok(bytes)) => return Ok(bytes),
        Ok(Err(error)) => {
            log::info!("cannot read the request body: {error}");
            error
        }
        Err(_) => return Err(Error::BodyTooSlow),
    };
    match error.as_response_error().status_code() {
        StatusCode::PAYLOAD_TOO_LARGE => Err(Error::BodyTooLarge),
        _ => Err(Error::BodyMalformed),
    }
}

/// The bytes of a body whose media type is JSON. A page of another site cannot send such a body without a CORS
/// preflight (Fetch, "CORS-safelisted request-header").
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

/// Returns `true` if the body has a content coding (RFC 9110 §8.4). Codings are not decoded here.
fn is_coded(request: &HttpRequest) -> bool {
    let plain = |coding: &str| {
        let coding = coding.trim();
        coding.is_empty() || coding.eq_ignore_ascii_case("identity")
    };
    let mut values = request.headers().get_all(header::CONTENT_ENCODING);
    !values.all(|value| value.to_str().is_ok_and(|list| list.split(',').all(plain)))
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Returns `true` if the body is a form.
pub(super) fn is_form(request: &HttpRequest) -> bool {
    media_type(request).is_some_and(|kind| kind.eq_ignore_ascii_case(FORM))
}

/// Returns the media type of a body, without parameters (RFC 9110 §8.3.1). Returns `None` unless there is exactly one
/// `Content-Type` header.
pub(super) fn media_type(request: &HttpRequest) -> Option<&str> {
    let mut values = request.headers().get_all(header::CONTENT_TYPE);
    let value = values.next().filter(|_| values.next().is_none())?;
    Some(value.to_str().ok()?.split(';').next()?.trim())
}

#[cfg(test)]
mod tests {
    use actix_web::{ResponseError, error::PayloadError, test::TestRequest};
    use futures_util::{Stream, StreamExt, stream};

    use super::*;

    type Piece = Result<Bytes, PayloadError>;

    async fn status_of(payload: impl Stream<Item = Piece> + 'static) -> u16 {
        let mut payload = Payload::Stream { payload: payload.boxed_local() };
        let request = TestRequest::post().to_http_request();
        let bytes = Bytes::from_request(&request, &mut payload);
        let read = read(bytes, Duration::from_millis(100)).await.map_err(TokenError::from);
        read.err().map_or(200, |error| error.status_code().as_u16())
    }

    #[tokio::test]
    async fn s11_a_body_that_stops_is_a_timeout() {
        let piece = || stream::iter([Piece::Ok(Bytes::from_static(b"a=b"))]);
        assert_eq!(status_of(piece()).await, 200);
        assert_eq!(status_of(piece().chain(stream::pending())).await, 408);
        // Sending the body in drops does not extend the timeout.
        let drops = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Piece::Ok(Bytes::from_static(b"a")), ()))
        });
        assert_eq!(status_of(drops).await, 408);
    }

    #[tokio::test]
    async fn s11_an_error_of_the_payload_is_answered_by_its_cause() {
        let broken = stream::iter([Piece::Err(PayloadError::EncodingCorrupted)]);
        assert_eq!(status_of(broken).await, 400);
        let ended = stream::iter([Piece::Err(PayloadError::Incomplete(None))]);
        assert_eq!(status_of(ended).await, 400);
        let large = stream::repeat_with(|| Piece::Ok(Bytes::from(vec![b'a'; 65_536])));
        assert_eq!(status_of(large).await, 413);
    }
}
