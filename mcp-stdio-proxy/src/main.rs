//! Serves MCP servers that speak stdio over Streamable HTTP.

use std::process::ExitCode;

use clap::Parser as _;
use mcp_stdio_proxy::{app, cli::Options};

fn main() -> ExitCode {
    let options = Options::parse();
    let env = env_logger::Env::default().default_filter_or("info,actix_server=warn");
    env_logger::Builder::from_env(env).init();
    match actix_web::rt::System::new().block_on(app::run(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
