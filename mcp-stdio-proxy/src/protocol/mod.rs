//! JSON-RPC 2.0 and the revisions of MCP, as far as a proxy must read them.

pub mod array;
pub mod error;
pub mod message;
pub mod meta;
pub mod mirror;
pub mod object;
pub mod spelling;
pub mod splice;
pub mod tree;
pub mod version;
mod wire;
