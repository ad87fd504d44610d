//! Serves MCP servers that speak stdio over Streamable HTTP.

use std::process::ExitCode;

use clap::Parser as _;
use gateway_contract::logging;
use mcp_stdio_proxy::{app, config::cli::Options, process::launcher};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

fn main() -> ExitCode {
    if let Some(failed) = launcher::launch(std::env::args_os().skip(1)) {
        return failed;
    }
    let log = logging::start("info,actix_server=warn");
    // Prevents other processes of the same user from reading the memory and environment of this one.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        log::warn!("other processes of this user can read the memory of this one: {error}");
    }
    let options = Options::try_parse().unwrap_or_else(|error| {
        log.flush();
        error.exit()
    });
    // Actions that print a single result log to the terminal.
    if options.action.is_none()
        && let Err(error) = log.configure(&options.logs.log())
    {
        log::error!("cannot open LOG_FILE: {error}");
        return ExitCode::FAILURE;
    }
    match actix_web::rt::System::new().block_on(app::run(options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            log.fail(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
