//! Commands `client create`, `client list`, `client show` and `client delete`.

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};
use gateway_contract::audit::EventKind;
use serde::Serialize;

use super::{
    access::Access,
    moment::left,
    operator,
    pages::{Rest, Span},
    table::Table,
};
use crate::{
    model::{
        AuthMethod, Client, ClientId, ClientMetadata, ClientSecret, Clock, OwnAccess, RedirectUri,
        SystemClock, UnixTime,
    },
    oauth::NewClient,
    store::Store,
};

/// The subcommands of `client`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Register a client that never expires. Prints its id and its secret, which is not shown again.
    Create(Create),
    /// List the registrations of all clients: those of the operator, those in use, and the others.
    List(Span),
    /// Show the registration of one client.
    Show {
        /// The client id, as `client list` shows it.
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// Print JSON, for scripts.
        #[arg(long)]
        json: bool,
    },
    /// Delete a registration and revoke all grants to it. Takes effect immediately.
    Delete {
        /// The client id, as `client list` shows it.
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
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
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
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
        Command::List(span) => list(&super::store()?, span, now).await,
        Command::Show { id, json } => show(&known(&id, now).await?, None, json),
        Command::Delete { id } => {
            let (client, store) = (known(&id, now).await?, super::store()?);
            let event = |kind| operator::on_client(&store, kind, &client);
            let (revoked, deleted) =
                (event(EventKind::GrantsRevoked), event(EventKind::ClientDeleted));
            let entries = (revoked.as_ref(), deleted.as_ref());
            store.maintenance.delete_client(&client.id, now, entries).await?;
            log::info!(target: "audit", client:% = client.id; "client deleted by the operator");
            super::say("deleted")
        }
    }
}

async fn known(id: &str, now: UnixTime) -> anyhow::Result<Client> {
    let client = super::store()?.clients.client(&ClientId::parsed(id), now).await?;
    client.with_context(|| format!("there is no client \"{id}\"; see `client list`"))
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

fn show(client: &Client, secret: Option<&ClientSecret>, json: bool) -> anyhow::Result<()> {
    let view = View::of(client, secret);
    if json {
        return super::say(&serde_json::to_string(&view)?);
    }
    let mut lines = vec![("client_id", client.id.to_string())];
    lines.extend(secret.map(|secret| ("client_secret", secret.reveal().to_owned())));
    lines.push(("name", client.display_name().to_owned()));
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
    let mut walk = span.walk();
    while let Some((cursor, limit)) = walk.next_page() {
        let page = store.maintenance.clients(cursor, (limit, now)).await?;
        walk.got(page.entries.len(), page.next);
        if walk.json {
            for client in &page.entries {
                super::say(&serde_json::to_string(&View::of(client, None))?)?;
            }
            continue;
        }
        let rows = page.entries.iter().map(|client| {
            let ends = client.expires_at.map(|end| left(now, end));
            [
                client.id.to_string(),
                client.display_name().to_owned(),
                client.metadata.grant_types.join(" "),
                ends.unwrap_or_else(|| "never".to_owned()),
            ]
        });
        table.print(&rows.collect::<Vec<_>>())?;
    }
    let is_complete = store.maintenance.is_indexed().await?;
    Rest { cursor: walk.rest(), is_complete }.print(walk.json)
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
