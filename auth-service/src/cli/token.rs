//! `token list` and `token revoke`.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{mint::Mint, table};
use crate::{
    model::{ClientId, Clock, Identifier, ResourceUri, SystemClock, UnixTime},
    store::{Ended, Selection, Store},
};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the access tokens that are live, and the grants behind them.
    List {
        /// As JSON, for scripts.
        #[arg(long)]
        json: bool,
    },
    /// Revoke grants with all their tokens and what leads to them (logins, consents, codes), or one
    /// access token. In force at once.
    Revoke(What),
    /// Mint a personal access token and print it, this once.
    Mint(Mint),
}

/// What to revoke.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct What {
    /// All grants of a person: login name, or subject as in `github:583231`.
    #[arg(long)]
    user: Option<String>,
    /// All grants to a client.
    #[arg(long, allow_hyphen_values = true)]
    client: Option<String>,
    /// One access token; its refresh token still works.
    #[arg(long, allow_hyphen_values = true)]
    jti: Option<String>,
    /// All grants that reach a server: its URL, as in the list.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// All grants made before this moment (seconds since 1970), and all logins, consents and codes.
    #[arg(long, value_name = "SECONDS")]
    before: Option<i64>,
    /// Everything.
    #[arg(long)]
    all: bool,
}

impl What {
    fn selection(self) -> anyhow::Result<Selection> {
        Ok(match (self.user, self.client, self.jti, self.server, self.before) {
            (Some(user), ..) => Selection::User(user),
            (_, Some(client), ..) => Selection::Client(ClientId::parsed(&client)),
            (_, _, Some(jti), ..) => Selection::Jti(Identifier::parsed(&jti)),
            (.., Some(url), _) => {
                Selection::Server(ResourceUri::parse(&url).context("--server is no URL of one")?)
            }
            (.., Some(moment)) => Selection::Before(UnixTime(moment)),
            _ => Selection::All,
        })
    }
}

/// Revokes.
pub(super) async fn revoke(what: What, store: &Store) -> anyhow::Result<()> {
    let selection = what.selection()?;
    let ended = store.revoke(&selection, SystemClock.now()).await?;
    let Ended { grants, beside, unreadable } = ended;
    log::info!(target: "audit", grants, beside, unreadable; "revoked by the operator: {selection:?}");
    super::say(&match beside {
        0 => format!("{grants} revoked"),
        _ => format!("{grants} revoked, and {beside} of logins, consents, codes and requests"),
    })?;
    anyhow::ensure!(unreadable == 0, "{unreadable} of the records cannot be read");
    // A script that names something expects it to have been there.
    let matched = ended != Ended::default() || matches!(selection, Selection::All);
    anyhow::ensure!(matched, "nothing matched");
    Ok(())
}

/// Lists.
pub(super) async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let (tokens, grants) = (store.access_tokens(now).await?, store.grants(now).await?);
    if json {
        return super::say(&json!({ "tokens": tokens, "grants": grants }).to_string());
    }
    let left = |end| format!("{} s", now.until(end).as_secs());
    let rows = tokens.iter().map(|token| {
        let servers: Vec<&str> = token.resources.iter().map(ResourceUri::as_str).collect();
        [
            token.jti.to_string(),
            token.subject.clone(),
            token.client_id.to_string(),
            left(token.expires_at),
            servers.join(" "),
        ]
    });
    let rows: Vec<_> = rows.collect();
    table::print(["JTI", "USER", "CLIENT", "ENDS IN", "SERVERS"], &rows)?;
    super::say("")?;
    let rows = grants.iter().map(|grant| {
        [
            grant.user.subject.clone(),
            grant.client_name.clone(),
            grant.client_id.to_string(),
            left(grant.expires_at),
        ]
    });
    let rows: Vec<_> = rows.collect();
    table::print(["GRANT OF", "TO", "CLIENT", "ENDS IN, UNLESS USED"], &rows)
}
