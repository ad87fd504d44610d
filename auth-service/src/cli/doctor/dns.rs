//! DNS: every public host leads somewhere that clients reach.

use std::net::IpAddr;

use super::{
    Patient,
    finding::{Finding, Findings},
};
use crate::ports::is_public;

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("dns");
    if let Some(address) = patient.address {
        findings.ok(None, format!("not asked: the public names are looked for at {address}"));
        return findings.into_vec();
    }
    for host in &patient.hosts {
        let subject = Some(host.as_str());
        let addresses: Vec<IpAddr> = match tokio::net::lookup_host((host.as_str(), 443)).await {
            Ok(found) => found.map(|address| address.ip()).collect(),
            Err(error) => {
                let remedy = "make an A record for it, or for *.BASE_DOMAIN, with the public address of \
                              this machine";
                findings.error(subject, format!("has no address: {error}"), remedy);
                continue;
            }
        };
        judge(&mut findings, host, &addresses);
    }
    findings.into_vec()
}

fn judge(findings: &mut Findings, host: &str, addresses: &[IpAddr]) {
    let list = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let subject = Some(host);
    if host.ends_with(".localhost") || host == "localhost" {
        findings.ok(subject, format!("{list}, for clients on this machine"));
    } else if addresses.iter().any(|address| !is_public(*address)) {
        let remedy = "claude.ai and other clients on the internet need a public address; from a \
                      private network this may be as it should be";
        findings.warning(subject, format!("leads to a private address: {list}"), remedy);
    } else if !addresses.iter().any(IpAddr::is_ipv4) {
        let remedy = "make an A record, too: claude.ai comes over IPv4";
        findings.warning(subject, format!("has no IPv4 address: {list}"), remedy);
    } else {
        findings.ok(subject, list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Level;

    #[test]
    fn an_address_is_one_that_the_internet_reaches() {
        for (host, addresses, level) in [
            ("time.gw.example", vec!["140.82.121.4"], Level::Ok),
            ("time.gw.example", vec!["140.82.121.4", "2606:50c0:8000::153"], Level::Ok),
            ("time.gw.example", vec!["2606:50c0:8000::153"], Level::Warning),
            ("time.gw.example", vec!["140.82.121.4", "10.0.0.1"], Level::Warning),
            ("time.gw.example", vec!["100.64.0.1"], Level::Warning),
            ("time.gw.example", vec!["127.0.0.1"], Level::Warning),
            ("time.mcp.localhost", vec!["127.0.0.1"], Level::Ok),
        ] {
            let mut findings = Findings::of("dns");
            let parsed: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
            judge(&mut findings, host, &parsed);
            assert_eq!(findings.into_vec()[0].level, level, "{host} {addresses:?}");
        }
    }
}
