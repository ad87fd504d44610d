//! Commands of `client`: registrations, and clients that are refused.

use anyhow::ensure;
use clap::{Args, Subcommand, ValueEnum};
use gateway_contract::audit::EventKind;
use serde::Serialize;
use serde_json::json;

use super::{
    access::Access,
    confirm::Confirmation,
    exit::Stop,
    grant,
    moment::left,
    operator,
    output::{Json, shown},
    pages::Span,
    table::Table,
};
use crate::{
    model::{
        AuthMethod, Client, ClientId, ClientMetadata, ClientSecret, Clock, OwnAccess, RedirectUri,
        SystemClock, UnixTime,
    },
    oauth::NewClient,
    store::{Filter, Store},
};

/// The subcommands of `client`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Register a client that never expires. Prints its id and its secret, which is not shown again.
    Create(Create),
    /// List the registrations of all clients: those of the operator, those in use, and the others.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show the registration of one client.
    Show {
        /// The client id, as `client list` shows it.
        #[arg(allow_hyphen_values = true)]
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Delete a registration and revoke all grants to it. Takes effect immediately.
    #[command(visible_alias = "rm")]
    Delete(One),
    /// Refuse a client: revoke all grants to it, and admit it no more. Takes effect immediately.
    Refuse(One),
    /// Admit a refused client again.
    Readmit {
        /// The client id.
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

/// Arguments of `client list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only the refused clients, latest first.
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    refused: bool,
    #[command(flatten)]
    span: Span,
}

/// A client, and whether to ask.
#[derive(Debug, Args)]
pub(super) struct One {
    /// The client id, as `client list` shows it.
    #[arg(allow_hyphen_values = true)]
    id: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// Arguments of `client create`.
#[derive(Debug, Args)]
pub(super) struct Create {
    /// The display name, which the consent page shows.
    #[arg(long)]
    name: String,
    /// A redirect URI (RFC 6749 §3.1.2); may be repeated.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// A grant type that the client may use; may be repeated.
    #[arg(long = "grant", value_enum, default_value = "authorization-code")]
    grants: Vec<Grant>,
    /// The client authentication method at the token endpoint.
    #[arg(long, value_enum, default_value = "basic")]
    auth: Auth,
    #[command(flatten)]
    access: Access,
    #[command(flatten)]
    json: Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Grant {
    /// People log in and give consent.
    AuthorizationCode,
    /// The client acts on its own behalf; needs --server and allows --scope.
    ClientCredentials,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Auth {
    /// No authentication: a public client.
    None,
    /// The id and the secret by HTTP Basic.
    Basic,
    /// The secret in the request body.
    Post,
}

/// A registration as printed, without stored secrets. `client_secret` is set only on creation.
#[derive(Serialize)]
struct View<'a> {
    client_id: &'a ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    /// `true` if the operator created the client.
    preregistered: bool,
    client_id_issued_at: UnixTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    own_access: Option<&'a OwnAccess>,
    #[serde(flatten)]
    metadata: &'a ClientMetadata,
}

/// Runs a `client` subcommand.
pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    let now = SystemClock.now();
    match command {
        Command::Create(create) => self::create(create).await,
        Command::List(List { refused: true, span }) => list_refused(&super::store()?, span).await,
        Command::List(List { span, .. }) => list(&super::store()?, span, now).await,
        Command::Show { id, json } => show(&known(&id, now).await?, None, json),
        Command::Delete(one) => delete(one, now).await,
        Command::Refuse(one) => refuse(one).await,
        Command::Readmit { id } => {
            let server = super::server().await?;
            let (client, actor) = (ClientId::parsed(&id), operator::actor());
            if !server.administration.readmit_client(&client, &actor).await? {
                let why =
                    format!("the client \"{id}\" is not refused; see `client list --refused`");
                return Err(Stop::NothingMatched(why).into());
            }
            super::say("readmitted")
        }
    }
}

async fn delete(one: One, now: UnixTime) -> anyhow::Result<()> {
    one.confirmation.check()?;
    let (client, store) = (known(&one.id, now).await?, super::store()?);
    let filter = Filter { client: Some(client.id.clone()), ..Filter::default() };
    if !grant::confirmed(&store, &filter, (one.confirmation, true)).await? {
        return Ok(());
    }
    let event = |kind| operator::on_client(&store, kind, &client);
    let (revoked, deleted) = (event(EventKind::GrantsRevoked), event(EventKind::ClientDeleted));
    let entries = (revoked.as_ref(), deleted.as_ref());
    store.maintenance.delete_client(&client.id, now, entries).await?;
    log::info!(target: "audit", client:% = client.id; "client deleted by the operator");
    super::say("deleted")
}

/// Refuses a client, known or not: a client that is described by a document has no registration.
async fn refuse(one: One) -> anyhow::Result<()> {
    one.confirmation.check()?;
    let id = ClientId::parsed(&one.id);
    let filter = Filter { client: Some(id.clone()), ..Filter::default() };
    if !grant::confirmed(&super::store()?, &filter, (one.confirmation, true)).await? {
        return Ok(());
    }
    let server = super::server().await?;
    let ended = server.administration.refuse_client(&id, &operator::actor()).await?;
    super::say(&format!("refused; {} grants revoked", ended.grants + ended.left))
}

async fn known(id: &str, now: UnixTime) -> anyhow::Result<Client> {
    let client = super::store()?.clients.client(&ClientId::parsed(id), now).await?;
    let none = || Stop::NothingMatched(format!("there is no client \"{id}\"; see `client list`"));
    Ok(client.ok_or_else(none)?)
}

/// The most refused clients that are listed.
const MOST_REFUSED: usize = 10_000;

async fn list_refused(store: &Store, span: Span) -> anyhow::Result<()> {
    let ids = store.barred.refused_clients(MOST_REFUSED).await?;
    let mut walk = span.walk("clients");
    walk.got(ids.len(), None);
    if !walk.print_json(ids.iter().map(|id| json!({ "client_id": id })))? {
        ids.iter().try_for_each(|id| super::say(&shown(id.as_str())))?;
    }
    walk.finish(true)
}

async fn create(new: Create) -> anyhow::Result<()> {
    let server = super::server().await?;
    let own = new.grants.contains(&Grant::ClientCredentials);
    let with_people = new.grants.contains(&Grant::AuthorizationCode);
    let chosen = !new.access.servers.is_empty() || !new.access.scopes.is_empty();
    ensure!(own || !chosen, "--server and --scope require --grant client-credentials");
    ensure!(
        with_people != new.redirect_uris.is_empty(),
        "--grant authorization-code and --redirect-uri require each other"
    );
    let (client, secret) = server
        .clients
        .preregister(
            NewClient {
                name: new.name,
                method: match new.auth {
                    Auth::None => AuthMethod::None,
                    Auth::Basic => AuthMethod::ClientSecretBasic,
                    Auth::Post => AuthMethod::ClientSecretPost,
                },
                redirect_uris: new.redirect_uris.into_iter().map(RedirectUri::new).collect(),
                own_access: own.then(|| new.access.resolve(&server)).transpose()?,
            },
            &operator::actor(),
        )
        .await?;
    show(&client, secret.as_ref(), new.json)
}

fn show(client: &Client, secret: Option<&ClientSecret>, json: Json) -> anyhow::Result<()> {
    json.print(&View::of(client, secret), || print(client, secret))
}

fn print(client: &Client, secret: Option<&ClientSecret>) -> anyhow::Result<()> {
    let mut lines = vec![("client_id", client.id.to_string())];
    lines.extend(secret.map(|secret| ("client_secret", secret.reveal().to_owned())));
    lines.push(("name", shown(client.display_name())));
    lines.push(("grants", client.metadata.grant_types.join(" ")));
    lines.extend(client.metadata.redirect_uris.iter().map(|u| ("redirect_uri", u.as_str().into())));
    if let Some(own) = &client.own_access {
        lines.extend(own.resources.iter().map(|resource| ("server", resource.to_string())));
        lines.push(("scopes", own.scopes.to_string()));
    }
    lines.into_iter().try_for_each(|(name, value)| super::say(&format!("{name:13}  {value}")))
}

async fn list(store: &Store, span: Span, now: UnixTime) -> anyhow::Result<()> {
    let mut table = Table::new(["CLIENT", "NAME", "GRANTS", "EXPIRES IF UNUSED"]);
    let mut walk = span.walk("clients");
    while let Some((cursor, limit)) = walk.next_page() {
        let page = store.maintenance.clients(cursor, (limit, now)).await?;
        walk.got(page.entries.len(), page.next);
        if walk.print_json(page.entries.iter().map(|client| View::of(client, None)))? {
            continue;
        }
        let rows = page.entries.iter().map(|client| {
            let ends = client.expires_at.map(|end| left(now, end));
            [
                client.id.to_string(),
                shown(client.display_name()),
                client.metadata.grant_types.join(" "),
                ends.unwrap_or_else(|| "never".to_owned()),
            ]
        });
        table.print(&rows.collect::<Vec<_>>())?;
    }
    walk.finish(store.maintenance.is_indexed().await?)
}

impl<'a> View<'a> {
    fn of(client: &'a Client, secret: Option<&'a ClientSecret>) -> Self {
        Self {
            client_id: &client.id,
            client_secret: secret.map(ClientSecret::reveal),
            preregistered: client.preregistered,
            client_id_issued_at: client.issued_at,
            expires_at: client.expires_at,
            own_access: client.own_access.as_ref(),
            metadata: &client.metadata,
        }
    }
}
