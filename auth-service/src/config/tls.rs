//! The listener inside the gateway that speaks TLS.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use super::{Raw, check::Check};

/// The certificate has these names in any case: that of the compose file, and the machine's own.
const NAMES: [&str; 3] = ["auth-service", "localhost", "127.0.0.1"];

/// Where to listen, and with which certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// `AUTH_TLS_LISTEN`.
    pub listen: SocketAddr,
    /// Whose certificate.
    pub certificate: CertificateSource,
}

/// Where the certificate of the listener comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// `AUTH_TLS_CERT_FILE` and `AUTH_TLS_KEY_FILE`: PEM of somebody else's authority.
    Given {
        /// The certificate, and those between it and the authority.
        chain: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// `AUTH_TLS_DIR`: made there at the start, with `AUTH_TLS_NAMES` besides the usual names.
    Own {
        /// Holds `ca.pem`, `ca-key.pem`, `cert.pem` and `key.pem`; `auth-tls` beside
        /// `SIGNING_KEY_FILE`.
        directory: PathBuf,
        /// The host names and addresses that the certificate is for.
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
                let problem = "AUTH_TLS_CERT_FILE and AUTH_TLS_KEY_FILE are set together or not";
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
