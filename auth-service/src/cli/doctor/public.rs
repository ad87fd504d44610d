//! Asking as a client out there would: by the public names, over TLS.

use std::{error::Error, net::IpAddr, path::Path, time::Duration};

use anyhow::Context;
use rustls::{CertificateError, Error as TlsError};
use url::Url;

use crate::model::Chain;

/// The client, which trusts `ca` besides the public authorities and finds `hosts` at `address` instead
/// of asking DNS.
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
            .with_context(|| format!("{name} is no PEM of certificates"))?;
        builder = builder.tls_certs_merge(authorities);
    }
    if let Some(address) = address {
        for host in hosts {
            // Port 0 is that of the URL.
            builder = builder.resolve(host, (address, 0).into());
        }
    }
    Ok(builder.build()?)
}

/// The host of a URL, without the port.
pub(super) fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(str::to_owned)
}

/// Why there was no answer, and what helps.
pub(super) fn why(error: &reqwest::Error) -> (String, &'static str) {
    match tls_error(error) {
        Some(TlsError::InvalidCertificate(problem)) => certificate(problem),
        Some(other) => (
            format!("no TLS connection: {other}"),
            "a gateway without a certificate for the name refuses it: see Traefik's log",
        ),
        None if plainly(error).contains("dns error") => {
            ("its name has no address".to_owned(), "see what the check dns says of it")
        }
        None => {
            let remedy = "check that Traefik runs, that its port is published and that no firewall is \
                          before it";
            (plainly(error), remedy)
        }
    }
}

fn certificate(problem: &CertificateError) -> (String, &'static str) {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "its certificate has expired".to_owned(),
            "see Traefik's log for why it was not renewed: port 80 has to be reachable for HTTP-01",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("its certificate is not valid yet".to_owned(), "set the clock of this machine")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "its certificate is for another name".to_owned(),
            "let Traefik get one for this name (CERT_RESOLVER), or put the name into yours",
        ),
        CertificateError::UnknownIssuer => (
            "its certificate is of an authority that is not trusted".to_owned(),
            "with an authority of your own, name it: --ca FILE; Traefik's own default certificate \
             means that it has none for this name",
        ),
        other => (format!("its certificate is not accepted: {other:?}"), "see Traefik's log"),
    }
}

/// The error of the TLS library behind an error of the HTTP client.
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

/// Without the URL, which the finding names already.
fn plainly(error: &reqwest::Error) -> String {
    match error.source() {
        Some(source) => Chain(source).to_string(),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => "the answer cannot be read".to_owned(),
    }
}
