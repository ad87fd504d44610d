//! The sources of the server catalogue: `mcp-servers.json` and the operator's labels of containers.

mod docker;
mod docker_engine;
mod docker_labels;
mod file;
mod image_labels;
mod label_claims;
mod operator_labels;
mod sources;
mod stated_scopes;
mod stated_server;

pub use docker::{Container, DockerServers, Error as DockerError, IDENTITY_DEMAND};
pub(crate) use docker_engine::FILTER;
pub use file::{Error as ServersError, ServersFile};
pub(crate) use image_labels::ImageLabels;
pub use label_claims::INNER_ENTRY_POINTS;
pub(crate) use operator_labels::Labels;
pub use sources::{Error as SourcesError, Sources};
pub use stated_server::OWN_PATHS;
