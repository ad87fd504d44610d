//! Check of DNS: every public host resolves to an address that clients can reach.

use std::{net::IpAddr, path::Path};

use super::{
    Patient,
    finding::{Finding, Findings},
};
use crate::upstream::is_public;

/// The file that maps names for this machine alone (hosts(5)).
const HOSTS: &str = "/etc/hosts";

pub(super) async fn check(patient: &Patient) -> Vec<Finding> {
    let mut findings = Findings::of("dns");
    if let Some(address) = patient.address {
        findings.ok(None, format!("skipped: --address sends all public names to {address}"));
        return findings.into_vec();
    }
    for host in &patient.hosts {
        let subject = Some(host.as_str());
        let addresses: Vec<IpAddr> = match tokio::net::lookup_host((host.as_str(), 443)).await {
            Ok(found) => found.map(|address| address.ip()).collect(),
            Err(error) => {
                let remedy = "create an A record for it, or for *.BASE_DOMAIN, with the public address of \
                              this machine";
                findings.error(subject, format!("has no address: {error}"), remedy);
                continue;
            }
        };
        judge(&mut findings, host, &addresses);
    }
    let file = tokio::fs::read_to_string(Path::new(HOSTS)).await.unwrap_or_default();
    judge_local(&mut findings, &patient.hosts, &file);
    findings.into_vec()
}

/// Reports `localhost` names that are missing in the hosts file. The C library resolves them by `nss-myhostname`.
/// Programs with a resolver of their own read the hosts file and DNS, which has no such names (RFC 6761 §6.3).
fn judge_local(findings: &mut Findings, hosts: &[String], file: &str) {
    let local = hosts.iter().filter(|host| is_local(host));
    let unlisted: Vec<&str> = local.map(String::as_str).filter(|host| !lists(file, host)).collect();
    let Some(first) = unlisted.first() else { return };
    let says = match unlisted.len() {
        1 => format!("{first} is not in {HOSTS}"),
        count => format!("{first} and {} more are not in {HOSTS}", count - 1),
    };
    let remedy = "add the line that `scripts/quickstart hosts` prints: programs that do not resolve names by the \
                  C library, such as Codex, cannot find them";
    findings.warning(None, says, remedy);
}

fn is_local(host: &str) -> bool {
    host.ends_with(".localhost") || host == "localhost"
}

/// Returns `true` if the hosts file `text` lists `host` (hosts(5)).
fn lists(text: &str, host: &str) -> bool {
    text.lines().any(|line| {
        let entry = line.split('#').next().unwrap_or_default();
        entry.split_whitespace().skip(1).any(|name| name.eq_ignore_ascii_case(host))
    })
}

fn judge(findings: &mut Findings, host: &str, addresses: &[IpAddr]) {
    let list = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let subject = Some(host);
    if is_local(host) {
        findings.ok(subject, format!("{list}, for clients on this machine"));
    } else if addresses.iter().any(|address| !is_public(*address)) {
        let remedy = "use a public address for claude.ai and other clients on the internet; in a \
                      private network this may be intended";
        findings.warning(subject, format!("resolves to a private address: {list}"), remedy);
    } else if !addresses.iter().any(IpAddr::is_ipv4) {
        let remedy = "create an A record, too: claude.ai connects over IPv4";
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
    fn names_of_this_machine_are_in_the_hosts_file_or_told() {
        let hosts = ["auth.mcp.localhost", "time.mcp.localhost"].map(str::to_owned);
        let told = |file: &str| {
            let mut findings = Findings::of("dns");
            judge_local(&mut findings, &hosts, file);
            findings.into_vec().pop().map(|finding| finding.says)
        };
        let both = "127.0.0.1 localhost\n127.0.0.1\tauth.mcp.localhost Time.MCP.localhost # ours\n";
        assert_eq!(told(both), None);
        let both = "auth.mcp.localhost and 1 more are not in /etc/hosts";
        for file in ["", "127.0.0.1 localhost", "# 127.0.0.1 auth.mcp.localhost time.mcp.localhost"]
        {
            assert_eq!(told(file).as_deref(), Some(both), "{file}");
        }
        let one = told("127.0.0.1 auth.mcp.localhost\n::1 x.time.mcp.localhost");
        assert_eq!(one.as_deref(), Some("time.mcp.localhost is not in /etc/hosts"));
        let mut findings = Findings::of("dns");
        judge_local(&mut findings, &["time.gw.example".to_owned()], "");
        assert!(findings.into_vec().is_empty());
    }

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
