//! Retrieval of a server's tools, within limits.

use std::time::Duration;

use anyhow::Context as _;
use gateway_contract::reports::{LONGEST_NAME, LONGEST_TEXT, MOST_TOOLS, ToolReport, shortened};
use serde::Deserialize;

use crate::config::catalogue::tool_view::{Rights, ToolView};
use crate::config::catalogue::tools::Verdict;
use crate::instances::connection::Connection;
use crate::instances::server::Server;

const PAGES: usize = 32;
/// The timeout for one page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Answer {
    result: Option<Page>,
}

#[derive(Deserialize)]
struct Page {
    tools: Vec<serde_json::Value>,
    #[serde(rename = "nextCursor")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
    title: Option<String>,
    description: Option<String>,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
struct Annotations {
    title: Option<String>,
}

/// Returns the tools that the server offers, and `true` if there are more. Tools that the catalogue hides
/// from everyone are omitted.
pub(super) async fn read(
    server: &Server,
    connection: &Connection,
) -> anyhow::Result<(Vec<ToolReport>, bool)> {
    let view = ToolView::new(&server.config(), Rights::default());
    let is_offered =
        |name: &str| view.as_deref().is_none_or(|view| view.verdict(name) != Verdict::Hidden);
    let (mut tools, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES {
        let params = connection.list_params(cursor.as_deref());
        let answer = connection.process.request("tools/list", &params, PAGE_TIMEOUT).await;
        let Ok(answer) = answer else { anyhow::bail!("tools/list is not answered") };
        let answer: Answer = serde_json::from_str(answer.text())
            .context("the answer to tools/list is not readable")?;
        let page = answer.result.context("tools/list is answered with an error")?;
        for tool in page.tools {
            let Ok(tool) = serde_json::from_value::<Tool>(tool) else { continue };
            if !is_offered(&tool.name) {
                continue;
            }
            if tools.len() == MOST_TOOLS {
                return Ok((tools, true));
            }
            tools.push(reported(tool));
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok((tools, false));
        }
    }
    Ok((tools, true))
}

fn reported(tool: Tool) -> ToolReport {
    let title = tool.title.or_else(|| tool.annotations?.title);
    ToolReport {
        name: shortened(&tool.name, LONGEST_NAME),
        title: title.map(|title| shortened(&title, LONGEST_NAME)),
        description: tool.description.map(|text| shortened(&text, LONGEST_TEXT)),
    }
}
