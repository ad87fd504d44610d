//! `token list` and `token revoke`.

use clap::{Args, Subcommand};

use crate::{
    model::{ClientId, Clock, Identifier, ResourceUri, SystemClock, UnixTime},
    store::{Selection, Store},
};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the access tokens that are live, and the grants behind them.
    List,
    /// Revoke grants with all their tokens, or one access token. In force at once.
    Revoke(What),
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
    /// Everything.
    #[arg(long)]
    all: bool,
}

/// Lists or revokes.
pub(super) async fn run(command: Command, store: &Store) -> anyhow::Result<()> {
    let now = SystemClock.now();
    match command {
        Command::List => list(store, now).await,
        Command::Revoke(what) => {
            let selection = match (what.user, what.client, what.jti) {
                (Some(user), ..) => Selection::User(user),
                (_, Some(client), _) => Selection::Client(ClientId::parsed(&client)),
                (.., Some(jti)) => Selection::Jti(Identifier::parsed(&jti)),
                _ => Selection::All,
            };
            let ended = store.revoke(&selection, now).await?;
            log::info!(target: "audit", ended; "revoked by the operator: {selection:?}");
            super::say(&format!("{ended} revoked"))?;
            // A script that names something expects it to have been there.
            anyhow::ensure!(ended > 0 || matches!(selection, Selection::All), "nothing matched");
            Ok(())
        }
    }
}

async fn list(store: &Store, now: UnixTime) -> anyhow::Result<()> {
    let row = |cells: [&str; 5]| {
        let [jti, user, client, left, servers] = cells;
        super::say(&format!("{jti:22}  {user:20}  {client:22}  {left:>9}  {servers}"))
    };
    row(["JTI", "USER", "CLIENT", "ENDS IN", "SERVERS"])?;
    for token in store.access_tokens(now).await? {
        let servers: Vec<&str> = token.resources.iter().map(ResourceUri::as_str).collect();
        let left = format!("{} s", now.until(token.expires_at).as_secs());
        row([
            token.jti.as_str(),
            &token.subject,
            token.client_id.as_str(),
            &left,
            &servers.join(" "),
        ])?;
    }
    super::say("")?;
    let row = |cells: [&str; 4]| {
        let [user, name, client, since] = cells;
        super::say(&format!("{user:20}  {name:20}  {client:22}  {since}"))
    };
    row(["GRANT OF", "TO", "CLIENT", "ENDS IN, UNLESS USED"])?;
    for grant in store.grants(now).await? {
        let left = format!("{} s", now.until(grant.expires_at).as_secs());
        row([&grant.user.subject, &grant.client_name, grant.client_id.as_str(), &left])?;
    }
    Ok(())
}
