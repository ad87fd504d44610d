//! The action `healthcheck`: asks a running proxy whether it is alive. It is meant for containers, whose
//! images have no curl.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// Requests `/healthz` from the proxy that listens at `address`. No server is started for it.
pub(crate) async fn ask(mut address: SocketAddr) -> anyhow::Result<()> {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
    let answer = client.get(format!("http://{address}/healthz")).send().await;
    let status = answer.with_context(|| format!("nothing answers at {address}"))?.status();
    ensure!(status.is_success(), "not healthy: {status}");
    Ok(())
}
