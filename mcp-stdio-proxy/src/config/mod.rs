//! The configuration: command line, environment and the catalogue of servers.

pub mod catalogue;
pub mod cli;
pub mod environment;
pub mod inner_address;
pub mod logs;
pub mod settings;
