//! The world outside: login providers, keys and the file of servers.

mod github;
mod servers_file;
mod signing_key;

pub use github::{Error as GithubError, GitHub};
pub use servers_file::{Error as ServersError, ServersFile};
pub use signing_key::{Error as KeyError, SigningKeys, generate_key};
