//! Keys and certificates: signatures of tokens, encryption of state at rest, and the inner TLS listener.

mod certificate;
mod error;
mod jws;
#[cfg(test)]
mod proptests;
mod sealing;
mod signing_key;

pub use certificate::{Error as CertificateError, server_config};
pub use error::Error as KeyError;
pub use sealing::{Error as SealingError, RootKeys, Seal, generate_root_key};
pub use signing_key::{SigningKeys, generate_key};
