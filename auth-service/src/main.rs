//! `auth-service`: reads the command line, sets up the log and says why it failed.

use std::process::ExitCode;

use auth_service::cli::{self, Cli};
use clap::Parser;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

#[actix_web::main]
async fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    // Keeps other processes of this user from reading memory and environment of this one.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        log::warn!("other processes of this user can read the memory of this one: {error}");
    }
    let cli = Cli::parse();
    match cli::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
