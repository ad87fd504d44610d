//! The source of the servers: the file of `--config`, or a command.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueHint;
use gateway_contract::servers::{NAME_RULE, is_name};

use super::catalogue::{self, Catalogue, LoadError, ServerConfig};
use super::environment;

/// The file with the servers, or the command of the only one.
#[derive(Clone, Debug, clap::Args)]
pub struct Source {
    /// Serve the servers of this file, each at /NAME/mcp, and at /mcp by the first label of the host
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// The name of the server that is given as a command
    #[arg(long, default_value = "server")]
    pub name: String,
    /// The server: a command and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// The reason why options name no servers.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Neither a file nor a command, or both.
    #[error("give either --config FILE or a command after --")]
    Source,
    /// An invalid name of the only server.
    #[error("--name: {NAME_RULE}")]
    Name,
    /// An unusable file.
    #[error(transparent)]
    File(#[from] LoadError),
}

impl Source {
    /// Returns the catalogue, and the name of the only server if it is given as a command. `pass_env` names the
    /// variables that the file may refer to.
    pub fn catalogue(
        &self,
        pass_env: &[String],
    ) -> Result<(Catalogue, Option<Arc<str>>), SourceError> {
        match (&self.config, self.command.split_first()) {
            (Some(file), None) => Ok((load(file, pass_env)?, None)),
            (None, Some((command, args))) => {
                if !is_name(&self.name) {
                    return Err(SourceError::Name);
                }
                let name: Arc<str> = self.name.as_str().into();
                let config = ServerConfig::of_command(command.clone(), args.to_vec());
                let servers = [(Arc::clone(&name), Arc::new(config))].into();
                Ok((Catalogue { servers }, Some(name)))
            }
            _ => Err(SourceError::Source),
        }
    }
}

/// Reads the catalogue from `file`, with the variables that servers inherit.
pub fn load(file: &Path, pass_env: &[String]) -> Result<Catalogue, LoadError> {
    let passed = environment::passed(std::env::vars_os(), pass_env);
    let value = |name: &str| {
        let found = passed.iter().find(|(other, _)| other == name);
        let value = found.and_then(|(_, value)| value.to_str().map(str::to_owned));
        value.ok_or_else(|| format!("set the variable and pass it on with --pass-env {name}"))
    };
    catalogue::load(file, &value)
}
