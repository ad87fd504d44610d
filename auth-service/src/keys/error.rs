//! The errors of keys.

/// The error of loading, generating or using a signing key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Read(String, #[source] std::io::Error),
    /// The file contains no private key.
    #[error("{0} has no PEM block \"PRIVATE KEY\"; make one with `auth-service key generate`")]
    Empty(String),
    /// The file is not PEM.
    #[error("the file is not PEM")]
    Pem(#[from] pem::PemError),
    /// The key has an unsupported type.
    #[error(transparent)]
    Jwt(#[from] jsonwebtoken::errors::Error),
    /// The key is invalid, or its size or curve is not supported.
    #[error("the key is not supported: RSA needs at least 2048 bits, EC needs the curve P-256")]
    Unusable,
    /// The header or the claims cannot be serialized.
    #[error("the claims cannot be serialized as JSON")]
    Json(#[from] serde_json::Error),
    /// The cryptographic library returned an error for a signature.
    #[error("signing failed")]
    Sign,
    /// The cryptographic library returned an error for a new key.
    #[error("key generation failed")]
    Generate,
}
