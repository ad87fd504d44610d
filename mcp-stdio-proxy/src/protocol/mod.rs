//! JSON-RPC 2.0 and the revisions of MCP, as far as a proxy must read them.

pub mod array;
pub mod error;
pub mod finite;
pub mod ids;
pub mod lenient;
pub mod message;
pub mod meta;
pub mod mirror;
pub mod object;
pub mod pairing;
mod scan;
pub mod spelling;
pub mod splice;
pub mod torn;
pub mod tree;
mod wire;
