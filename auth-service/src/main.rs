//! The `auth-service` program: reads the command line, starts the log, and reports why a command failed.

use std::process::ExitCode;

use auth_service::cli::{self, Cli};
use clap::Parser;
use gateway_contract::logging;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

#[actix_web::main]
async fn main() -> ExitCode {
    let command = std::env::args_os().nth(1);
    let has_log = cli::has_log(command.as_deref().and_then(std::ffi::OsStr::to_str));
    let log = logging::start(if has_log { "info" } else { "warn" });
    // Prevents other processes of the same user from reading the memory and environment of this one.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        log::warn!("other processes of this user can read the memory of this one: {error}");
    }
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        log.flush();
        error.exit()
    });
    match cli::run(cli, &log).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if cli::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            log.fail(error.as_ref());
            ExitCode::from(cli::exit_code(&error))
        }
    }
}
