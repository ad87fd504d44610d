//! Serves MCP servers that speak stdio over Streamable HTTP.

use std::process::ExitCode;

use clap::Parser as _;
use mcp_stdio_proxy::{app, child::launcher, cli::Options};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

fn main() -> ExitCode {
    let env = env_logger::Env::default().default_filter_or("info,actix_server=warn");
    env_logger::Builder::from_env(env).init();
    if let Some(failed) = launcher::launch(std::env::args_os().skip(1)) {
        return failed;
    }
    // Keeps other processes of this user from reading memory and environment of this one.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        log::warn!("other processes of this user can read the memory of this one: {error}");
    }
    let options = Options::parse();
    match actix_web::rt::System::new().block_on(app::run(options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            log::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
