//! One keep-alive connection of HTTP/1.1 (RFC 9112): a request, then the whole answer.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The least room for a read.
const CHUNK: usize = 16 << 10;

/// A connection and what was last read from it.
pub struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// A body that came in chunks, in one piece.
    joined: Vec<u8>,
}

/// An answer, borrowed from the connection.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The header `Mcp-Session-Id`.
    pub session: Option<String>,
    /// Whether it is a stream of events.
    pub is_stream: bool,
    /// The body.
    pub body: &'a [u8],
}

/// The parts of a head that matter here.
struct Head {
    status: u16,
    session: Option<String>,
    is_stream: bool,
    /// `None`: in chunks.
    length: Option<usize>,
    closes: bool,
    size: usize,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = connect(address).await?;
        Ok(Self { address, stream, buffer: Vec::with_capacity(CHUNK), joined: Vec::new() })
    }

    /// Sends `request` and reads the answer to its end.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.buffer.clear();
        self.joined.clear();
        self.stream.write_all(request).await?;
        let head = loop {
            self.fill(CHUNK).await.context("before the head was complete")?;
            if let Some(head) = parse_head(&self.buffer)? {
                break head;
            }
        };
        let body = match head.length {
            Some(length) => {
                let end = head.size + length;
                while self.buffer.len() < end {
                    self.fill((end - self.buffer.len()).max(CHUNK)).await?;
                }
                Some(head.size..end)
            }
            None => {
                self.join_chunks(head.size).await?;
                None
            }
        };
        if head.closes {
            self.stream = connect(self.address).await?;
        }
        let body = body.map_or(&self.joined[..], |range| &self.buffer[range]);
        Ok(Answer { status: head.status, session: head.session, is_stream: head.is_stream, body })
    }

    async fn fill(&mut self, room: usize) -> anyhow::Result<()> {
        self.buffer.reserve(room);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the connection was closed");
        }
        Ok(())
    }

    /// RFC 9112 §7.1; extensions and trailers are skipped.
    async fn join_chunks(&mut self, mut at: usize) -> anyhow::Result<()> {
        loop {
            let Range { start, end } = loop {
                match httparse::parse_chunk_size(&self.buffer[at..]) {
                    Ok(httparse::Status::Complete((head, size))) => {
                        let start = at + head;
                        break start..start + usize::try_from(size)?;
                    }
                    Ok(httparse::Status::Partial) => self.fill(CHUNK).await?,
                    Err(error) => bail!("a bad chunk: {error:?}"),
                }
            };
            while self.buffer.len() < end + 2 {
                self.fill((end + 2 - self.buffer.len()).max(CHUNK)).await?;
            }
            if start == end {
                return Ok(());
            }
            self.joined.extend_from_slice(&self.buffer[start..end]);
            at = end + 2;
        }
    }
}

async fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn parse_head(buffer: &[u8]) -> anyhow::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 48];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(size) = response.parse(buffer)? else { return Ok(None) };
    let status = response.code.context("no status")?;
    let mut head = Head {
        status,
        session: None,
        is_stream: false,
        length: (status == 204).then_some(0),
        closes: false,
        size,
    };
    let mut is_chunked = false;
    for header in response.headers {
        let value = std::str::from_utf8(header.value)?;
        if header.name.eq_ignore_ascii_case("content-length") {
            head.length = Some(value.parse()?);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            is_chunked = value.eq_ignore_ascii_case("chunked");
        } else if header.name.eq_ignore_ascii_case("content-type") {
            head.is_stream = value.starts_with("text/event-stream");
        } else if header.name.eq_ignore_ascii_case("mcp-session-id") {
            head.session = Some(value.to_owned());
        } else if header.name.eq_ignore_ascii_case("connection") {
            head.closes = value.eq_ignore_ascii_case("close");
        }
    }
    if head.length.is_none() && !is_chunked {
        bail!("an answer of unknown length, status {status}");
    }
    Ok(Some(head))
}
