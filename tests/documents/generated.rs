//! The pages of settings and options, which the programs generate.

use std::{env, fs};

use clap::CommandFactory;

use crate::{read, root};

/// Writes the pages instead of comparing them: `WRITE_DOCUMENTS=1 cargo test -p gateway-tests --test documents`.
const WRITE: &str = "WRITE_DOCUMENTS";

const PROXY: &str = "\
# The command line of mcp-stdio-proxy

Generated from the program: `WRITE_DOCUMENTS=1 cargo test -p gateway-tests --test documents`. A test compares them.

An option takes precedence over its variable. Times are in seconds, or have a unit: `30d`, `12h`, `30m`. The keys of
`mcp-servers.json` are in [CATALOGUE.md](CATALOGUE.md#the-file) and on
[the proxy's page](../mcp-stdio-proxy/README.md#mcp-serversjson).
";

/// Compares a page with what its program generates now, or writes it.
fn compare(name: &str, generated: &str) {
    if env::var_os(WRITE).is_some() {
        fs::write(root().join(name), generated).unwrap();
        return;
    }
    let page = read(name);
    let difference = generated.lines().zip(page.lines()).find(|(now, before)| now != before);
    assert!(generated == page, "{name} is stale; run with {WRITE}=1: {difference:?}");
}

#[test]
fn the_options_of_the_proxy_are_documented() {
    let sections =
        auth_service::cli::reference::program(mcp_stdio_proxy::config::cli::Options::command());
    assert!(sections.contains("Variable: `MCP_PROXY_LISTEN`."), "{sections}");
    compare("docs/PROXY-CLI.md", &format!("{PROXY}{sections}"));
}

#[test]
fn the_settings_are_documented() {
    let page = auth_service::config::reference::page(&read(".env.example"));
    assert!(page.contains("| required |") && page.contains("| example: `"), "{page}");
    compare("docs/SETTINGS.md", &page);
}
