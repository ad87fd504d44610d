//! Command `healthcheck`: the liveness check of the container, whose image has no curl.

use std::time::Duration;

use anyhow::ensure;

use crate::{config::Config, oauth::Endpoint};

/// Requests `/health` of the service with these settings. Does not use `/ready`, because an outage of Redis must
/// neither restart the container nor delay the start of others.
pub(super) async fn check() -> anyhow::Result<()> {
    let config = Config::load()?;
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
    let url = format!("http://{address}{}", Endpoint::Health.path());
    let status = client.get(url).send().await?.status();
    ensure!(status.is_success(), "not healthy: {status}");
    Ok(())
}
