//! Parsing and editing of JSON-RPC 2.0 and MCP messages, as far as a proxy needs it.

pub mod array;
pub mod defect;
mod edit_list;
pub mod error;
pub mod finite;
pub mod ids;
pub mod json_edit;
pub mod lenient;
pub mod line;
pub mod message;
pub mod meta;
pub mod object;
pub mod param_headers;
mod parts;
pub mod payload;
pub mod place;
mod scan;
pub mod spelling;
pub mod stream;
pub mod torn;
pub mod translate;
pub mod tree;
mod wire;
