//! The command line and the environment.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;

use super::gateway::Gateway;
use super::inner_address::InnerAddress;
use super::logs::Logs;
use super::settings::Settings;
use super::source::Source;
use super::values::check_interval;

/// Serves MCP servers that speak stdio over Streamable HTTP.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    override_usage = "mcp-stdio-proxy [OPTIONS] -- COMMAND [ARGS]...\n       \
                      mcp-stdio-proxy [OPTIONS] --config FILE\n       \
                      mcp-stdio-proxy check --config FILE\n       \
                      mcp-stdio-proxy healthcheck",
    disable_help_subcommand = true,
    subcommand_value_name = "ACTION",
    subcommand_help_heading = "Actions"
)]
pub struct Options {
    /// Listen on this address
    #[arg(long, global = true, env = "MCP_PROXY_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// The servers.
    #[command(flatten)]
    pub source: Source,
    /// Also allow this host name: NAME or *.NAME, with or without :PORT (repeatable, or a list)
    #[arg(long, env = "MCP_ALLOWED_HOSTS", value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Also allow pages of this origin (repeatable, or a list): one with a scheme is exact, NAME and *.NAME match any
    /// scheme and port, * matches all. Behind a gateway, give the gateway's list
    #[arg(long, env = "MCP_ALLOWED_ORIGINS", value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// Serve Prometheus metrics at /metrics on this private address
    #[arg(long, env = "MCP_PROXY_METRICS_LISTEN", value_name = "ADDR")]
    pub metrics_listen: Option<SocketAddr>,
    /// Serve the inner interface here, for auth-service and operators: the state of the servers, their tools, and
    /// checks of them. unix:PATH, or a private ADDRESS:PORT
    #[arg(long, env = "MCP_INNER_LISTEN", value_name = "ADDR")]
    pub inner_listen: Option<InnerAddress>,
    /// Check each server at this interval of at least 10 seconds: initialize and tools/list, of a running process or of
    /// one started for it; 0 disables the checks
    #[arg(
        long, env = "MCP_CHECK_INTERVAL", value_name = "TIME", default_value = "0",
        value_parser = check_interval
    )]
    pub check_interval: Duration,
    /// The gateway.
    #[command(flatten)]
    pub gateway: Gateway,
    /// Limits and behaviour switches.
    #[command(flatten)]
    pub settings: Settings,
    /// The log and the audit log.
    #[command(flatten)]
    pub logs: Logs,
    /// The action in place of serving.
    #[command(subcommand)]
    pub action: Option<Action>,
}

/// A command in place of serving.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum Action {
    /// Start every server of --config once, and print its version and tools
    Check,
    /// Check that the proxy at --listen is alive, for containers without curl
    Healthcheck,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::SourceError;
    use clap::CommandFactory as _;

    #[test]
    fn what_follows_the_dashes_is_the_servers_own() {
        Options::command().debug_assert();
        let args = ["x", "--", "npx", "srv", "--listen", "a", "--config=b"];
        let options = Options::parse_from(args);
        let (catalogue, name) = options.source.catalogue(&[]).unwrap();
        let config = &catalogue.servers[&name.unwrap()];
        assert_eq!(config.program.command, "npx");
        assert_eq!(config.program.args, ["srv", "--listen", "a", "--config=b"]);
    }

    #[test]
    fn nothing_to_serve_and_two_sources_are_refused() {
        for args in [&["x"][..], &["x", "--config", "f", "--", "y"]] {
            let error = Options::parse_from(args).source.catalogue(&[]).unwrap_err();
            assert!(matches!(error, SourceError::Source));
        }
        assert!(Options::try_parse_from(["x", "--keep-alive", "0", "--", "y"]).is_err());
        for url in ["no", "file:///etc/passwd"] {
            assert!(Options::try_parse_from(["x", "--identity-jwks", url, "--", "y"]).is_err());
        }
        assert!(Options::try_parse_from(["x", "--idle-timeout", "-1", "--", "y"]).is_err());
        for every in ["-1", "5", "x"] {
            assert!(Options::try_parse_from(["x", "--check-interval", every, "--", "y"]).is_err());
        }
        let every = |text| Options::parse_from(["x", "--check-interval", text, "--", "y"]);
        assert_eq!(every("0").check_interval, Duration::ZERO);
        assert_eq!(every("5m").check_interval, Duration::from_mins(5));
    }
}
