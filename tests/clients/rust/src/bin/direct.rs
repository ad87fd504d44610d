//! The official Rust SDK as a client of the proxy, without a gateway in front of it.
//!
//! usage: direct USER URL TOOL ARGUMENTS [URL TOOL ARGUMENTS ...]
//!
//! For each URL: the handshake, tools/list and ROUNDS calls of the tool, or none if TOOL is "-"; prints
//! one line of JSON a URL.

use std::{collections::HashMap, env, error::Error};

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::{
    ServiceExt,
    model::{CallToolRequestParams, JsonObject},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let user = words.next().ok_or("no user")?;
    while let Some(url) = words.next() {
        let tool = words.next().ok_or("no tool")?;
        let arguments = serde_json::from_str(&words.next().ok_or("no arguments")?)?;
        println!("{}", exercise(&user, url, tool, arguments).await?);
    }
    Ok(())
}

async fn exercise(
    user: &str,
    url: String,
    tool: String,
    arguments: JsonObject,
) -> Result<Value, Box<dyn Error>> {
    let header = (HeaderName::from_static("x-user-id"), HeaderValue::from_str(user)?);
    let config =
        StreamableHttpClientTransportConfig::with_uri(url).custom_headers(HashMap::from([header]));
    let client = ().serve(StreamableHttpClientTransport::from_config(config)).await?;
    let tools = client.list_all_tools().await?;
    let rounds = if tool == "-" { 0 } else { env::var("ROUNDS")?.parse()? };
    let mut results = Vec::new();
    for _ in 0..rounds {
        let call = CallToolRequestParams::new(tool.clone()).with_arguments(arguments.clone());
        results.push(serde_json::to_value(client.call_tool(call).await?)?);
    }
    let server = client.peer_info().map(|peer| serde_json::to_value(&*peer)).transpose()?;
    client.cancel().await?;
    let server = server.as_ref().and_then(|peer| peer.get("serverInfo"));
    let tools: Vec<_> = tools.iter().map(|tool| &tool.name).collect();
    Ok(json!({ "server": server, "tools": tools, "results": results }))
}
