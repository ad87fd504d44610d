//! The certificate of the internal TLS listener (RFC 5280), from files or from a built-in
//! certificate authority (CA).

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    RootCertStore, ServerConfig,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName, UnixTime as PkiTime,
        pem::{self, PemObject},
    },
};
use time::OffsetDateTime;

use crate::{
    config::CertificateSource,
    model::{Clock, UnixTime},
};

const DAY: Duration = Duration::from_hours(24);
const LIFE: Duration = DAY.saturating_mul(397);
/// The minimum remaining lifetime. A certificate with less is renewed.
const REST: Duration = DAY.saturating_mul(30);

/// The error of loading or creating the certificate of the listener.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot read or write {0}")]
    File(PathBuf, #[source] io::Error),
    /// A file does not contain a certificate or a key as PEM.
    #[error("{0} does not contain the expected PEM block")]
    Pem(PathBuf, #[source] pem::Error),
    /// The library returned an error for a new certificate.
    #[error("certificate generation failed")]
    Make(#[from] rcgen::Error),
    /// The certificate and the key do not match, or have an unsupported type.
    #[error("the certificate and the key cannot be used")]
    Use(#[from] rustls::Error),
}

/// Returns the TLS settings of a listener with the certificate of `source`. Creates or renews the
/// certificate if it belongs to the built-in CA.
pub fn server_config(source: &CertificateSource, clock: &dyn Clock) -> Result<ServerConfig, Error> {
    let (chain, key) = match source {
        CertificateSource::Given { chain, key } => (chain.clone(), key.clone()),
        CertificateSource::Own { directory, names } => {
            let own = Own { directory, names, now: clock.now() };
            own.prepare()?;
            (own.file("cert.pem"), own.file("key.pem"))
        }
    };
    let private = PrivateKeyDer::from_pem_file(&key).map_err(|error| Error::Pem(key, error))?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates(&chain)?, private)?;
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    read.map_err(|error| Error::Pem(file.to_owned(), error))
}

/// The directory that contains the built-in CA and its certificate.
struct Own<'a> {
    directory: &'a Path,
    names: &'a [String],
    now: UnixTime,
}

impl Own<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Creates or renews the certificate if it is not valid for long enough. Keeps the CA on
    /// renewal, so that clients that trust it need no new configuration.
    fn prepare(&self) -> Result<(), Error> {
        if self.holds(self.now.plus(REST)) {
            return Ok(());
        }
        fs::create_dir_all(self.directory)
            .map_err(|error| Error::File(self.directory.to_owned(), error))?;
        if self.issue().is_ok() && self.holds(self.now.plus(REST)) {
            log::info!("created a new certificate in {}", self.directory.display());
            return Ok(());
        }
        self.make_authority()?;
        self.issue()?;
        log::info!("created a new CA and its certificate in {}", self.directory.display());
        Ok(())
    }

    /// Returns `true` if a client that trusts the CA accepts the certificate for all names at
    /// `moment`.
    fn holds(&self, moment: UnixTime) -> bool {
        let check = || {
            let mut roots = RootCertStore::empty();
            roots.add(certificates(&self.file("ca.pem")).ok()?.pop()?).ok()?;
            let builder = WebPkiServerVerifier::builder_with_provider(roots.into(), provider());
            let verifier = builder.build().ok()?;
            let certificate = certificates(&self.file("cert.pem")).ok()?.pop()?;
            PrivateKeyDer::from_pem_file(self.file("key.pem")).ok()?;
            let moment =
                PkiTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment.0).ok()?));
            let accepts = |name: &String| {
                let name = ServerName::try_from(name.as_str()).ok()?;
                verifier.verify_server_cert(&certificate, &[], &name, &[], moment).ok()
            };
            self.names.iter().all(|name| accepts(name).is_some()).then_some(())
        };
        check().is_some()
    }

    fn make_authority(&self) -> Result<(), Error> {
        let key = KeyPair::generate()?;
        let certificate = authority(self.now)?.self_signed(&key)?;
        self.write("ca-key.pem", 0o600, &key.serialize_pem())?;
        self.write("ca.pem", 0o644, &certificate.pem())
    }

    fn issue(&self) -> Result<(), Error> {
        let file = self.file("ca-key.pem");
        let text = fs::read_to_string(&file).map_err(|error| Error::File(file, error))?;
        let issuer = Issuer::new(authority(self.now)?, KeyPair::from_pem(&text)?);
        let mut params = CertificateParams::new(self.names)?;
        params.distinguished_name = named("auth-service");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (date(self.now), date(self.now.plus(LIFE)));
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        self.write("key.pem", 0o600, &key.serialize_pem())?;
        self.write("cert.pem", 0o644, &certificate.pem())
    }

    /// Writes a file atomically, because another process may be reading it.
    fn write(&self, name: &str, mode: u32, text: &str) -> Result<(), Error> {
        let (file, fresh) = (self.file(name), self.file(&format!("{name}.new")));
        let write = || {
            let _left_over = fs::remove_file(&fresh);
            let options = OpenOptions::new().write(true).create_new(true).mode(mode).clone();
            options.open(&fresh)?.write_all(text.as_bytes())?;
            fs::rename(&fresh, &file)
        };
        write().map_err(|error| Error::File(file.clone(), error))
    }
}

/// Returns the parameters of the CA certificate. Issued certificates refer to its name and key.
fn authority(now: UnixTime) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named("Inner authority of auth-service");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date(now);
    // RFC 5280 §4.1.2.5: "no well-defined expiration date". One proxy trusts this CA for one
    // purpose, and would need a new configuration for a new CA.
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::OrganizationName, "MCP OAuth Gateway");
    names.push(DnType::CommonName, name);
    names
}

/// Converts `moment` into a date. A time outside the calendar becomes 1970, which makes the
/// certificate invalid.
fn date(moment: UnixTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(moment.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
