//! Commands `server show`, `server tools` and `server check`, which ask the proxies.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use gateway_contract::reports::{CheckOutcome, ToolReport};

use crate::{
    cli::{
        access,
        exit::Stop,
        output::{Json, shown},
        say, table,
    },
    config::Config,
    model::{Catalogue, Clock, McpServer, SystemClock, UnixTime, in_words},
    servers::Sources,
    upstream::{ReportError, ServerHealth, ServerReport, ServerReports},
};

/// The number of servers that are checked at once.
const AT_ONCE: usize = 4;
/// The longest text of a cell, in characters.
const CELL: usize = 100;

async fn load() -> anyhow::Result<(ServerReports, Catalogue)> {
    let config = Config::load()?;
    let catalogue = Sources::new(&config).read().await?.catalogue();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok((ServerReports::new(&config.proxies, &clock), catalogue))
}

fn find<'a>(catalogue: &'a Catalogue, name: &str) -> Result<&'a McpServer, Stop> {
    let hint =
        if name.contains(['/', '.']) { "; a file is checked by `server validate`" } else { "" };
    let unknown = || Stop::NothingMatched(format!("{}{hint}", access::unknown(catalogue, name)));
    access::find(catalogue, name).ok_or_else(unknown)
}

fn stop(error: &ReportError) -> Stop {
    Stop::Unreachable(error.to_string())
}

/// Shows the state of the server `name`.
pub(super) async fn show(name: &str, json: Json) -> anyhow::Result<()> {
    let (reports, catalogue) = load().await?;
    let report = reports.one(find(&catalogue, name)?).await;
    json.print(&report, || print(&report))
}

fn print(report: &ServerReport) -> anyhow::Result<()> {
    let mut lines = vec![
        ("server", report.server.clone()),
        ("title", shown(&report.title)),
        ("state", report.health.as_str().to_owned()),
    ];
    lines.extend(report.proxy.iter().map(|proxy| ("proxy", proxy.clone())));
    lines.extend(report.error.iter().map(|why| ("unknown", shown(why))));
    if let Some(http) = &report.http {
        let answer = http.status.map(|status| format!("status {status} after {} ms", http.ms));
        let answer = answer.or_else(|| http.error.clone()).unwrap_or_default();
        lines.push(("http", shown(&answer)));
    }
    if let Some(mcp) = &report.mcp {
        let text = |text: &Option<String>| shown(text.as_deref().unwrap_or("?"));
        let process = &mcp.process;
        lines.push(("program", format!("{} {}", text(&mcp.name), text(&mcp.version))));
        lines.push(("protocol", text(&mcp.protocol)));
        let pids = process.pids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        lines.push(("processes", if pids.is_empty() { "none".to_owned() } else { pids }));
        lines.push(("sessions", process.sessions.to_string()));
        lines.push(("calls", process.calls.to_string()));
        lines.push(("restarts", process.restarts.to_string()));
        lines.extend(process.last_failure.iter().map(|why| ("failure", shown(why))));
        lines.extend(mcp.tools.map(|tools| ("tools", tools.to_string())));
        lines.push(("check", checked(report)));
    }
    lines.into_iter().try_for_each(|(name, value)| say(&format!("{name:9}  {value}")))
}

/// Describes the last check.
fn checked(report: &ServerReport) -> String {
    let check = report.mcp.as_ref().and_then(|mcp| mcp.check.as_ref());
    let Some(check) = check else { return "never".to_owned() };
    let at = UnixTime(i64::try_from(check.at).unwrap_or(i64::MAX));
    let ago = in_words(at.until(SystemClock.now()));
    match check.outcome {
        CheckOutcome::Ok => format!("ok {ago} ago, in {} ms", check.ms),
        CheckOutcome::Failed => {
            let why = check.error.as_deref().unwrap_or("without a reason");
            format!("failed {ago} ago: {}", shown(why))
        }
    }
}

/// Lists the tools of the server `name`.
pub(super) async fn tools(name: &str, json: Json) -> anyhow::Result<()> {
    let (reports, catalogue) = load().await?;
    let server = find(&catalogue, name)?;
    let mut known = reports.tools(server).await.map_err(|error| stop(&error))?;
    if known.tools.is_none() {
        let report = reports.check(server).await.map_err(|error| stop(&error))?;
        if report.health == ServerHealth::Failing {
            let why = format!("{}: the check {}", report.server, checked(&report));
            return Err(Stop::Findings(why).into());
        }
        known = reports.tools(server).await.map_err(|error| stop(&error))?;
    }
    let tools = known.tools.unwrap_or_default();
    json.print_all("tools", &tools, || {
        let rows: Vec<_> = tools.iter().map(tool_row).collect();
        table::print(["TOOL", "TITLE", "DESCRIPTION"], &rows)?;
        if known.truncated { say("… and more") } else { Ok(()) }
    })
}

fn tool_row(tool: &ToolReport) -> [String; 3] {
    let text = |text: &Option<String>| {
        let line = text.as_deref().unwrap_or("-").lines().next().unwrap_or("-");
        shown(&line.chars().take(CELL).collect::<String>())
    };
    [shown(&tool.name), text(&tool.title), text(&tool.description)]
}

/// Checks the servers `names`, or all of them.
pub(super) async fn check(names: &[String], json: Json) -> anyhow::Result<()> {
    let (reports, catalogue) = load().await?;
    let servers: Vec<&McpServer> = match names {
        [] => catalogue.iter().collect(),
        names => names.iter().map(|name| find(&catalogue, name)).collect::<Result<_, _>>()?,
    };
    let checks =
        servers.iter().map(|server| async { (server.name.as_str(), reports.check(server).await) });
    let all: Vec<(&str, Result<ServerReport, ReportError>)> =
        stream::iter(checks).buffered(AT_ONCE).collect().await;
    let checked: Vec<&ServerReport> = all.iter().filter_map(|(_, one)| one.as_ref().ok()).collect();
    json.print_all("servers", &checked, || {
        let rows: Vec<_> = all.iter().map(|(name, one)| row(name, one)).collect();
        table::print(["NAME", "STATE", "TOOLS", "CHECK"], &rows)
    })?;
    let failing = checked.iter().filter(|report| report.health == ServerHealth::Failing).count();
    match all.iter().find_map(|(_, one)| one.as_ref().err()) {
        _ if failing > 0 => {
            Err(Stop::Findings(format!("{failing} of {} failed", all.len())).into())
        }
        Some(error) => Err(stop(error).into()),
        None => Ok(()),
    }
}

fn row(name: &str, outcome: &Result<ServerReport, ReportError>) -> [String; 4] {
    match outcome {
        Ok(report) => {
            let tools = report.mcp.as_ref().and_then(|mcp| mcp.tools);
            [
                name.to_owned(),
                report.health.as_str().to_owned(),
                tools.map_or_else(|| "-".to_owned(), |count| count.to_string()),
                checked(report),
            ]
        }
        Err(error) => {
            let unknown = ServerHealth::Unknown.as_str().to_owned();
            [name.to_owned(), unknown, "-".to_owned(), shown(&error.to_string())]
        }
    }
}
