//! HTTP client that reaches the gateway as external clients do: by its public names, over TLS.

use std::{error::Error, net::IpAddr, path::Path, time::Duration};

use anyhow::Context;
use rustls::{CertificateError, Error as TlsError};
use url::Url;

use crate::model::Chain;

/// Builds the client. It trusts `ca` in addition to the public authorities, and with `address` resolves `hosts` to it
/// without DNS.
pub(super) fn client(
    ca: Option<&Path>,
    address: Option<IpAddr>,
    hosts: &[String],
) -> anyhow::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .tls_info(true);
    if let Some(file) = ca {
        let name = file.display();
        let pem = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
        let authorities = reqwest::Certificate::from_pem_bundle(&pem)
            .with_context(|| format!("{name} is not a PEM file of certificates"))?;
        builder = builder.tls_certs_merge(authorities);
    }
    if let Some(address) = address {
        for host in hosts {
            // Port 0 stands for the port of the URL.
            builder = builder.resolve(host, (address, 0).into());
        }
    }
    Ok(builder.build()?)
}

/// Returns the host of a URL, without the port.
pub(super) fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

/// A problem with its remedy.
pub(super) struct Fault {
    pub(super) says: String,
    pub(super) remedy: &'static str,
}

impl Fault {
    pub(super) fn new(says: impl Into<String>, remedy: &'static str) -> Self {
        Self { says: says.into(), remedy }
    }
}

/// Explains a failed request.
pub(super) fn why(error: &reqwest::Error) -> Fault {
    match tls_error(error) {
        Some(TlsError::InvalidCertificate(problem)) => certificate(problem),
        Some(other) => Fault::new(
            format!("no TLS connection: {other}"),
            "see Traefik's log: without a certificate for the name, it refuses the connection",
        ),
        None if plainly(error).contains("dns error") => {
            Fault::new("its name has no address", "see the finding of the check dns")
        }
        None => {
            let remedy = "check that Traefik runs, that its port is published and that no firewall \
                          blocks it";
            Fault::new(plainly(error), remedy)
        }
    }
}

fn certificate(problem: &CertificateError) -> Fault {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Fault::new(
            "its certificate has expired",
            "see Traefik's log for why it was not renewed: HTTP-01 needs port 80 to be reachable",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Fault::new("its certificate is not valid yet", "set the clock of this machine")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Fault::new(
                "its certificate is for another name",
                "let Traefik get one for this name (CERT_RESOLVER), or add the name to yours",
            )
        }
        CertificateError::UnknownIssuer => Fault::new(
            "its certificate is from an authority that is not trusted",
            "name an authority of your own with --ca FILE; Traefik's default certificate \
             means that it has none for this name",
        ),
        other => {
            Fault::new(format!("its certificate is not accepted: {other:?}"), "see Traefik's log")
        }
    }
}

/// Returns the TLS error in the source chain of an HTTP client error, if there is one.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a TlsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<TlsError>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| tls_error(inner)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Formats the error without the URL, which the finding already names.
fn plainly(error: &reqwest::Error) -> String {
    match error.source() {
        Some(source) => Chain(source).to_string(),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => "the answer cannot be read".to_owned(),
    }
}
