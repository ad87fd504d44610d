//! Code that auth-service and mcp-stdio-proxy share, so that both behave alike. It contains no OAuth.

pub mod chain;
pub mod duration;
pub mod logging;
pub mod servers;
