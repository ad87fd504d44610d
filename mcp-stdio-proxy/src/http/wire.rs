//! A connection on which every error response has a body. The HTTP library rejects a head that is malformed
//! (400), too slow (408) or too large (431) before any handler runs, with an empty body.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::messages::error;

const EMPTY: &[u8] = b"content-length: 0\r\n";

/// A connection that adds a body to error responses of the HTTP library.
pub(super) struct Wire<T> {
    io: T,
    /// The remainder of the response that replaces one without a body.
    refusal: Option<Vec<u8>>,
}

impl<T> Wire<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, refusal: None }
    }
}

/// Returns the error response `head` with a body, if it has none. The handlers' own responses always have
/// one.
fn with_body(head: &[u8]) -> Option<Vec<u8>> {
    let why = match head.strip_prefix(b"HTTP/1.1 ")?.get(..3)? {
        b"400" => "the head of the request is malformed",
        b"408" => "the head of the request did not arrive in time",
        b"431" => "the head of the request is too large: it has at most 96 headers and 128 KiB",
        _ => return None,
    };
    let length = memchr::memmem::find(head, EMPTY)?;
    if memchr::memmem::find(head, b"\r\n\r\n")? + 4 != head.len() {
        return None;
    }
    let body = error::answer("", error::TRANSPORT, why);
    let fields = format!("content-length: {}\r\ncontent-type: application/json\r\n", body.len());
    let (before, after) = (head.get(..length)?, head.get(length + EMPTY.len()..)?);
    Some([before, fields.as_bytes(), after, body.as_bytes()].concat())
}

impl<T: AsyncRead + Unpin> AsyncRead for Wire<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Wire<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { io, refusal } = &mut *self;
        if refusal.is_none() && bytes.starts_with(b"HTTP/1.1 4") {
            *refusal = with_body(bytes);
        }
        let Some(rest) = refusal else { return Pin::new(io).poll_write(cx, bytes) };
        // The caller is told that its bytes are written once all of these are.
        while !rest.is_empty() {
            let written = ready!(Pin::new(&mut *io).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Ok(0));
            }
            rest.drain(..written);
        }
        *refusal = None;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p11_only_a_refusal_without_a_body_gets_one() {
        let head = |status: &str, rest: &str| format!("HTTP/1.1 {status}\r\n{rest}date: x\r\n\r\n");
        let empty = "content-length: 0\r\nconnection: close\r\n";
        for status in
            ["431 Request Header Fields Too Large", "400 Bad Request", "408 Request Timeout"]
        {
            let told =
                String::from_utf8(with_body(head(status, empty).as_bytes()).unwrap()).unwrap();
            let (told, body) = told.split_once("\r\n\r\n").unwrap();
            assert!(told.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{told}");
            assert!(
                told.contains("\r\nconnection: close\r\n") && body.contains("\"error\""),
                "{body}"
            );
        }
        for other in [
            head("200 OK", empty),
            head("404 Not Found", empty),
            head("400 Bad Request", "content-length: 5\r\n") + "12345",
            head("400 Bad Request", "transfer-encoding: chunked\r\n"),
            "HTTP/1.1 4".to_owned(),
        ] {
            assert_eq!(with_body(other.as_bytes()), None, "{other}");
        }
    }
}
