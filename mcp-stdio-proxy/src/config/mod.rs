//! The configuration: command line, environment and the catalogue of servers.

pub mod catalogue;
pub mod cli;
pub mod environment;
pub mod gateway;
pub mod inner_address;
pub mod logs;
pub mod settings;
pub mod source;
mod values;
