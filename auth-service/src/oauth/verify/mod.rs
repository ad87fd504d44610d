//! `/verify`: the decision on each request to an MCP server.

pub(in crate::oauth) mod audit;
pub(in crate::oauth) mod challenge;
pub(in crate::oauth) mod decision;
pub(in crate::oauth) mod identity;
pub(in crate::oauth) mod operation;
pub(in crate::oauth) mod recent_tokens;
pub(in crate::oauth) mod seen_token;
pub(in crate::oauth) mod token_cache;
pub(in crate::oauth) mod trusted_proxy;
