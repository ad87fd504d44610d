//! The command line: the service, and its administration over the same storage.

mod health;
mod key;
mod token;
mod user;

use clap::{Parser, Subcommand};

use crate::{
    app,
    config::{Config, RedisConfig},
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
    /// List and revoke what was granted.
    #[command(subcommand)]
    Token(token::Command),
    /// Let people in.
    #[command(subcommand)]
    User(user::Command),
    /// Make signing keys.
    #[command(subcommand)]
    Key(key::Command),
    /// Ask the running service whether it is ready; exit code 0 or 1.
    Healthcheck,
}

/// Runs the command.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve => Ok(app::serve(Config::load()?).await?),
        Command::Token(command) => token::run(command, &store()?).await,
        Command::User(command) => user::run(command, &store()?).await,
        Command::Key(key::Command::Generate { out }) => key::generate(out.as_ref()),
        Command::Healthcheck => health::check().await,
    }
}

fn store() -> anyhow::Result<Store> {
    Ok(Store::open(&RedisConfig::load()?)?)
}

/// Writes a line for people or scripts to standard output.
fn say(line: &str) -> anyhow::Result<()> {
    use std::io::Write;
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
