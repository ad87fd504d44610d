//! Code that auth-service and mcp-stdio-proxy share, so that both behave alike. It contains no OAuth.

pub mod agent;
pub mod audit;
pub mod backoff;
pub mod chain;
pub mod denied_tools;
pub mod display;
pub mod duration;
pub mod header_value;
pub mod headers;
pub mod identity;
pub mod lines;
pub mod logging;
pub mod methods;
pub mod metrics;
pub mod reports;
pub mod revision;
pub mod servers;
pub mod spelling;
pub mod tool_lists;
pub mod tool_pattern;
