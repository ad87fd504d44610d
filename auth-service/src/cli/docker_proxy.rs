//! Command `docker-proxy`: runs the filtering proxy for the Docker socket, or checks a running one.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::{Context as _, ensure};
use clap::Args;
use gateway_contract::logging::Log;

use crate::{config::DockerProxyConfig, docker_proxy};

/// Command-line arguments of `docker-proxy`.
#[derive(Debug, Args)]
pub(super) struct DockerProxy {
    /// Check that the running proxy reaches Docker, instead of starting one; exit code 0 or 1.
    #[arg(long)]
    check: bool,
}

/// Serves the proxy until it is stopped, or checks a running one with `--check`.
pub(super) async fn run(proxy: &DockerProxy, log: &Log) -> anyhow::Result<()> {
    let config = DockerProxyConfig::load()?;
    if !proxy.check {
        log.configure(&config.logs.log).context("cannot open LOG_FILE")?;
        return Ok(docker_proxy::serve(&config).await?);
    }
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    let client = client.timeout(Duration::from_secs(5)).build()?;
    let status = client.get(format!("http://{address}/_ping")).send().await?.status();
    ensure!(status.is_success(), "Docker does not answer: {status}");
    Ok(())
}
