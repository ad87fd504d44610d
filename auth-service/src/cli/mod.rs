//! The command line: the service, and administration commands that work on the same storage.

mod access;
mod audit;
mod backup;
mod client;
mod confirm;
mod docker_proxy;
mod doctor;
mod exit;
mod filters;
mod grant;
mod health;
mod import;
mod key;
mod mint;
mod moment;
mod operator;
mod output;
mod pages;
mod policy;
mod provider;
pub mod reference;
mod revocation;
mod server;
mod session;
mod table;
mod token;
mod user;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use gateway_contract::logging::Log;

pub use self::exit::exit_code;
use crate::{
    app,
    config::{self, AuditConfig, Config},
    oauth::AuthServer,
    servers::Sources,
    store::Store,
};

/// OAuth 2.1 authorization server and ForwardAuth backend for MCP servers.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the authorization server.
    Serve,
    /// Manage clients: pre-register, list, show, delete, refuse and readmit them.
    #[command(subcommand)]
    Client(client::Command),
    /// List, show and revoke grants: the connections of people to clients.
    #[command(subcommand)]
    Grant(grant::Command),
    /// List, revoke and mint tokens.
    #[command(subcommand)]
    Token(token::Command),
    /// List the protected servers, their state and their tools; check them, or entries of the servers file.
    #[command(subcommand)]
    Server(server::Command),
    /// Check the access policy, or explain its decision for a person.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Forget a login provider, so that its name can be used for another one.
    #[command(subcommand)]
    Provider(provider::Command),
    /// Manage people: list, show, block and sign them out, and mint login codes.
    #[command(subcommand)]
    User(user::Command),
    /// List and end the sign-ins of a person in browsers.
    #[command(subcommand)]
    Session(session::Command),
    /// Generate signing keys and root keys.
    #[command(subcommand)]
    Key(key::Command),
    /// Print and search audit events: who did what, and when.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Back up the gateway's data in Redis to a file.
    Backup(backup::Backup),
    /// Restore a file that `backup` wrote.
    Restore(backup::Restore),
    /// Import clients and refresh tokens of atrawog/mcp-oauth-gateway (2025).
    ImportPredecessor(import::Import),
    /// Diagnose the login path; exit code 6 if something is wrong.
    Doctor(doctor::Doctor),
    /// Run a filtering proxy for the Docker socket: it answers only the requests of Traefik and of this
    /// program, and removes environments and image labels.
    DockerProxy(docker_proxy::DockerProxy),
    /// Check that the running service is alive; exit code 0 or 1.
    Healthcheck,
    /// Print docs/CLI.md, or docs/SETTINGS.md.
    #[command(hide = true)]
    Reference {
        /// Print the settings in this file, .env.example.
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
    },
}

/// Runs the chosen command. The commands with a log configure it.
pub async fn run(cli: Cli, log: &Log) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve => {
            let config = Config::load()?;
            log.configure(&config.logs.log).context("cannot open LOG_FILE")?;
            Ok(app::serve(config).await?)
        }
        Command::Client(command) => client::run(command).await,
        Command::Token(token::Command::Mint(mint)) => mint::run(mint).await,
        Command::Token(token::Command::List(list)) => token::list(list).await,
        Command::Grant(command) => grant::run(command).await,
        Command::Token(token::Command::Revoke(what)) => token::revoke(what).await,
        Command::Server(command) => server::run(command).await,
        Command::Policy(command) => policy::run(command).await,
        Command::Provider(command) => provider::run(command, &store()?).await,
        Command::User(command) => user::run(command).await,
        Command::Session(command) => session::run(command, &store()?).await,
        Command::Key(key::Command::Generate { secrets, out, if_missing }) => {
            key::generate(secrets, out.as_ref(), if_missing)
        }
        Command::Audit(command) => audit::run(command, &store()?).await,
        Command::Backup(backup) => backup::backup(backup, &store()?).await,
        Command::Restore(restore) => backup::restore(restore, &store()?).await,
        Command::ImportPredecessor(import) => import::run(import).await,
        Command::Doctor(doctor) => doctor::run(doctor).await,
        Command::DockerProxy(proxy) => docker_proxy::run(&proxy, log).await,
        Command::Healthcheck => health::check().await,
        Command::Reference { settings: None } => say(reference::page().trim_end()),
        Command::Reference { settings: Some(file) } => {
            let example = std::fs::read_to_string(&file).context("cannot read the settings")?;
            say(config::reference::page(&example).trim_end())
        }
    }
}

fn store() -> anyhow::Result<Store> {
    let config = AuditConfig::load()?;
    Ok(Store::open(&config.redis)?
        .with_audit(app::audit_of_command(config.filter)?, config.stream_max))
}

/// Builds the authorization server of these settings, so that commands apply the same rules as the service.
async fn server() -> anyhow::Result<AuthServer> {
    let config = Config::load()?;
    let listing = Sources::new(&config).read().await?;
    let audit = app::audit_of_command(config.logs.audit.filter)?;
    Ok(app::build(config, &listing, audit)?.0)
}

/// Returns `true` if the command runs until it is stopped, and so writes a log. The others print their result to
/// standard output, and only errors to standard error.
#[must_use]
pub fn has_log(command: Option<&str>) -> bool {
    matches!(command, Some("serve" | "docker-proxy"))
}

/// Returns `true` if `error` is a broken pipe: the reader of the output, such as `head`, has exited.
#[must_use]
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::BrokenPipe)
}

/// Writes a line for people or scripts to standard output.
fn say(line: &str) -> anyhow::Result<()> {
    use std::io::Write;
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
