//! The action `check`: starts every configured server once and prints what it offers.

use std::io::Write;
use std::sync::Arc;

use super::{examine, told};
use crate::backend::{Backend, Examined};
use crate::hub::Hub;

/// Writes a table of the servers to `out`. Returns `true` if all of them work.
pub async fn print(hub: &Arc<Hub>, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut good = true;
    writeln!(out, "{:<24} {:<32} {:<12} TOOLS", "SERVER", "IMPLEMENTATION", "REVISION")?;
    for backend in hub.backends() {
        let name = Arc::clone(&backend.name);
        match describe(hub, &backend).await {
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

async fn describe(hub: &Arc<Hub>, backend: &Arc<Backend>) -> anyhow::Result<[String; 3]> {
    let Examined { name, version, protocol, tools, has_tools, .. } = examine(hub, backend).await?;
    let text = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    let tools = if has_tools {
        format!("{}: {}", names.len(), names.join(", "))
    } else {
        "none".to_owned()
    };
    Ok([format!("{} {}", text(name), text(version)), text(protocol), tools])
}
