//! The command line: the service, and its administration over the same storage.

mod access;
mod backup;
mod client;
mod docker_proxy;
mod doctor;
mod health;
mod import;
mod key;
mod mint;
mod moment;
mod server;
mod table;
mod token;
mod user;

use clap::{Parser, Subcommand};

use crate::{
    app,
    config::{Config, RedisConfig},
    oauth::AuthServer,
    ports::Providers,
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
    /// Run the service.
    Serve,
    /// Register clients without their doing.
    #[command(subcommand)]
    Client(client::Command),
    /// List, revoke and mint tokens.
    #[command(subcommand)]
    Token(token::Command),
    /// List the protected servers.
    #[command(subcommand)]
    Server(server::Command),
    /// Let people in.
    #[command(subcommand)]
    User(user::Command),
    /// Make signing keys.
    #[command(subcommand)]
    Key(key::Command),
    /// Write what is in Redis to a file.
    Backup(backup::Backup),
    /// Put back what `backup` wrote.
    Restore(backup::Restore),
    /// Take over clients and refresh tokens of mcp-oauth-gateway of 2025.
    ImportPredecessor(import::Import),
    /// Look at everything a login needs; exit code 1 if something is wrong.
    Doctor(doctor::Doctor),
    /// Stand before the socket of Docker: answer what Traefik and this program ask, without environments and
    /// without the labels of images.
    DockerProxy(docker_proxy::DockerProxy),
    /// Ask the running service whether it is ready; exit code 0 or 1.
    Healthcheck,
}

/// Runs the command.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve => Ok(app::serve(Config::load()?).await?),
        Command::Client(command) => client::run(command).await,
        Command::Token(token::Command::Mint(mint)) => mint::run(mint).await,
        Command::Token(token::Command::List { json }) => token::list(&store()?, json).await,
        Command::Token(token::Command::Revoke(what)) => token::revoke(what).await,
        Command::Server(command) => server::run(command).await,
        Command::User(command) => user::run(command, &store()?).await,
        Command::Key(key::Command::Generate { secrets, out, if_missing }) => {
            key::generate(secrets, out.as_ref(), if_missing)
        }
        Command::Backup(backup) => backup::backup(backup, &store()?).await,
        Command::Restore(restore) => backup::restore(restore, &store()?).await,
        Command::ImportPredecessor(import) => import::run(import).await,
        Command::Doctor(doctor) => doctor::run(doctor).await,
        Command::DockerProxy(proxy) => docker_proxy::run(&proxy).await,
        Command::Healthcheck => health::check().await,
    }
}

fn store() -> anyhow::Result<Store> {
    Ok(Store::open(&RedisConfig::load()?)?)
}

/// The authorization server of these settings, for what it decides as it does when it serves.
async fn server() -> anyhow::Result<AuthServer> {
    let config = Config::load()?;
    let listing = Providers::new(&config).read().await?;
    Ok(app::build(config, &listing)?.0)
}

/// Returns `true` if the command serves until it is stopped, and so has a log. The others answer on standard
/// output, and say only what went wrong besides.
#[must_use]
pub fn has_log(command: Option<&str>) -> bool {
    matches!(command, Some("serve" | "docker-proxy"))
}

/// Returns `true` if `error` means that the reader of the output has gone, such as `head`.
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
