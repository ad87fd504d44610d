//! The client of a proxy's inner interface.

use std::time::Duration;

use gateway_contract::reports::{EventsAnswer, ServerReport, ServersAnswer, ToolsAnswer};
use reqwest::{Client, Method, Url};
use serde::de::DeserializeOwned;

use super::bounded::{ReportError, body};
use crate::{
    config::{ProxyAddress, ProxyEndpoint},
    upstream::lazy_client::LazyClient,
};

/// The timeout of a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// The timeout of an answer that the proxy has ready.
const READY: Duration = Duration::from_secs(4);
/// The timeout of a check, which may start a process. The proxy gives up first.
const CHECK: Duration = Duration::from_mins(2);
/// The maximum size of an answer: the most tools with the longest texts.
const MOST_BYTES: usize = 8 << 20;

/// The client of one proxy.
pub(super) struct ProxyClient {
    pub(super) name: String,
    pub(super) address: String,
    http: LazyClient,
    /// The origin of its URLs. A Unix socket has one only for the `Host` header.
    origin: Option<Url>,
}

impl ProxyClient {
    pub(super) fn new(proxy: &ProxyAddress) -> Self {
        let endpoint = proxy.endpoint.clone();
        let origin = match &endpoint {
            ProxyEndpoint::Unix(_) => Url::parse("http://localhost/").ok(),
            ProxyEndpoint::Http(url) => Some(url.clone()),
        };
        let http = LazyClient::new(move || {
            let client = Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT)
                // Without TLS, the certificates of the system are not needed.
                .tls_certs_only([])
                .pool_max_idle_per_host(0);
            match &endpoint {
                ProxyEndpoint::Unix(path) => client.unix_socket(path.clone()).build(),
                ProxyEndpoint::Http(_) => client.build(),
            }
        });
        Self { name: proxy.name.clone(), address: proxy.endpoint.to_string(), http, origin }
    }

    /// Returns what the proxy knows of its servers.
    pub(super) async fn servers(&self) -> Result<ServersAnswer, ReportError> {
        self.ask(Method::GET, "servers", READY).await
    }

    /// Returns the tools of the server `name`.
    pub(super) async fn tools(&self, name: &str) -> Result<ToolsAnswer, ReportError> {
        self.ask(Method::GET, &format!("servers/{name}/tools"), READY).await
    }

    /// Returns the audit events after the one with the number `after`.
    pub(super) async fn events(&self, after: u64) -> Result<EventsAnswer, ReportError> {
        self.ask(Method::GET, &format!("audit?after={after}"), READY).await
    }

    /// Checks the server `name`.
    pub(super) async fn check(&self, name: &str) -> Result<ServerReport, ReportError> {
        self.ask(Method::POST, &format!("servers/{name}/check"), CHECK).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        timeout: Duration,
    ) -> Result<T, ReportError> {
        let peer = format!("proxy {} ({})", self.name, self.address);
        let url = self.origin.as_ref().and_then(|origin| origin.join(path).ok());
        let url = url.ok_or_else(|| ReportError::unreadable(&peer, &"its address"))?;
        let failed = |error| ReportError::unreachable(&peer, error);
        let client = self.http.get().map_err(failed)?;
        let answer = client.request(method, url).timeout(timeout).send().await.map_err(failed)?;
        let body = body(&peer, answer, MOST_BYTES).await?;
        serde_json::from_slice(&body).map_err(|error| ReportError::unreadable(&peer, &error))
    }
}
