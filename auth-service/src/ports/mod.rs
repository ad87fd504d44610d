//! Adapters to everything outside the protocol: login providers, keys and certificates, client
//! documents, and the sources of the server catalogue.

mod certificate;
mod client_documents;
mod docker;
mod docker_engine;
mod docker_labels;
mod fetch_slots;
mod github;
mod github_refusal;
mod image_labels;
mod jws;
mod label_claims;
mod lazy_client;
mod operator_labels;
#[cfg(test)]
mod properties;
mod provider_resolver;
mod providers;
mod public_address;
mod public_resolver;
mod sealing;
mod servers_file;
mod signing_key;
mod stated_scopes;
mod stated_server;

pub use certificate::{Error as CertificateError, server_config};
pub use client_documents::{ClientDocuments, FAILURE_KEPT};
pub use docker::{Container, DockerServers, Error as DockerError, IDENTITY_DEMAND};
pub(crate) use docker_engine::FILTER;
pub use github::{Error as GithubError, GitHub};
pub use github_refusal::{Refusal, github_error};
pub(crate) use image_labels::ImageLabels;
pub use label_claims::INNER_ENTRY_POINTS;
pub(crate) use operator_labels::Labels;
pub use providers::{Error as ProvidersError, Providers};
pub use public_address::is_public;
pub use public_resolver::PublicResolver;
pub use sealing::{Error as SealingError, RootKeys, Seal, generate_root_key};
pub use servers_file::{Error as ServersError, ServersFile};
pub use signing_key::{Error as KeyError, SigningKeys, generate_key};
pub use stated_server::OWN_PATHS;
