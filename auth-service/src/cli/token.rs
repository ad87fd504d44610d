//! Commands `token list` and `token revoke`, over the grants and access tokens in Redis.

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{
    access,
    mint::Mint,
    moment::{left, moment},
    operator,
    pages::{Rest, Span},
    table::Table,
};
use crate::{
    config::Config,
    model::{
        AccessRecord, ClientId, Clock, Identifier, LastUse, ResourceUri, SystemClock, UnixTime,
        in_words,
    },
    servers::Sources,
    store::{Ended, Filter, ListedGrant, Selection, Store},
};

/// The subcommands of `token`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the grants, newest first.
    List(List),
    /// Revoke grants with all their tokens and everything that leads to new ones (logins, consents,
    /// codes), or one access token. Takes effect immediately.
    Revoke(What),
    /// Mint a personal access token and print it. It is not shown again.
    Mint(Mint),
}

/// Arguments of `token list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only the grants of a person, by login name or by subject such as `github:583231`.
    #[arg(long)]
    user: Option<String>,
    /// Only the grants to a client, by its id.
    #[arg(long, allow_hyphen_values = true)]
    client: Option<String>,
    /// Only the grants that include a server, by its name or its URL.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Only the grants that were used at this time or later: 2026-11-30, or a duration before now such as 30d.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    used_since: Option<UnixTime>,
    /// Only the grants that were neither used nor made at this time or later.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    unused_since: Option<UnixTime>,
    /// Print a table of the valid access tokens instead of the grants. JSON has both.
    #[arg(long)]
    tokens: bool,
    #[command(flatten)]
    span: Span,
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
    let (store, now) = (super::store()?, SystemClock.now());
    let entry = operator::revocation(&store, &selection, now).await?;
    let ended = Box::pin(store.maintenance.revoke(&selection, now, entry.as_ref())).await?;
    let Ended { grants, beside, unreadable, left } = ended;
    log::info!(target: "audit", grants, beside, unreadable, left; "revoked by the operator");
    super::say(&match (beside, left) {
        (0, 0) => format!("{grants} revoked"),
        (_, 0) => format!("{grants} revoked, and {beside} logins, consents, codes and requests"),
        _ => format!(
            "revoked; {grants} grants are deleted already, the running service deletes up to {left} others"
        ),
    })?;
    anyhow::ensure!(unreadable == 0, "{unreadable} of the records cannot be read");
    // A script that selects something expects it to exist.
    let matched = ended != Ended::default() || matches!(selection, Selection::All);
    anyhow::ensure!(matched, "nothing matched");
    Ok(())
}

/// Lists grants, newest first, or their access tokens.
pub(super) async fn list(list: List, store: &Store) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let filter = Filter {
        user: list.user,
        client: list.client.as_deref().map(ClientId::parsed),
        server: match list.server {
            Some(server) => Some(resource(&server).await?),
            None => None,
        },
        used_since: list.used_since,
        unused_since: list.unused_since,
        ..Filter::default()
    };
    let mut tokens = Table::new(["JTI", "USER", "CLIENT", "EXPIRES", "SERVERS"]);
    let mut grants = Table::new([
        "GRANT",
        "USER",
        "CLIENT NAME",
        "CLIENT",
        "LAST USE",
        "EXPIRES IF UNUSED",
        "SERVERS",
    ]);
    let mut walk = list.span.walk();
    while let Some((cursor, limit)) = walk.next_page() {
        let page = store.maintenance.grants(&filter, cursor, (limit, now)).await?;
        walk.got(page.entries.len(), page.next);
        if walk.json {
            let lines = page.entries.iter().map(serde_json::to_string);
            lines.into_iter().try_for_each(|line| super::say(&line?))?;
        } else if list.tokens {
            let all = page.entries.iter().flat_map(|entry| &entry.tokens);
            tokens.print(&all.map(|token| token_row(token, now)).collect::<Vec<_>>())?;
        } else {
            let all = page.entries.iter().map(|entry| grant_row(entry, now));
            grants.print(&all.collect::<Vec<_>>())?;
        }
    }
    let is_complete = store.maintenance.is_indexed().await?;
    Rest { cursor: walk.rest(), is_complete }.print(walk.json)
}

fn token_row(token: &AccessRecord, now: UnixTime) -> [String; 5] {
    [
        token.jti.to_string(),
        token.subject.clone(),
        token.client_id.to_string(),
        left(now, token.expires_at),
        urls(&token.resources),
    ]
}

fn grant_row(ListedGrant { grant, last_use, .. }: &ListedGrant, now: UnixTime) -> [String; 7] {
    let ago = |last: &LastUse| {
        format!("{} ago, {}, {}", in_words(last.at.until(now)), last.program, last.network)
    };
    [
        grant.id.to_string(),
        grant.user.subject.clone(),
        grant.client_name.clone(),
        grant.client_id.to_string(),
        last_use.as_ref().map_or_else(|| "-".to_owned(), ago),
        left(now, grant.expires_at),
        urls(&grant.resources),
    ]
}

fn urls(resources: &[ResourceUri]) -> String {
    resources.iter().map(ResourceUri::as_str).collect::<Vec<_>>().join(" ")
}
