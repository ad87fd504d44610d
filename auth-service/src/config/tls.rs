//! Settings of the internal TLS listener.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{Raw, check::Check};

/// The names that a generated certificate always has: the compose service name and loopback.
const NAMES: [&str; 3] = ["auth-service", "localhost", "127.0.0.1"];

/// The settings of the internal TLS listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// `AUTH_TLS_LISTEN`: the listen address.
    pub listen: SocketAddr,
    /// The source of the certificate and its private key.
    pub certificate: CertificateSource,
}

/// The source of the listener's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// `AUTH_TLS_CERT_FILE` and `AUTH_TLS_KEY_FILE`: PEM files from another certificate authority.
    Given {
        /// The file of the certificate and its intermediate certificates.
        chain: PathBuf,
        /// The file of the certificate's private key.
        key: PathBuf,
    },
    /// `AUTH_TLS_DIR`: a directory in which the certificate is generated at the start. `AUTH_TLS_NAMES`
    /// are added to its default names.
    Own {
        /// The directory of `ca.pem`, `ca-key.pem`, `cert.pem` and `key.pem`. Default: `auth-tls` in the
        /// directory of `SIGNING_KEY_FILE`.
        directory: PathBuf,
        /// The host names and addresses in the certificate.
        names: Vec<String>,
    },
}

impl Check {
    pub(super) fn tls(&mut self, raw: &Raw) -> Option<TlsConfig> {
        let listen = raw.auth_tls_listen.as_deref()?;
        let certificate = match (&raw.auth_tls_cert_file, &raw.auth_tls_key_file) {
            (Some(chain), Some(key)) => {
                CertificateSource::Given { chain: chain.into(), key: key.into() }
            }
            (None, None) => own(raw),
            _ => {
                let problem = "only one of AUTH_TLS_CERT_FILE and AUTH_TLS_KEY_FILE is set: \
                               set both or neither";
                self.0.push(problem.to_owned());
                return None;
            }
        };
        Some(TlsConfig { listen: self.parsed("AUTH_TLS_LISTEN", Some(listen), "")?, certificate })
    }
}

fn own(raw: &Raw) -> CertificateSource {
    let beside = |key: &String| Path::new(key).with_file_name("auth-tls");
    let given = raw.auth_tls_dir.as_ref().map(PathBuf::from);
    let directory = given.or_else(|| raw.signing_key_file.as_ref().map(beside));
    let more = raw.auth_tls_names.as_deref().unwrap_or("").split(',').map(str::trim);
    let names = NAMES.into_iter().chain(more).filter(|name| !name.is_empty());
    CertificateSource::Own {
        directory: directory.unwrap_or_else(|| "auth-tls".into()),
        names: names.map(str::to_owned).collect(),
    }
}
