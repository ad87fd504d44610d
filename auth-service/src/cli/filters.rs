//! Options that select grants.

use anyhow::Context;
use clap::Args;

use super::{access, exit::Stop, moment::moment};
use crate::{
    config::Config,
    model::{ClientId, ResourceUri, UnixTime},
    servers::Sources,
    store::Filter,
};

/// The grants that a command concerns. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(super) struct GrantFilter {
    /// Only the grants of a person, by login name or by subject such as `github:583231`.
    #[arg(long)]
    pub(super) user: Option<String>,
    /// Only the grants to a client, by its id.
    #[arg(long, allow_hyphen_values = true)]
    pub(super) client: Option<String>,
    /// Only the grants that include a server, by its name or its URL.
    #[arg(long, value_name = "NAME")]
    pub(super) server: Option<String>,
    /// Only the grants made before this time: 2026-11-30T12:00:00Z, 2026-11-30, or a duration before now such as 30d.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) older_than: Option<UnixTime>,
    /// Only the grants that were neither used nor made since this time.
    #[arg(long, value_name = "TIME", alias = "unused-since", value_parser = moment)]
    pub(super) unused_for: Option<UnixTime>,
}

impl GrantFilter {
    /// Returns `true` if there is no condition.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the filter of the store. Fails if the server is unknown.
    pub(super) async fn resolve(&self) -> anyhow::Result<Filter> {
        let server = match &self.server {
            Some(server) => Some(resource(server).await?),
            None => None,
        };
        Ok(Filter {
            user: self.user.clone(),
            client: self.client.as_deref().map(ClientId::parsed),
            server,
            made_before: self.older_than,
            unused_since: self.unused_for,
            ..Filter::default()
        })
    }
}

/// Returns the URL of a server. Accepts a URL without a look-up, since the server may have been removed from the
/// catalogue.
pub(super) async fn resource(text: &str) -> anyhow::Result<ResourceUri> {
    if let Ok(resource) = ResourceUri::parse(text) {
        return Ok(resource);
    }
    let catalogue =
        Sources::new(&Config::load()?).read().await.context("cannot list the servers")?;
    let catalogue = catalogue.catalogue();
    let unknown = || Stop::NothingMatched(access::unknown(&catalogue, text));
    Ok(access::find(&catalogue, text).ok_or_else(unknown)?.resource.clone())
}
