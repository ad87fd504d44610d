//! Final adjustments of a response for browsers and for HTTP/1.0 clients.

use actix_web::body::{BodySize, MessageBody as _};
use actix_web::http::{ConnectionType, Version};
use actix_web::{HttpRequest, HttpResponse};

use super::{AppState, cors};

/// Completes the response to `request`.
pub(super) fn finish(
    request: &HttpRequest,
    app: &AppState,
    response: HttpResponse,
) -> HttpResponse {
    let mut response = cors::expose(request, app, response);
    // RFC 9112 §6.1: no Transfer-Encoding to a client of HTTP/1.0; the end of the connection ends the body.
    if request.version() < Version::HTTP_11 && response.body().size() == BodySize::Stream {
        let head = response.head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
    response
}
