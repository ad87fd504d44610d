//! `check`: starts every configured server once and says what it offers (MCP "Lifecycle", "Tools").

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use gateway_contract::chain::Chain;
use serde_json::Value;

use crate::backend::Backend;
use crate::child::Child;
use crate::hub::Hub;
use crate::room::Hello;
use crate::unavailable::Unavailable;

/// Whom the servers are started for.
const USER: &str = "check";
/// How long a list of tools may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes a table of the servers to `out`; whether all of them work.
pub async fn check(hub: &Arc<Hub>, out: &mut impl Write) -> anyhow::Result<bool> {
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

/// Says what failed in words for the operator; a failed start has others for clients.
fn told(error: &anyhow::Error) -> String {
    match error.downcast_ref() {
        Some(Unavailable::Spawn(error)) => error.to_string(),
        _ => Chain(error.as_ref()).to_string(),
    }
}

async fn describe(hub: &Arc<Hub>, backend: &Arc<Backend>) -> anyhow::Result<[String; 3]> {
    let (seat, greeting) = hub.open(backend, Some(USER.into()), Hello::newest()).await?;
    let child = hub.child(&seat.room).await?;
    seat.room.say_initialized(&child).await;
    let greeting: Value = serde_json::from_str(&greeting)?;
    let text = |pointer: &str| greeting.pointer(pointer).and_then(Value::as_str).unwrap_or("?");
    let implementation = format!("{} {}", text("/serverInfo/name"), text("/serverInfo/version"));
    let tools = match greeting.pointer("/capabilities/tools") {
        Some(_) => tools(&child).await?,
        None => "none".to_owned(),
    };
    child.end();
    Ok([implementation, text("/protocolVersion").to_owned(), tools])
}

async fn tools(child: &Child) -> anyhow::Result<String> {
    let answer = child.errand("tools/list", "{}", PATIENCE).await;
    let Ok(answer) = answer else { anyhow::bail!("tools/list is not answered") };
    let answer: Value = serde_json::from_slice(&answer)?;
    let list = answer.pointer("/result/tools").and_then(Value::as_array);
    let names = list.context("tools/list is answered with an error")?;
    let names: Vec<_> = names.iter().filter_map(|tool| tool.get("name")?.as_str()).collect();
    Ok(format!("{}: {}", names.len(), names.join(", ")))
}
