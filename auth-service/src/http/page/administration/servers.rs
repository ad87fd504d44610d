//! The list of servers, and one server with its tools.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};
use askama::Template;
use gateway_contract::reports::{CheckReport, ToolsAnswer};

use crate::{
    http::{
        account::notice::Notice,
        page::{
            Frame, Language,
            account::{Chrome, When},
            html,
        },
    },
    model::{McpServer, UnixTime},
    oauth::Viewer,
    upstream::{ServerHealth, ServerReport},
};

impl Language {
    /// Returns the state of a server in words.
    fn health(self, health: ServerHealth) -> &'static str {
        match health {
            ServerHealth::Ok => self.admin_health_ok(),
            ServerHealth::Failing => self.admin_health_failing(),
            ServerHealth::Untried => self.admin_health_untried(),
            ServerHealth::Unknown => self.admin_health_unknown(),
        }
    }
}

/// Returns the class of the badge with the state.
const fn class(health: ServerHealth) -> &'static str {
    match health {
        ServerHealth::Ok => "ok",
        ServerHealth::Failing => "bad",
        ServerHealth::Untried | ServerHealth::Unknown => "",
    }
}

/// A server with what its report says of it.
struct Row<'a> {
    of: &'a ServerReport,
    class: &'static str,
    health: &'static str,
    processes: String,
    sessions: String,
    tools: String,
    failure: String,
}

impl<'a> Row<'a> {
    fn of(of: &'a ServerReport, t: Language) -> Self {
        let count = |number: Option<usize>| number.map(|one| one.to_string()).unwrap_or_default();
        let mcp = of.mcp.as_ref();
        let process = mcp.map(|mcp| &mcp.process).filter(|_| of.http.is_none());
        let failures = [
            process.and_then(|process| process.last_failure.clone()),
            mcp.and_then(|mcp| mcp.check.as_ref()?.error.clone()),
            of.http.as_ref().and_then(|http| http.error.clone()),
            of.error.clone(),
        ];
        Self {
            class: class(of.health),
            health: t.health(of.health),
            processes: count(process.map(|process| process.pids.len())),
            sessions: count(process.map(|process| process.sessions)),
            tools: count(mcp.and_then(|mcp| mcp.tools)),
            failure: failures.into_iter().flatten().next().unwrap_or_default(),
            of,
        }
    }
}

#[derive(Template)]
#[template(path = "admin/servers.html")]
struct ServerList<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
}

/// Renders the list of servers.
pub(in crate::http) fn servers(
    request: &HttpRequest,
    viewer: &Viewer,
    reports: &[ServerReport],
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "servers", notice: None };
    let rows = reports.iter().map(|of| Row::of(of, frame.t)).collect();
    html(frame, StatusCode::OK, &ServerList { frame, chrome, rows })
}

#[derive(Template)]
#[template(path = "admin/server.html")]
struct OneServer<'a> {
    frame: &'a Frame,
    chrome: Chrome<'a>,
    server: &'a McpServer,
    row: Row<'a>,
    tools: &'a ToolsAnswer,
    checked: Option<When>,
}

/// Renders a server with its tools.
pub(in crate::http) fn server(
    request: &HttpRequest,
    viewer: &Viewer,
    (server, report, tools): (&McpServer, &ServerReport, &ToolsAnswer),
    (notice, now): (Option<Notice>, UnixTime),
) -> HttpResponse {
    let frame = &Frame::of(request);
    let chrome = Chrome { viewer, section: "servers", notice };
    let check = report.mcp.as_ref().and_then(|mcp| mcp.check.as_ref());
    let at = |check: &CheckReport| UnixTime(i64::try_from(check.at).unwrap_or(0));
    let checked = check.map(|check| When::seen(at(check), now));
    let row = Row::of(report, frame.t);
    html(frame, StatusCode::OK, &OneServer { frame, chrome, server, row, tools, checked })
}
