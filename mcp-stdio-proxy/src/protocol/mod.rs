//! Parsing and editing of JSON-RPC 2.0 and MCP messages, as far as a proxy needs it.

pub mod array;
pub mod defect;
pub mod error;
pub mod finite;
pub mod ids;
pub mod lenient;
pub mod message;
pub mod meta;
pub mod mirror;
pub mod object;
pub mod pairing;
mod parts;
mod scan;
pub mod spelling;
pub mod splice;
pub mod torn;
pub mod tree;
mod wire;
