//! The MCP server that every proxy of the measurement stands before: it does as little as it can
//! (stdio transport).

use std::io::{BufRead as _, Write as _};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What an echo is read as.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: &'a str,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Hello<'a> {
    #[serde(rename = "protocolVersion")]
    version: &'a str,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    name: &'a str,
    #[serde(borrow)]
    arguments: Arguments<'a>,
}

#[derive(Deserialize)]
struct Arguments<'a> {
    /// What `echo` says, as it stands in the request.
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    /// How many bytes `blob` says.
    bytes: Option<usize>,
}

const TOOLS: &str = r#"{"tools":[{"name":"echo","description":"Says what it is told","inputSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]}},{"name":"blob","description":"Says much","inputSchema":{"type":"object","properties":{"bytes":{"type":"integer"}},"required":["bytes"]}}]}"#;

fn main() -> anyhow::Result<()> {
    let mut input = std::io::BufReader::with_capacity(64 << 10, std::io::stdin().lock());
    let mut output = std::io::stdout().lock();
    let (mut line, mut answer) = (String::new(), Vec::new());
    while input.read_line(&mut line)? > 0 {
        answer.clear();
        let request: Request<'_> = serde_json::from_str(&line).context("a request")?;
        if let Some(id) = request.id {
            write!(answer, r#"{{"jsonrpc":"2.0","id":{},"result":"#, id.get())?;
            result(&request, &mut answer)?;
            answer.extend_from_slice(b"}\n");
            output.write_all(&answer)?;
            output.flush()?;
        }
        line.clear();
    }
    Ok(())
}

fn result(request: &Request<'_>, answer: &mut Vec<u8>) -> anyhow::Result<()> {
    let params = request.params.map_or("{}", RawValue::get);
    match request.method {
        "initialize" => {
            let version = serde_json::from_str::<Hello<'_>>(params)?.version;
            write!(
                answer,
                r#"{{"protocolVersion":"{version}","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"echo","version":"1"}}}}"#
            )?;
        }
        "tools/list" => answer.extend_from_slice(TOOLS.as_bytes()),
        "tools/call" => {
            let call: ToolCall<'_> = serde_json::from_str(params)?;
            answer.extend_from_slice(br#"{"content":[{"type":"text","text":"#);
            match (call.name, call.arguments.text, call.arguments.bytes) {
                ("echo", Some(text), _) => answer.extend_from_slice(text.get().as_bytes()),
                ("blob", _, Some(bytes)) => {
                    answer.push(b'"');
                    answer.resize(answer.len() + bytes, b'x');
                    answer.push(b'"');
                }
                _ => anyhow::bail!("no such tool: {}", call.name),
            }
            answer.extend_from_slice(b"}]}");
        }
        _ => answer.extend_from_slice(b"{}"),
    }
    Ok(())
}
