//! Commands `token list` and `token revoke`, over the grants and access tokens in Redis.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    access,
    mint::Mint,
    moment::{left, moment},
    table,
};
use crate::{
    config::Config,
    model::{ClientId, Clock, Identifier, ResourceUri, SystemClock, UnixTime},
    servers::Sources,
    store::{Ended, Selection, Store},
};

/// The subcommands of `token`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the valid access tokens and the grants behind them.
    List {
        /// Print JSON, for scripts.
        #[arg(long)]
        json: bool,
    },
    /// Revoke grants with all their tokens and everything that leads to new ones (logins, consents,
    /// codes), or one access token. Takes effect immediately.
    Revoke(What),
    /// Mint a personal access token and print it. It is not shown again.
    Mint(Mint),
}

/// The selection to revoke: one of these, or `--user` and `--client` together for the grants of one person to one
/// client.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct What {
    /// All grants of a person, by login name or by subject such as `github:583231`.
    #[arg(long, conflicts_with_all = ["grant", "jti", "server", "before", "all"])]
    user: Option<String>,
    /// All grants to a client; with --user, those of one person.
    #[arg(long, allow_hyphen_values = true, conflicts_with_all = ["grant", "jti", "server", "before", "all"])]
    client: Option<String>,
    /// One grant, by its id in the list.
    #[arg(long, value_name = "ID", allow_hyphen_values = true, conflicts_with_all = ["jti", "server", "before", "all"])]
    grant: Option<String>,
    /// One access token; its refresh token still works.
    #[arg(long, allow_hyphen_values = true, conflicts_with_all = ["server", "before", "all"])]
    jti: Option<String>,
    /// All grants that include a server, by its name or its URL.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["before", "all"])]
    server: Option<String>,
    /// All grants made before this time, and all logins, consents and codes: 2026-11-30T12:00:00Z,
    /// 2026-11-30, or a duration before now such as 30d.
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "all")]
    before: Option<UnixTime>,
    /// All grants, logins, consents and codes.
    #[arg(long)]
    all: bool,
}

impl What {
    async fn selection(self) -> anyhow::Result<Selection> {
        let client = self.client.as_deref().map(ClientId::parsed);
        Ok(match (self.user, client, self.grant, self.jti, self.server, self.before) {
            (Some(user), Some(client), ..) => Selection::UserAtClient(user, client),
            (Some(user), ..) => Selection::User(user),
            (_, Some(client), ..) => Selection::Client(client),
            (_, _, Some(grant), ..) => Selection::Grant(Identifier::parsed(&grant)),
            (_, _, _, Some(jti), ..) => Selection::Jti(Identifier::parsed(&jti)),
            (.., Some(server), _) => Selection::Server(resource(&server).await?),
            (.., Some(moment)) => Selection::Before(moment),
            _ => Selection::All,
        })
    }
}

/// Returns the URL of a server. Accepts a URL without a look-up, since the server may have been removed from the
/// catalogue.
async fn resource(text: &str) -> anyhow::Result<ResourceUri> {
    if let Ok(resource) = ResourceUri::parse(text) {
        return Ok(resource);
    }
    let catalogue = Sources::new(&Config::load()?).read().await?.catalogue();
    let server =
        access::find(&catalogue, text).with_context(|| access::unknown(&catalogue, text))?;
    Ok(server.resource.clone())
}

/// Revokes the selection and prints the number of revoked grants. Fails if nothing matched.
pub(super) async fn revoke(what: What) -> anyhow::Result<()> {
    let selection = what.selection().await?;
    let ended = super::store()?.maintenance.revoke(&selection, SystemClock.now()).await?;
    let Ended { grants, beside, unreadable } = ended;
    log::info!(target: "audit", grants, beside, unreadable; "revoked by the operator");
    super::say(&match beside {
        0 => format!("{grants} revoked"),
        _ => format!("{grants} revoked, and {beside} logins, consents, codes and requests"),
    })?;
    anyhow::ensure!(unreadable == 0, "{unreadable} of the records cannot be read");
    // A script that selects something expects it to exist.
    let matched = ended != Ended::default() || matches!(selection, Selection::All);
    anyhow::ensure!(matched, "nothing matched");
    Ok(())
}

/// Lists the valid access tokens and the grants.
pub(super) async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let (tokens, grants) =
        (store.maintenance.access_tokens(now).await?, store.maintenance.grants(now).await?);
    if json {
        return super::say(&json!({ "tokens": tokens, "grants": grants }).to_string());
    }
    let rows = tokens.iter().map(|token| {
        [
            token.jti.to_string(),
            token.subject.clone(),
            token.client_id.to_string(),
            left(now, token.expires_at),
            urls(&token.resources),
        ]
    });
    let rows: Vec<_> = rows.collect();
    table::print(["JTI", "USER", "CLIENT", "EXPIRES", "SERVERS"], &rows)?;
    super::say("")?;
    let rows = grants.iter().map(|grant| {
        [
            grant.id.to_string(),
            grant.user.subject.clone(),
            grant.client_name.clone(),
            grant.client_id.to_string(),
            left(now, grant.expires_at),
            urls(&grant.resources),
        ]
    });
    let rows: Vec<_> = rows.collect();
    table::print(["GRANT", "USER", "CLIENT NAME", "CLIENT", "EXPIRES IF UNUSED", "SERVERS"], &rows)
}

fn urls(resources: &[ResourceUri]) -> String {
    resources.iter().map(ResourceUri::as_str).collect::<Vec<_>>().join(" ")
}
