//! The official Rust SDK as a client of the proxy, without a gateway in front of it.
//!
//! usage: direct MODE USER URL TOOL ARGUMENTS [URL TOOL ARGUMENTS ...]
//!
//! MODE is how it finds out what the server speaks: "initialize", "discover" or "auto". For each URL:
//! the opening, tools/list and ROUNDS calls of the tool, or none if TOOL is "-"; prints one line of
//! JSON a URL. What a server asks its client is answered with MARK.

#![expect(deprecated, reason = "sampling, and the name of what a client says of itself")]

use std::{collections::HashMap, env, error::Error};

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, ErrorData, RoleClient,
    model::{
        CallToolRequestParams, ClientCapabilities, ClientInfo, CreateMessageRequestParams,
        CreateMessageResult, ElicitRequestParams, ElicitResult, ElicitationAction,
        ElicitationCapability, Implementation, JsonObject, ProtocolVersion, Role,
        SamplingCapability, SamplingMessage, SamplingMessageContentBlock,
    },
    service::RequestContext,
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let mode = words.next().ok_or("no mode")?;
    let user = words.next().ok_or("no user")?;
    while let Some(url) = words.next() {
        let tool = words.next().ok_or("no tool")?;
        let arguments = serde_json::from_str(&words.next().ok_or("no arguments")?)?;
        println!("{}", exercise(lifecycle(&mode)?, &user, url, tool, arguments).await?);
    }
    Ok(())
}

fn lifecycle(mode: &str) -> Result<ClientLifecycleMode, Box<dyn Error>> {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    match mode {
        "initialize" => Ok(ClientLifecycleMode::Initialize),
        "discover" => Ok(ClientLifecycleMode::Discover { preferred_versions }),
        "auto" => Ok(ClientLifecycleMode::Auto { preferred_versions, legacy_version: None }),
        _ => Err("an unknown mode".into()),
    }
}

/// A client that answers whatever it is asked with the same word.
struct Answering(String);

impl ClientHandler for Answering {
    fn get_info(&self) -> ClientInfo {
        let mut capabilities = ClientCapabilities::default();
        capabilities.sampling = Some(SamplingCapability::default());
        capabilities.elicitation = Some(ElicitationCapability::default());
        ClientInfo::new(capabilities, Implementation::new("direct", "1.0.0"))
    }

    async fn create_message(
        &self,
        _params: CreateMessageRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let content = SamplingMessageContentBlock::text(&self.0);
        let message = SamplingMessage::new(Role::Assistant, content);
        Ok(CreateMessageResult::new(message, "none".to_owned()))
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let ElicitRequestParams::FormElicitationParams { requested_schema, .. } = params else {
            return Ok(ElicitResult::new(ElicitationAction::Decline));
        };
        let required = requested_schema.required.unwrap_or_default();
        let content: JsonObject =
            required.into_iter().map(|name| (name, self.0.clone().into())).collect();
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(content.into()))
    }
}

async fn exercise(
    lifecycle: ClientLifecycleMode,
    user: &str,
    url: String,
    tool: String,
    arguments: JsonObject,
) -> Result<Value, Box<dyn Error>> {
    let header = (HeaderName::from_static("x-user-id"), HeaderValue::from_str(user)?);
    let config =
        StreamableHttpClientTransportConfig::with_uri(url).custom_headers(HashMap::from([header]));
    let transport = StreamableHttpClientTransport::from_config(config);
    let client = Answering(env::var("MARK")?).serve_with_lifecycle(transport, lifecycle).await?;
    let tools = client.list_all_tools().await?;
    let rounds = if tool == "-" { 0 } else { env::var("ROUNDS")?.parse()? };
    let mut results = Vec::new();
    for _ in 0..rounds {
        let call = CallToolRequestParams::new(tool.clone()).with_arguments(arguments.clone());
        results.push(serde_json::to_value(client.call_tool(call).await?)?);
    }
    let peer = client.peer_info().map(|peer| serde_json::to_value(&*peer)).transpose()?;
    let peer = peer.unwrap_or_default();
    client.cancel().await?;
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    Ok(json!({
        "server": peer["serverInfo"],
        "revision": peer["protocolVersion"],
        "tools": names,
        "results": results,
    }))
}
