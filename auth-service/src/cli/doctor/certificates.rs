//! Check of the certificates: clients accept the one of each host, and it does not expire soon.

use reqwest::tls::TlsInfo;
use x509_parser::parse_x509_certificate;

use super::{
    Patient,
    finding::{Finding, Findings},
    public::{self, Fault},
};
use crate::model::{Clock, SystemClock};

const DAY: i64 = 86_400;
/// The remaining days below which a certificate is reported. Traefik renews 30 days before expiry.
const SOON: i64 = 14;

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("certificates");
    let port = patient.config.port_suffix();
    for host in &patient.hosts {
        let subject = Some(host.as_str());
        // Any response will do: only the TLS handshake matters.
        match patient.http.head(format!("https://{host}{port}/")).send().await {
            Ok(answer) => {
                let certificate = answer.extensions().get::<TlsInfo>();
                let end = certificate.and_then(TlsInfo::peer_certificate).and_then(end);
                judge(&mut findings, host, end);
            }
            Err(error) => {
                let Fault { says, remedy } = public::why(&error);
                findings.error(subject, says, remedy);
            }
        }
    }
    findings.into_vec()
}

/// Returns the last second in which a certificate is valid. Returns `None` if the certificate cannot be parsed.
fn end(certificate: &[u8]) -> Option<i64> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

fn judge(findings: &mut Findings, host: &str, end: Option<i64>) {
    let subject = Some(host);
    let Some(end) = end else {
        return findings.ok(subject, "accepted");
    };
    let days = (end - SystemClock.now().0) / DAY;
    if days < SOON {
        let remedy = "see Traefik's log: it should have been renewed; a certificate of your own you have to \
                      renew yourself";
        findings.warning(subject, format!("its certificate expires in {days} days"), remedy);
    } else {
        findings.ok(subject, format!("accepted, valid for {days} more days"));
    }
}
