//! The access policy in force: that of `access.toml`, or that of the lists in the settings.
//!
//! - `policy`: answers about a person, from the facts and the lists of the servers
//! - `facts`: what is known of a person, from a token and from the record of the last check
//! - `file`: the access file, read again whenever it changes

mod facts;
mod file;
mod policy;

pub use self::{facts::Known, file::PolicyFile, policy::AccessPolicy};
