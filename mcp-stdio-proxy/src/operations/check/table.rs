//! The action `check`: starts every configured server once and prints what it offers.

use std::io::Write;
use std::sync::Arc;

use super::{examine, told};
use crate::instances::server::{Examined, Server};
use crate::sessions::SessionRegistry;

/// Writes a table of the servers to `out`. Returns `true` if all of them work.
pub async fn print(registry: &Arc<SessionRegistry>, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut good = true;
    writeln!(out, "{:<24} {:<32} {:<12} TOOLS", "SERVER", "IMPLEMENTATION", "REVISION")?;
    for server in registry.servers() {
        let name = Arc::clone(&server.name);
        match describe(registry, &server).await {
            Ok([implementation, revision, tools]) => {
                writeln!(out, "{name:<24} {implementation:<32} {revision:<12} {tools}")?;
            }
            Err(error) => {
                good = false;
                writeln!(out, "{name:<24} FAILED: {}", told(&error))?;
            }
        }
    }
    Ok(good)
}

async fn describe(
    registry: &Arc<SessionRegistry>,
    server: &Arc<Server>,
) -> anyhow::Result<[String; 3]> {
    let Examined { name, version, protocol, tools, has_tools, .. } =
        examine(registry, server).await?;
    let text = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    let tools = if has_tools {
        format!("{}: {}", names.len(), names.join(", "))
    } else {
        "none".to_owned()
    };
    Ok([format!("{} {}", text(name), text(version)), text(protocol), tools])
}
