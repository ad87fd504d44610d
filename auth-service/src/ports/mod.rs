//! The world outside: login providers, keys, and who names servers.

mod certificate;
mod client_documents;
mod docker;
mod docker_labels;
mod fetch_slots;
mod github;
mod jws;
mod lazy_client;
#[cfg(test)]
mod properties;
mod provider_resolver;
mod providers;
mod public_address;
mod public_resolver;
mod servers_file;
mod signing_key;
mod stated_scopes;
mod stated_server;
mod traefik_rule;

pub use certificate::{Error as CertificateError, server_config};
pub use client_documents::{ClientDocuments, FAILURE_KEPT};
pub use docker::{Container, DockerServers, Error as DockerError};
pub use github::{Error as GithubError, GitHub};
pub use providers::{Error as ProvidersError, Providers};
pub use public_address::is_public;
pub use public_resolver::PublicResolver;
pub use servers_file::{Error as ServersError, ServersFile};
pub use signing_key::{Error as KeyError, SigningKeys, generate_key};
pub use stated_server::OWN_PATHS;
