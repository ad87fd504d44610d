//! OAuth 2.1 authorization server and ForwardAuth backend for MCP servers.
fn main() {}
