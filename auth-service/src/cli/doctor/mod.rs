//! Command `doctor`: diagnoses the login path. Reports each problem in plain language, with its remedy.

mod certificates;
mod clock;
mod configuration;
mod discovery;
mod dns;
mod finding;
mod identity;
mod keys;
mod provider;
mod public;
mod redis;
mod servers;
mod traefik;

use std::{net::IpAddr, path::PathBuf};

use clap::Args;
use serde_json::json;

use self::finding::{Finding, Level};
use super::exit::Stop;
use crate::{
    admission::{AccessPolicy, PolicyFile},
    config::Config,
    model::Listing,
    store::Store,
};

/// Command-line arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
    /// The CA certificate of the gateway, if it is not a public one.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Connect to this address for all public names, without DNS: to diagnose a gateway before its DNS
    /// is set up, or from a network that cannot reach its public address.
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
}

/// The gateway under examination, as shared by the checks.
struct Patient {
    config: Config,
    access: AccessPolicy,
    listing: Listing,
    store: Store,
    http: reqwest::Client,
    address: Option<IpAddr>,
    /// The public hosts. That of the authorization server comes first.
    hosts: Vec<String>,
}

/// Runs all checks and prints their findings. Fails if one of them is an error.
pub(super) async fn run(doctor: Doctor) -> anyhow::Result<()> {
    let findings = findings(&doctor).await?;
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    if doctor.json {
        let ok = worst < Level::Error;
        super::say(&json!({ "ok": ok, "findings": findings }).to_string())?;
    } else {
        let mut said: Vec<&str> = Vec::new();
        for finding in &findings {
            let remedy = finding.remedy.as_deref().filter(|remedy| !said.contains(remedy));
            super::say(&finding.lines(remedy))?;
            said.extend(remedy);
        }
    }
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    if errors > 0 {
        return Err(Stop::Findings(format!("the doctor found {errors} error(s)")).into());
    }
    Ok(())
}

async fn findings(doctor: &Doctor) -> anyhow::Result<Vec<Finding>> {
    let config = match Config::load() {
        Ok(config) => config,
        // The other checks need valid settings.
        Err(problems) => return Ok(configuration::wrong(&problems)),
    };
    let mut findings = configuration::check(&config);
    let (listing, told) = servers::check(&config).await;
    findings.extend(told);
    let mut hosts: Vec<String> = public::host(config.issuer.as_str()).into_iter().collect();
    for offer in &listing.offers {
        let host = public::host(offer.server.resource.as_str());
        hosts.extend(host.filter(|host| !hosts.contains(host)));
    }
    let http = public::client(doctor.ca.as_deref(), doctor.address, &hosts)?;
    let store = Store::open(&config.redis)?;
    let access = PolicyFile::start(&config).map(|(policy, _)| policy);
    let access = access.unwrap_or_else(|_| AccessPolicy::of_lists(&config));
    let patient = Patient { config, access, listing, store, http, address: doctor.address, hosts };
    findings.extend(keys::check(&patient));
    findings.extend(redis::check(&patient).await);
    findings.extend(clock::check(&patient).await);
    findings.extend(provider::check(&patient).await);
    findings.extend(identity::check(&patient).await);
    findings.extend(dns::check(&patient).await);
    findings.extend(certificates::check(&patient).await);
    findings.extend(traefik::check(&patient).await);
    findings.extend(discovery::check(&patient).await);
    Ok(findings)
}
