//! The command line and the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, ValueHint};
use gateway_contract::duration::duration;
use gateway_contract::revision::Era;
use gateway_contract::servers::{NAME_RULE, is_name};
use reqwest::Url;

use crate::config::catalogue::{self, Catalogue, Isolation, LoadError, ServerConfig};
use crate::config::environment;
use crate::config::inner_address::InnerAddress;
use crate::config::logs::Logs;
use crate::config::settings::Settings;

/// The shortest time between two checks of a server, in seconds.
const SHORTEST_CHECK_INTERVAL: f64 = 10.0;

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
    /// Where to listen
    #[arg(long, global = true, env = "MCP_PROXY_LISTEN", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// Serve the servers of this file, each at /NAME/mcp, and at /mcp by the first label of the host
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// The name of the one server given as a command
    #[arg(long, default_value = "server")]
    pub name: String,
    /// Also allow this host name: NAME or *.NAME, with or without :PORT (repeatable, or a list)
    #[arg(long, env = "MCP_ALLOWED_HOSTS", value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Also allow pages of this origin (repeatable, or a list): one with a scheme is exactly that one, NAME and
    /// *.NAME are of any scheme and port, * is all. Behind a gateway this is its list
    #[arg(long, env = "MCP_ALLOWED_ORIGINS", value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// Serve Prometheus metrics at /metrics on this private address
    #[arg(long, env = "MCP_PROXY_METRICS_LISTEN", value_name = "ADDR")]
    pub metrics_listen: Option<SocketAddr>,
    /// Serve the inner interface here, for auth-service and operators: the state of the servers, their tools, and
    /// checks of them. unix:PATH, or a private ADDRESS:PORT
    #[arg(long, env = "MCP_INNER_LISTEN", value_name = "ADDR")]
    pub inner_listen: Option<InnerAddress>,
    /// Check each server this often, at most every 10 seconds: initialize and tools/list, of a running process or of
    /// one started for it; 0 is never
    #[arg(
        long, env = "MCP_CHECK_INTERVAL", value_name = "TIME", default_value_t = 0.0,
        value_parser = check_interval
    )]
    check_interval: f64,
    /// Serve only requests with an X-MCP-Identity that a key of this JWK Set has signed: those that
    /// came through the gateway, whose /jwks this is
    #[arg(long, env = "MCP_IDENTITY_JWKS", value_name = "URL", value_parser = web_url)]
    pub identity_jwks: Option<Url>,
    /// The feed of the gateway that says which grants have ended, so that their streams and requests end,
    /// too; /ended-grants beside the keys of --identity-jwks unless it is given
    #[arg(
        long, env = "MCP_ENDED_GRANTS", value_name = "URL", value_parser = web_url,
        requires = "identity_jwks"
    )]
    pub ended_grants: Option<Url>,
    /// Who shares a server process
    #[arg(long, env = "MCP_ISOLATION", value_enum, default_value = "principal")]
    pub isolation: Isolation,
    /// Serve clients of this era alone, so that a process for each is not needed: legacy opens with initialize,
    /// modern is 2026-07-28
    #[arg(long, env = "MCP_ERA", value_enum)]
    pub era: Option<Era>,
    /// Pass this variable of the environment to the servers, and fill ${NAME} in --config with it
    /// (repeatable, or a list)
    #[arg(long, global = true, env = "MCP_PASS_ENV", value_name = "NAME", value_delimiter = ',')]
    pub pass_env: Vec<String>,
    /// Serve requests of 2026-07-28 whose MCP-Protocol-Version header is missing, doubled, or names an
    /// earlier revision, as some clients send them, instead of refusing them with -32020
    #[arg(long, env = "MCP_TOLERATE_VERSION_HEADER")]
    pub tolerate_version_header: bool,
    /// Tell clients what a server that failed wrote last on stderr
    #[arg(long)]
    pub explain_failures: bool,
    /// Bounds.
    #[command(flatten)]
    pub bounds: Bounds,
    /// The log and the audit log.
    #[command(flatten)]
    pub logs: Logs,
    /// Instead of serving
    #[command(subcommand)]
    pub action: Option<Action>,
    /// The server: a command and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// A command in place of serving.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum Action {
    /// Start every server of --config once, and print what it offers
    Check,
    /// Ask the proxy that listens at --listen whether it is alive, for containers without curl
    Healthcheck,
}

/// Bounds; times are in seconds, or have a unit: 30d, 12h, 30m.
#[derive(Debug, clap::Args)]
pub struct Bounds {
    /// Server processes in all
    #[arg(long, default_value_t = 256)]
    max_children: usize,
    /// Processes of one server
    #[arg(long, default_value_t = 256)]
    max_children_per_server: usize,
    /// Server processes of one user
    #[arg(long, default_value_t = 32)]
    max_children_per_user: usize,
    /// Sessions in all
    #[arg(long, default_value_t = 10_000)]
    max_sessions: usize,
    /// Requests in flight per process
    #[arg(long, default_value_t = 256)]
    max_calls: usize,
    /// The longest request, in bytes
    #[arg(long, default_value_t = 16 << 20)]
    max_request: usize,
    /// The longest message of a server, in bytes
    #[arg(long, default_value_t = 64 << 20)]
    max_message: usize,
    /// End a process that was silent for this long
    #[arg(long, default_value_t = 900.0, value_parser = seconds)]
    idle_timeout: f64,
    /// Forget a session that was silent for this long
    #[arg(long, default_value_t = 86_400.0, value_parser = seconds)]
    session_timeout: f64,
    /// Fail a request that made no progress for this long, or took twelve times as long; 0 waits for ever
    #[arg(long, default_value_t = 300.0, value_parser = seconds)]
    request_timeout: f64,
    /// Keep a request for this long whose client has to answer a question of the server first
    #[arg(long, default_value_t = 600.0, value_parser = seconds)]
    input_timeout: f64,
    /// Give up on a server that has not answered initialize after this long
    #[arg(long, default_value_t = 60.0, value_parser = seconds)]
    start_timeout: f64,
    /// Take a server that has not answered server/discover after this long for one with a handshake; a
    /// client's own server/discover is answered within four times this
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    probe_timeout: f64,
    /// Answer with a stream when there is no answer after this long
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    stream_after: f64,
    /// Send a comment on open streams this often
    #[arg(long, default_value_t = 15.0, value_parser = positive)]
    keep_alive: f64,
    /// End the requests and streams of users when the feed of ended grants was silent for this long
    #[arg(long, default_value_t = 10.0, value_parser = positive, hide = true)]
    grants_lease: f64,
    /// At the end, let requests in flight finish for this long
    #[arg(long, default_value_t = 2.5, value_parser = seconds)]
    drain_timeout: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    if let Some(time) = duration(text) {
        return Ok(time.as_secs_f64());
    }
    let value: f64 = text.parse().map_err(|_| {
        "not a number of seconds, nor a whole number with a unit: 30d, 12h, 30m".to_owned()
    })?;
    match Duration::try_from_secs_f64(value) {
        Ok(_) => Ok(value),
        Err(error) => Err(error.to_string()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let value = seconds(text)?;
    if value > 0.0 { Ok(value) } else { Err("must be more than zero".to_owned()) }
}

fn check_interval(text: &str) -> Result<f64, String> {
    let value = seconds(text)?;
    if value == 0.0 || value >= SHORTEST_CHECK_INTERVAL {
        return Ok(value);
    }
    Err(format!("must be 0 or at least {SHORTEST_CHECK_INTERVAL} seconds"))
}

fn web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err("not http or https".to_owned())
    }
}

/// Why the options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// Nothing to serve, or too much.
    #[error("give either --config FILE or a command after --")]
    Source,
    /// The name of the one server.
    #[error("--name: {NAME_RULE}")]
    Name,
    /// The file.
    #[error(transparent)]
    File(#[from] LoadError),
}

/// Reads the catalogue from `file`, with the variables that servers get.
pub fn load(file: &Path, pass_env: &[String]) -> Result<Catalogue, LoadError> {
    let passed = environment::passed(std::env::vars_os(), pass_env);
    let value = |name: &str| {
        let found = passed.iter().find(|(other, _)| other == name);
        let value = found.and_then(|(_, value)| value.to_str().map(str::to_owned));
        value.ok_or_else(|| format!("set the variable and pass it on with --pass-env {name}"))
    };
    catalogue::load(file, &value)
}

impl Options {
    /// The servers, and the name of the only one if it is given as a command.
    pub fn catalogue(&self) -> Result<(Catalogue, Option<Arc<str>>), OptionsError> {
        match (&self.config, self.command.split_first()) {
            (Some(file), None) => Ok((load(file, &self.pass_env)?, None)),
            (None, Some((command, args))) => {
                if !is_name(&self.name) {
                    return Err(OptionsError::Name);
                }
                let name: Arc<str> = self.name.as_str().into();
                let config = ServerConfig::of_command(command.clone(), args.to_vec());
                let servers = [(Arc::clone(&name), Arc::new(config))].into();
                Ok((Catalogue { servers }, Some(name)))
            }
            _ => Err(OptionsError::Source),
        }
    }

    /// The keys of the gateway, and its feed of ended grants, if requests have to come from it.
    #[must_use]
    pub fn gateway(&self) -> Option<(Url, Url)> {
        let keys = self.identity_jwks.clone()?;
        let beside = || keys.join("ended-grants").unwrap_or_else(|_| keys.clone());
        let ended = self.ended_grants.clone().unwrap_or_else(beside);
        Some((keys, ended))
    }

    /// The time between checks of all servers, if they are checked.
    #[must_use]
    pub fn check_interval(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.check_interval).ok().filter(|every| !every.is_zero())
    }

    /// The bounds as the rest of the program takes them.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let bounds = &self.bounds;
        let time = |value: f64| Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX);
        Settings {
            isolation: self.isolation,
            era: self.era,
            max_request: bounds.max_request,
            max_message: bounds.max_message,
            max_calls: bounds.max_calls,
            max_children: bounds.max_children,
            max_children_per_server: bounds.max_children_per_server,
            max_children_per_principal: bounds.max_children_per_user,
            max_sessions: bounds.max_sessions,
            idle_timeout: time(bounds.idle_timeout),
            session_timeout: time(bounds.session_timeout),
            request_timeout: time(bounds.request_timeout),
            input_timeout: time(bounds.input_timeout),
            start_timeout: time(bounds.start_timeout),
            probe_timeout: time(bounds.probe_timeout),
            stream_after: time(bounds.stream_after),
            keep_alive: time(bounds.keep_alive),
            drain_timeout: time(bounds.drain_timeout),
            grants_lease: time(bounds.grants_lease),
            tolerate_version_header: self.tolerate_version_header,
            explain_failures: self.explain_failures,
            pass_env: self.pass_env.clone(),
            ..Settings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn what_follows_the_dashes_is_the_servers_own() {
        Options::command().debug_assert();
        let args = ["x", "--", "npx", "srv", "--listen", "a", "--config=b"];
        let options = Options::parse_from(args);
        let (catalogue, name) = options.catalogue().unwrap();
        let config = &catalogue.servers[&name.unwrap()];
        assert_eq!(config.command, "npx");
        assert_eq!(config.args, ["srv", "--listen", "a", "--config=b"]);
    }

    #[test]
    fn nothing_to_serve_and_two_sources_are_refused() {
        for args in [&["x"][..], &["x", "--config", "f", "--", "y"]] {
            let error = Options::parse_from(args).catalogue().unwrap_err();
            assert!(matches!(error, OptionsError::Source));
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
        assert_eq!(every("0").check_interval(), None);
        assert_eq!(every("5m").check_interval(), Some(Duration::from_mins(5)));
    }
}
