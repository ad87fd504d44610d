//! Serves MCP servers that speak stdio over Streamable HTTP.

use std::process::ExitCode;

use clap::Parser as _;
use mcp_stdio_proxy::{app, child::launcher, cli::Options};

fn main() -> ExitCode {
    let env = env_logger::Env::default().default_filter_or("info,actix_server=warn");
    env_logger::Builder::from_env(env).init();
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|verb| verb == launcher::VERB) {
        return launcher::launch(args);
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
