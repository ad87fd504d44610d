//! Serves MCP servers that speak stdio over Streamable HTTP.
fn main() {}
