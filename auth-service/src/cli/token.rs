//! Commands `token list` and `token revoke`, over the grants and access tokens in Redis.

use clap::{Args, Subcommand};

use super::{
    confirm::Confirmation,
    filters::{GrantFilter, resource},
    grant,
    mint::Mint,
    moment::moment,
    pages::Span,
    revocation,
};
use crate::{
    model::{ClientId, Identifier, UnixTime},
    store::{Filter, Selection},
};

/// The subcommands of `token`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the grants with their access tokens, newest first.
    #[command(visible_alias = "ls")]
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
    #[command(flatten)]
    filter: GrantFilter,
    /// Only the grants that were used at this time or later: 2026-11-30, or a duration before now such as 30d.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    used_since: Option<UnixTime>,
    /// Print a table of the valid access tokens instead of the grants. JSON has both.
    #[arg(long)]
    tokens: bool,
    #[command(flatten)]
    span: Span,
}

/// The selection to revoke: one of these, or `--user` and `--client` together for the grants of one person to one
/// client.
#[derive(Debug, Args)]
pub(super) struct What {
    #[command(flatten)]
    selected: Selected,
    #[command(flatten)]
    confirmation: Confirmation,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Selected {
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

impl Selected {
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

/// Lists grants, newest first, or their access tokens.
pub(super) async fn list(list: List) -> anyhow::Result<()> {
    let mut filter = list.filter.resolve().await?;
    filter.used_since = list.used_since;
    grant::print_list(&super::store()?, &filter, list.span, list.tokens).await
}

/// Revokes the selection, once that is confirmed.
pub(super) async fn revoke(what: What) -> anyhow::Result<()> {
    what.confirmation.check()?;
    let selection = what.selected.selection().await?;
    let goes_on = match (&selection, filter(&selection)) {
        (_, Some(filter)) => {
            grant::confirmed(&super::store()?, &filter, (what.confirmation, true)).await?
        }
        (Selection::Grant(id), None) => {
            what.confirmation.ask(&format!("Revoke the grant {id}?"))?
        }
        _ => what.confirmation.ask("Revoke one access token?")?,
    };
    if goes_on { revocation::revoke(&selection).await } else { Ok(()) }
}

/// Returns the filter that lists the grants of `selection`, unless it is a single record.
fn filter(selection: &Selection) -> Option<Filter> {
    let all = Filter::default();
    Some(match selection.clone() {
        Selection::User(user) => Filter { user: Some(user), ..all },
        Selection::Client(client) => Filter { client: Some(client), ..all },
        Selection::UserAtClient(user, client) => {
            Filter { user: Some(user), client: Some(client), ..all }
        }
        Selection::Server(server) => Filter { server: Some(server), ..all },
        Selection::Before(moment) => Filter { made_before: Some(moment), ..all },
        Selection::All => all,
        Selection::Grant(_) | Selection::Jti(_) => return None,
    })
}
