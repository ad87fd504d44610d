//! Requests of one client, and the check that an answer is the answer to them
//! (Streamable HTTP, "Sending Messages to the Server").

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::http::{Answer, Connection};

const VERSION: &str = "2025-06-18";

/// `initialize` as a line.
pub const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
/// What follows it.
pub const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// What a tool is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say<'a> {
    /// This.
    Text(&'a str),
    /// So many times `x`.
    Bytes(usize),
}

/// Writes a call of a tool as a line, without its end.
pub fn call_line(line: &mut String, id: u64, say: Say<'_>) {
    line.clear();
    let (tool, arguments) = match say {
        Say::Text(text) => ("echo", format_args!(r#""text":"{text}""#).to_string()),
        Say::Bytes(bytes) => ("blob", format_args!(r#""bytes":{bytes}"#).to_string()),
    };
    // Writing to a string cannot fail.
    let _written = write!(
        line,
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{{arguments}}}}}}}"#
    );
}

#[derive(Deserialize)]
struct Message<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    result: Option<CallResult<'a>>,
}

#[derive(Deserialize)]
struct CallResult<'a> {
    #[serde(borrow, default)]
    content: Vec<Content<'a>>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

/// Whether `line` answers request `id` with what was to be said.
pub fn check_line(line: &[u8], id: u64, say: Say<'_>) -> anyhow::Result<()> {
    if let Say::Bytes(bytes) = say {
        return check_large(line, id, bytes);
    }
    let message: Message<'_> = serde_json::from_slice(line).with_context(|| shown(line))?;
    ensure!(message.id == Some(id), "the answer to another request: {}", shown(line));
    let result = message.result.with_context(|| shown(line))?;
    let [said] = &result.content[..] else { anyhow::bail!("not one content: {}", shown(line)) };
    ensure!(Say::Text(&said.text) == say, "another text: {}", shown(line));
    Ok(())
}

/// A large result is read into values of its own, as clients do: that is part of what it costs.
fn check_large(line: &[u8], id: u64, bytes: usize) -> anyhow::Result<()> {
    let message: serde_json::Value = serde_json::from_slice(line).with_context(|| shown(line))?;
    ensure!(message["id"] == id, "the answer to another request: {}", shown(line));
    let text = message["result"]["content"][0]["text"].as_str().with_context(|| shown(line))?;
    let is_right = text.len() == bytes && text.bytes().all(|byte| byte == b'x');
    ensure!(is_right, "another text: {}", shown(line));
    Ok(())
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned()
}

/// A client in its session.
pub struct Client {
    connection: Connection,
    path: String,
    session: Option<String>,
    request: Vec<u8>,
    line: String,
}

impl Client {
    /// Connects; there is no session yet.
    pub async fn connect(address: SocketAddr, path: &str) -> anyhow::Result<Self> {
        let (request, line) = (Vec::new(), String::new());
        let connection = Connection::open(address).await?;
        Ok(Self { connection, path: path.to_owned(), session: None, request, line })
    }

    /// Connects and opens a session.
    pub async fn open(address: SocketAddr, path: &str) -> anyhow::Result<Self> {
        let mut client = Self::connect(address, path).await?;
        client.initialize().await?;
        client.initialized().await?;
        Ok(client)
    }

    /// A further connection of the same session.
    pub async fn beside(&self, address: SocketAddr) -> anyhow::Result<Self> {
        let mut other = Self::connect(address, &self.path).await?;
        other.session.clone_from(&self.session);
        Ok(other)
    }

    /// Sends `initialize` and keeps the session that the answer names.
    pub async fn initialize(&mut self) -> anyhow::Result<()> {
        INITIALIZE.clone_into(&mut self.line);
        self.session = None;
        let answer = self.post().await?;
        let what = || format!("initialize: {} {}", answer.status, shown(answer.body));
        ensure!(answer.status == 200, what());
        ensure!(memchr::memmem::find(answer.body, b"protocolVersion").is_some(), what());
        let session = answer.session.with_context(|| "no session id")?;
        self.session = Some(session);
        Ok(())
    }

    /// Sends `notifications/initialized`.
    pub async fn initialized(&mut self) -> anyhow::Result<()> {
        INITIALIZED.clone_into(&mut self.line);
        let answer = self.post().await?;
        ensure!(matches!(answer.status, 200 | 202), "initialized: {}", answer.status);
        Ok(())
    }

    /// Ends the session.
    pub async fn delete(&mut self) -> anyhow::Result<()> {
        self.line.clear();
        self.write_request("DELETE");
        self.connection.exchange(&self.request).await?;
        self.session = None;
        Ok(())
    }

    /// Makes one call; how long it took until the answer was read and found right.
    pub async fn call(&mut self, id: u64, say: Say<'_>) -> anyhow::Result<std::time::Duration> {
        call_line(&mut self.line, id, say);
        let since = std::time::Instant::now();
        let answer = self.post().await?;
        check(&answer, id, say)?;
        Ok(since.elapsed())
    }

    async fn post(&mut self) -> anyhow::Result<Answer<'_>> {
        self.write_request("POST");
        self.connection.exchange(&self.request).await
    }

    fn write_request(&mut self, method: &str) {
        use std::io::Write as _;
        self.request.clear();
        let (path, length) = (&self.path, self.line.len());
        // Writing to memory cannot fail.
        let _written = write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {length}\r\n"
        );
        if let Some(session) = &self.session {
            let _written = write!(
                self.request,
                "Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: {VERSION}\r\n"
            );
        }
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(self.line.as_bytes());
    }
}

/// Whether an answer, in either of its forms, is the right one.
fn check(answer: &Answer<'_>, id: u64, say: Say<'_>) -> anyhow::Result<()> {
    ensure!(answer.status == 200, "{} {}", answer.status, shown(answer.body));
    if !answer.is_stream {
        return check_line(answer.body, id, say);
    }
    let mut data = answer.body.split(|byte| *byte == b'\n').filter_map(|line| {
        let data = line.strip_prefix(b"data:")?.trim_ascii();
        (!data.is_empty()).then_some(data)
    });
    let message = data.next().context("a stream without a message")?;
    ensure!(data.next().is_none(), "a stream of several messages");
    check_line(message, id, say)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &[u8], is_stream: bool) -> Answer<'_> {
        Answer { status: 200, session: None, is_stream, body }
    }

    #[test]
    fn only_the_right_answer_counts() {
        let right =
            br#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"a"}]}}"#;
        assert!(check(&answer(right, false), 7, Say::Text("a")).is_ok());
        assert!(check(&answer(right, false), 8, Say::Text("a")).is_err());
        assert!(check(&answer(right, false), 7, Say::Text("b")).is_err());
        let stream = [b"id: 1\ndata: \n\ndata: ", &right[..], b"\n\n"].concat();
        assert!(check(&answer(&stream, true), 7, Say::Text("a")).is_ok());
        let error = br#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":""}}"#;
        assert!(check(&answer(error, false), 7, Say::Text("a")).is_err());
    }
}
