//! Answers as one JSON document; a large one leaves in pieces, so that it is not held twice.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;

use crate::protocol::splice::Payload;

/// What is handed to the connection at once.
pub(super) const PIECE: usize = 64 << 10;

/// The answer to a request.
pub(super) fn json(payload: Payload) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.content_type("application/json");
    if payload.len() <= PIECE {
        return response.body(payload.to_bytes());
    }
    response.body(Pieces { length: payload.len(), rest: payload })
}

/// A body of known length, in pieces.
struct Pieces {
    length: usize,
    rest: Payload,
}

/// Takes the next piece of a payload.
pub(super) fn next_piece(payload: &mut Payload) -> Option<Bytes> {
    let part = payload.0.iter_mut().find(|part| !part.is_empty())?;
    Some(part.split_to(PIECE.min(part.len())))
}

impl MessageBody for Pieces {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(next_piece(&mut self.rest).map(Ok))
    }
}
