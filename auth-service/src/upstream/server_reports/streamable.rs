//! A client of Streamable HTTP that asks `initialize` and `tools/list` (MCP "Transports").

use gateway_contract::{
    reports::{
        LONGEST_NAME, LONGEST_TEXT, MOST_TOOLS, ServerReport, ServerState, ToolReport, ToolsAnswer,
        shortened,
    },
    revision::NEWEST_HANDSHAKE,
};
use reqwest::{
    Client, RequestBuilder, Response, Url,
    header::{ACCEPT, CONTENT_TYPE},
};
use serde_json::{Value, json};

use super::bounded::ReportError;

/// The maximum size of one answer.
const MOST_BYTES: usize = 4 << 20;
/// The most pages of a list of tools.
const PAGES: usize = 32;
/// The name of the peer in errors.
const PEER: &str = "the server";

/// What was found of a server.
pub(super) struct Found {
    pub(super) report: ServerReport,
    pub(super) tools: ToolsAnswer,
}

/// A session at a server.
struct Session<'a> {
    http: &'a Client,
    url: &'a Url,
    id: Option<String>,
    /// The revision that the server has chosen.
    revision: Option<String>,
}

/// Asks the server at `url` what it is and which tools it has.
pub(super) async fn examine(http: &Client, url: &Url) -> Result<Found, ReportError> {
    let mut session = Session { http, url, id: None, revision: None };
    let params = json!({
        "protocolVersion": NEWEST_HANDSHAKE,
        "capabilities": {},
        "clientInfo": { "name": "mcp-oauth-gateway", "version": env!("CARGO_PKG_VERSION") },
    });
    let (greeting, id) = session.ask("initialize", &params).await?;
    session.id = id;
    let found = session.read(&greeting).await;
    session.end().await;
    found
}

impl Session<'_> {
    async fn read(&mut self, greeting: &Value) -> Result<Found, ReportError> {
        let text = |pointer: &str| {
            let text = greeting.pointer(pointer).and_then(Value::as_str);
            text.map(|text| shortened(text, LONGEST_NAME))
        };
        let protocol = text("/protocolVersion");
        self.revision.clone_from(&protocol);
        self.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
            .send()
            .await
            .map_err(|error| ReportError::unreachable(PEER, error))?;
        let mut tools = ToolsAnswer { tools: Some(Vec::new()), ..ToolsAnswer::default() };
        if greeting.pointer("/capabilities/tools").is_some() {
            tools = self.tools().await?;
        }
        let report = ServerReport {
            process: ServerState { state: "ok".to_owned(), ..ServerState::default() },
            name: text("/serverInfo/name"),
            version: text("/serverInfo/version"),
            protocol,
            tools: tools.tools.as_ref().map(Vec::len),
            check: None,
        };
        Ok(Found { report, tools })
    }

    async fn tools(&self) -> Result<ToolsAnswer, ReportError> {
        let (mut all, mut truncated, mut cursor) = (Vec::new(), true, None::<Value>);
        for _ in 0..PAGES {
            let params = cursor.map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
            let (page, _) = self.ask("tools/list", &params).await?;
            let listed = page.get("tools").and_then(Value::as_array);
            let listed = listed.ok_or_else(|| ReportError::unreadable(PEER, "no list of tools"))?;
            all.extend(listed.iter().take(MOST_TOOLS - all.len()).filter_map(tool));
            cursor = page.get("nextCursor").filter(|cursor| cursor.is_string()).cloned();
            if cursor.is_none() || all.len() == MOST_TOOLS {
                truncated = cursor.is_some() || listed.len() > MOST_TOOLS;
                break;
            }
        }
        Ok(ToolsAnswer { tools: Some(all), truncated, at: None })
    }

    /// Asks `method`. Returns the result, and the session id that the server gave.
    async fn ask(
        &self,
        method: &str,
        params: &Value,
    ) -> Result<(Value, Option<String>), ReportError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let failed = |error| ReportError::unreachable(PEER, error);
        let answer = self.post(&body).send().await.map_err(failed)?;
        if !answer.status().is_success() {
            return Err(ReportError::Status(PEER.to_owned(), answer.status().as_u16()));
        }
        let id = answer.headers().get("mcp-session-id").and_then(|id| id.to_str().ok());
        let id = id.map(str::to_owned);
        let message = message(answer).await?;
        match message.get("result") {
            Some(result) => Ok((result.clone(), id)),
            None => {
                let why = message.pointer("/error/message").and_then(Value::as_str);
                let why = format!("{method} failed: {}", why.unwrap_or("without a message"));
                Err(ReportError::unreadable(PEER, shortened(&why, LONGEST_TEXT)))
            }
        }
    }

    fn post(&self, body: &Value) -> RequestBuilder {
        let request = self.http.post(self.url.clone()).json(body);
        self.with_session(request.header(ACCEPT, "application/json, text/event-stream"))
    }

    fn with_session(&self, request: RequestBuilder) -> RequestBuilder {
        let headers = [("mcp-protocol-version", &self.revision), ("mcp-session-id", &self.id)];
        headers.into_iter().fold(request, |request, (name, value)| match value {
            Some(value) => request.header(name, value),
            None => request,
        })
    }

    /// Ends the session. A server need not allow that.
    async fn end(&self) {
        if self.id.is_some() {
            let _ended = self.with_session(self.http.delete(self.url.clone())).send().await;
        }
    }
}

fn tool(value: &Value) -> Option<ToolReport> {
    let text = |value: Option<&Value>, limit| {
        value.and_then(Value::as_str).map(|text| shortened(text, limit))
    };
    let title = value.get("title").or_else(|| value.pointer("/annotations/title"));
    Some(ToolReport {
        name: text(value.get("name"), LONGEST_NAME)?,
        title: text(title, LONGEST_NAME),
        description: text(value.get("description"), LONGEST_TEXT),
    })
}

/// Reads the answer to the request: a JSON body, or the first answer on an event stream.
async fn message(mut answer: Response) -> Result<Value, ReportError> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_stream = kind.is_some_and(|kind| kind.starts_with("text/event-stream"));
    let (mut body, mut read) = (Vec::new(), 0);
    let failed = |error| ReportError::unreachable(PEER, error);
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        read += chunk.len();
        if read > MOST_BYTES {
            let why = format!("more than {MOST_BYTES} bytes");
            return Err(ReportError::unreadable(PEER, why));
        }
        // Carriage returns matter in no JSON and in no stream.
        body.extend(chunk.iter().filter(|byte| **byte != b'\r'));
        // A server may leave the stream open after the answer.
        while is_stream && let Some(event) = first_event(&mut body) {
            if let Some(answer) = answer_in(&event) {
                return Ok(answer);
            }
        }
    }
    if is_stream {
        return Err(ReportError::unreadable(PEER, "the stream ended without an answer"));
    }
    serde_json::from_slice(&body).map_err(|error| ReportError::unreadable(PEER, error))
}

/// Removes the first complete event from `stream`.
fn first_event(stream: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = stream.windows(2).position(|pair| pair == b"\n\n")?;
    Some(stream.drain(..end + 2).collect())
}

/// Returns the answer to the request, if `event` has it.
fn answer_in(event: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(event);
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    let data: Vec<&str> = data.map(|data| data.strip_prefix(' ').unwrap_or(data)).collect();
    let message: Value = serde_json::from_str(&data.join("\n")).ok()?;
    (message.get("id") == Some(&json!(1)) && message.get("method").is_none()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_found_among_other_events() {
        let other = "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n\n";
        let answer = "id: 7\ndata: {\"id\":1,\ndata: \"result\":{}}\n\n";
        let mut stream = format!(": hello\n\n{other}{answer}data: {{").into_bytes();
        let mut found = Vec::new();
        while let Some(event) = first_event(&mut stream) {
            found.push(answer_in(&event).map(|answer| answer["result"].clone()));
        }
        assert_eq!(found, [None, None, Some(json!({}))]);
        assert_eq!(stream, b"data: {");
    }
}
