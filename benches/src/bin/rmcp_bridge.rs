//! What the Rust SDK gives when its Streamable HTTP server and its child process client are put
//! together: a process for each session, tools passed on, TCP_NODELAY.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, Implementation,
    InitializeRequestParams, InitializeResult, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RunningService};
use rmcp::transport::TokioChildProcess;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleClient, RoleServer, ServerHandler, ServiceError, ServiceExt as _};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

#[derive(Parser)]
struct Options {
    /// Where to listen
    #[arg(long)]
    listen: SocketAddr,
    /// The server: a command and its arguments
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// One session.
struct Bridge {
    command: Arc<[String]>,
    child: OnceCell<RunningService<RoleClient, InitializeRequestParams>>,
}

impl Bridge {
    fn child(&self) -> Result<&RunningService<RoleClient, InitializeRequestParams>, ErrorData> {
        self.child.get().ok_or_else(|| ErrorData::internal_error("not initialized", None))
    }

    async fn start(&self) -> anyhow::Result<RunningService<RoleClient, InitializeRequestParams>> {
        let mut command = tokio::process::Command::new(&self.command[0]);
        command.args(&self.command[1..]);
        let client = InitializeRequestParams::new(
            ClientCapabilities::default(),
            Implementation::from_build_env(),
        );
        Ok(client.serve(TokioChildProcess::new(command)?).await?)
    }
}

fn failed(error: ServiceError) -> ErrorData {
    match error {
        ServiceError::McpError(error) => error,
        other => ErrorData::internal_error(other.to_string(), None),
    }
}

impl ServerHandler for Bridge {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        let child = self.start().await;
        let child = child.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        // Initialized a second time, the first child stays.
        let _second = self.child.set(child);
        self.negotiate_initialize(&request)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.child()?.list_tools(request).await.map_err(failed)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.child()?.call_tool_once(request).await.map_err(failed)
    }
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(Options::parse()))
}

async fn serve(options: Options) -> anyhow::Result<()> {
    let command: Arc<[String]> = options.command.into();
    let service = StreamableHttpService::new(
        move || Ok(Bridge { command: Arc::clone(&command), child: OnceCell::new() }),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let listener = TcpListener::bind(options.listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(service.clone());
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}
