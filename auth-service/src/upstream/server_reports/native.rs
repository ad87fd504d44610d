//! Servers of the file that speak HTTP themselves. Only URLs that the operator wrote are asked, without credentials.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use gateway_contract::reports::{
    CheckOutcome, CheckReport, LONGEST_TEXT, ServerReport, ToolsAnswer, shortened,
};
use parking_lot::Mutex;
use reqwest::{Client, Url, header::ACCEPT};

use super::{bounded::ReportError, report::Reach, streamable};
use crate::{
    model::{Clock, McpServer, ServerName},
    upstream::{lazy_client::LazyClient, provider_resolver::ProviderResolver},
};

/// The timeout of the question whether a server answers at all.
const REACH: Duration = Duration::from_secs(4);
/// The timeout of a check.
const CHECK: Duration = Duration::from_secs(30);

/// What the last check of a server found.
#[derive(Clone)]
struct Known {
    ended: Instant,
    url: Url,
    report: ServerReport,
    tools: ToolsAnswer,
}

/// The client of these servers, and what checks have found since the start.
pub(super) struct NativeServers {
    http: LazyClient,
    clock: Arc<dyn Clock>,
    /// Held during a check: there is never more than one at a time.
    turn: tokio::sync::Mutex<()>,
    known: Mutex<BTreeMap<ServerName, Known>>,
}

impl NativeServers {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let resolver = Arc::new(ProviderResolver::default());
        let http = LazyClient::new(move || {
            Client::builder()
                .dns_resolver(Arc::clone(&resolver))
                .no_proxy()
                // A redirect would leave the URL that the operator wrote.
                .redirect(reqwest::redirect::Policy::none())
                .pool_max_idle_per_host(0)
                .user_agent(concat!("mcp-oauth-gateway/", env!("CARGO_PKG_VERSION")))
                .build()
        });
        Self { http, clock, turn: tokio::sync::Mutex::default(), known: Mutex::default() }
    }

    /// Asks whether `url` answers, whatever it answers.
    pub(super) async fn reach(&self, url: &Url) -> Reach {
        let start = Instant::now();
        let asked = async {
            let request = self.http.get()?.get(url.clone()).header(ACCEPT, "application/json");
            Ok(request.timeout(REACH).send().await?.status().as_u16())
        };
        let answer = asked.await;
        let ms = millis(start);
        match answer {
            Ok(status) => Reach { status: Some(status), ms, error: None },
            Err(error) => {
                let error = ReportError::unreachable("the server", error).to_string();
                Reach { status: None, ms, error: Some(error) }
            }
        }
    }

    /// Returns what the last check of `server` found, unless its URL has changed since.
    pub(super) fn last(&self, server: &McpServer) -> Option<ServerReport> {
        self.known(server).map(|known| known.report)
    }

    /// Returns the tools that the last successful check of `server` found.
    pub(super) fn tools(&self, server: &McpServer) -> ToolsAnswer {
        self.known(server).map(|known| known.tools).unwrap_or_default()
    }

    fn known(&self, server: &McpServer) -> Option<Known> {
        let known = self.known.lock().get(&server.name).cloned()?;
        (Some(&known.url) == server.url.as_ref()).then_some(known)
    }

    /// Checks `server` at `url`. A caller that comes while it is being checked gets the outcome of that check.
    pub(super) async fn check(&self, server: &McpServer, url: &Url) -> ServerReport {
        let asked = Instant::now();
        let _turn = self.turn.lock().await;
        if let Some(known) = self.known(server).filter(|known| known.ended >= asked) {
            return known.report;
        }
        let start = Instant::now();
        let checking = async {
            let http = self.http.get().map_err(|error| error.to_string())?;
            streamable::examine(http, url).await.map_err(|error| error.to_string())
        };
        let outcome = match tokio::time::timeout(CHECK, checking).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("the check was not finished within {} s", CHECK.as_secs())),
        };
        let at = u64::try_from(self.clock.now().0).unwrap_or_default();
        let ms = millis(start);
        let mut tools = self.tools(server);
        let report = match outcome {
            Ok(mut found) => {
                let outcome = CheckOutcome::Ok;
                found.report.check = Some(CheckReport { at, outcome, ms, error: None });
                tools = found.tools;
                tools.at = Some(at);
                found.report
            }
            Err(why) => {
                let error = Some(shortened(&why, LONGEST_TEXT));
                let check = CheckReport { at, outcome: CheckOutcome::Failed, ms, error };
                ServerReport { check: Some(check), ..ServerReport::default() }
            }
        };
        let known = Known { ended: Instant::now(), url: url.clone(), report, tools };
        let report = known.report.clone();
        self.known.lock().insert(server.name.clone(), known);
        report
    }
}

fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
