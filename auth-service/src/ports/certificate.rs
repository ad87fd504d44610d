//! The certificate of the inner TLS listener (RFC 5280): of files, or of an authority of our own.

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
/// A certificate with less than this left is replaced.
const REST: Duration = DAY.saturating_mul(30);

/// There is no certificate to listen with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{0}")]
    File(PathBuf, #[source] io::Error),
    /// A file is not the PEM that it should be.
    #[error("{0} is not PEM of what it should hold")]
    Pem(PathBuf, #[source] pem::Error),
    /// The library made no certificate.
    #[error("no certificate could be made")]
    Make(#[from] rcgen::Error),
    /// Certificate and key do not fit, or are of a kind that is not supported.
    #[error("the certificate and the key cannot be used")]
    Use(#[from] rustls::Error),
}

/// The settings of a listener with the certificate of `source`, which is made or renewed if it is our
/// own.
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

/// The directory with our own authority and its one certificate.
struct Own<'a> {
    directory: &'a Path,
    names: &'a [String],
    now: UnixTime,
}

impl Own<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Leaves what still holds as it is. The authority stays when the certificate is renewed, so that
    /// those who trust it need not be told.
    fn prepare(&self) -> Result<(), Error> {
        if self.holds(self.now.plus(REST)) {
            return Ok(());
        }
        fs::create_dir_all(self.directory)
            .map_err(|error| Error::File(self.directory.to_owned(), error))?;
        if self.issue().is_ok() && self.holds(self.now.plus(REST)) {
            log::info!("a new certificate is in {}", self.directory.display());
            return Ok(());
        }
        self.make_authority()?;
        self.issue()?;
        log::info!("a new authority and its certificate are in {}", self.directory.display());
        Ok(())
    }

    /// Whether who trusts the authority accepts the certificate for all names at that moment.
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

    /// Whole or not at all: the file may be read in this moment.
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

/// What the authority's certificate says; its name and key stand in those that it issues.
fn authority(now: UnixTime) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named("Inner authority of auth-service");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date(now);
    // RFC 5280 §4.1.2.5: "no well-defined expiration date". It is trusted for one thing by one proxy,
    // which would have to be told of another.
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::OrganizationName, "MCP OAuth Gateway");
    names.push(DnType::CommonName, name);
    names
}

/// A moment beyond the calendar is one that nobody accepts a certificate for.
fn date(moment: UnixTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(moment.0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
