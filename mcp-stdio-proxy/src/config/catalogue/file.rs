//! Parsing of `mcp-servers.json`, the `mcpServers` object of MCP clients with a few keys of the gateway.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway_contract::revision::Era;
use gateway_contract::servers::variables::{Lookup, fill_entry};
use gateway_contract::servers::{Problem, Stated, read};
use serde::Deserialize;
use serde_json::Value;

use super::tools::{StepUpTools, ToolRules};
use super::{Catalogue, Isolation, ProgramConfig, ResourceLimits, ServerConfig};

/// The reason why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The underlying error.
        source: std::io::Error,
    },
    /// The contents of the file are invalid.
    #[error("{}", list(path, problems))]
    Problems {
        /// The path of the file.
        path: PathBuf,
        /// The problems, with their positions.
        problems: Vec<Problem>,
    },
}

/// Formats each problem with file, line and column, like a compiler.
fn list(path: &Path, problems: &[Problem]) -> String {
    let all = problems.iter().map(|problem| format!("{}:{problem}", path.display()));
    all.collect::<Vec<_>>().join("; ")
}

#[derive(Deserialize)]
struct Raw {
    command: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    cwd: Option<PathBuf>,
    tools: Option<ToolRules>,
    #[serde(default, rename = "stepUpTools")]
    step_up_tools: StepUpTools,
    isolation: Option<Isolation>,
    era: Option<Era>,
    #[serde(rename = "requestTimeout")]
    request_timeout: Option<u64>,
    #[serde(default)]
    prewarm: usize,
    #[serde(rename = "maxProcesses")]
    max_processes: Option<usize>,
    uid: Option<u32>,
    gid: Option<u32>,
    #[serde(default)]
    limits: ResourceLimits,
    confine: Option<bool>,
}

impl From<Raw> for Option<ServerConfig> {
    /// Returns the configuration, or `None` for a server that speaks HTTP itself and needs no proxy.
    fn from(raw: Raw) -> Self {
        let program = ProgramConfig {
            command: raw.command.filter(|command| !command.is_empty())?,
            args: raw.args,
            env: raw.env,
            cwd: raw.cwd,
            uid: raw.uid,
            gid: raw.gid,
        };
        Some(ServerConfig {
            program,
            tools: raw.tools,
            step_up_tools: raw.step_up_tools,
            isolation: raw.isolation,
            era: raw.era,
            request_timeout: raw.request_timeout.map(Duration::from_secs),
            prewarm: raw.prewarm,
            max_processes: raw.max_processes,
            limits: raw.limits,
            confine: raw.confine.unwrap_or(true),
        })
    }
}

/// Parses the text of the file, with the `variables` that the operator passes on.
pub fn parse(text: &str, variables: Lookup<'_>) -> Result<Catalogue, Vec<Problem>> {
    let mut catalogue = Catalogue::default();
    let mut problems = Vec::new();
    for Stated { name, mut entry, place, .. } in read(text)?.stated {
        let raw = fill_entry(&mut entry, variables).and_then(|()| {
            let raw = serde_json::from_value::<Raw>(Value::Object(entry));
            raw.map_err(|error| error.to_string())
        });
        match raw.map(Option::<ServerConfig>::from) {
            Ok(None) => {}
            Ok(Some(config)) => drop(catalogue.servers.insert(name.into(), Arc::new(config))),
            Err(what) => problems.push(Problem { place, server: Some(name), what }),
        }
    }
    if problems.is_empty() { Ok(catalogue) } else { Err(problems) }
}

/// Reads and parses the file, with the `variables` that the operator passes on.
pub fn load(path: &Path, variables: Lookup<'_>) -> Result<Catalogue, LoadError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    parse(&text, variables)
        .map_err(|problems| LoadError::Problems { path: path.to_owned(), problems })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Catalogue, LoadError> {
        let token = |name: &str| match name {
            "TOKEN" => Ok("t0ken".to_owned()),
            _ => Err(format!("set {name}")),
        };
        super::parse(text, &token)
            .map_err(|problems| LoadError::Problems { path: "f.json".into(), problems })
    }

    #[test]
    fn unknown_keys_and_native_servers_are_left_to_others() {
        let text = r#"{"other": 1, "mcpServers": {
            "one": {"command": "x", "args": ["a"], "env": {"A": "b"}, "allow": ["*"], "new": {}},
            "two": {"url": "http://127.0.0.1:9/mcp"}}}"#;
        let catalogue = parse(text).unwrap();
        assert_eq!(catalogue.servers.keys().map(|name| &**name).collect::<Vec<_>>(), ["one"]);
        assert_eq!(catalogue.servers["one"].program.args, ["a"]);
    }

    #[test]
    fn every_fault_has_its_place_in_the_file() {
        for (text, line, what) in [
            ("{\n \"mcpServers\": {\n", 3, "EOF"),
            ("{\n\"mcpServers\": {\n\"Bad_Name\": {\"command\": \"x\"}}}", 3, "Bad_Name"),
            ("{\n\"mcpServers\": {\n\"a\": {\"args\": []}}}", 3, "\"command\""),
            ("{\n\"mcpServers\": {\"a\": {\"command\": 1}}}", 2, "string"),
            (
                "{\"mcpServers\": {\"a\": {\"url\": \"x\"},\n\"a\": {\"url\": \"x\"}}}",
                2,
                "duplicate",
            ),
            ("{}", 1, "mcpServers"),
        ] {
            let shown = parse(text).unwrap_err().to_string();
            assert!(shown.starts_with(&format!("f.json:{line}:")), "{shown}");
            assert!(shown.contains(what), "{shown}");
        }
    }

    #[test]
    fn p9_variables_are_filled_where_a_program_is_described() {
        let text = r#"{"mcpServers": {"a": {"command": "${TOKEN}", "args": ["--t=${TOKEN}", "${N:-n}"],
            "env": {"A": "${env:TOKEN}"}, "cwd": "/${TOKEN}", "title": "${TITLE}"}}}"#;
        let catalogue = parse(text).unwrap();
        let config = &catalogue.servers["a"];
        assert_eq!(
            (config.program.command.as_str(), config.program.env["A"].as_str()),
            ("t0ken", "t0ken")
        );
        assert_eq!(config.program.args, ["--t=t0ken", "n"]);
        assert_eq!(config.program.cwd, Some("/t0ken".into()));
        let text = r#"{"mcpServers": {"a": {"command": "x", "env": {"A": "${OTHER}"}}}}"#;
        let shown = parse(text).unwrap_err().to_string();
        for what in ["server \"a\"", "\"env.A\"", "${OTHER}", "set OTHER"] {
            assert!(shown.contains(what), "{shown}");
        }
    }
}
