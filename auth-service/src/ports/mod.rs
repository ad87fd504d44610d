//! The world outside: login providers, keys and the file of servers.

mod certificate;
mod client_documents;
mod github;
mod jws;
#[cfg(test)]
mod properties;
mod servers_file;
mod signing_key;
mod stated_scopes;

pub use certificate::{Error as CertificateError, server_config};
pub use client_documents::{ClientDocuments, Error as DocumentError};
pub use github::{Error as GithubError, GitHub};
pub use servers_file::{Error as ServersError, ServersFile};
pub use signing_key::{Error as KeyError, SigningKeys, generate_key};
