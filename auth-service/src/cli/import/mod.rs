//! `import-predecessor`: from mcp-oauth-gateway of 2025 (atrawog), whose clients stay connected.

mod names;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use clap::Args;
use url::Url;

use crate::{
    config::RedisConfig,
    oauth::{AuthServer, ImportOptions, ImportReport},
    store::Store,
};

/// What to import.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The predecessor's `.env`: names its Redis, and is told apart into what still holds and what
    /// does not.
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
    /// The predecessor's Redis, if it is neither that of its `.env` nor ours. The password may be
    /// left to the `.env`.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    trust: Trust,
    /// As JSON, for scripts.
    #[arg(long)]
    json: bool,
}

/// What of a dump of the predecessor's Redis is good here.
#[derive(Debug, Args)]
struct Trust {
    /// Clients may go without their secret. The predecessor gave one to each and asked none for it; a
    /// client that never sent it has to register again otherwise. Whoever has a dump of the predecessor's
    /// Redis then needs nothing but a refresh token of it.
    #[arg(long)]
    secrets_optional: bool,
    /// What is the default now; scripts may still say it.
    #[arg(long, hide = true, conflicts_with = "secrets_optional")]
    require_secrets: bool,
    /// Registration access tokens go on managing their registration: a dump has them in clear, and they
    /// never change.
    #[arg(long)]
    keep_registration_tokens: bool,
    /// How long a refresh token waits for its first use here. Until then one from a dump is good, too. 0s
    /// takes none, and people log in again.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = super::mint::duration)]
    refresh_tokens_for: Duration,
}

/// Imports; may be repeated, since what is here already is left alone.
pub(super) async fn run(import: Import) -> anyhow::Result<()> {
    let server = super::server().await?;
    let settings = import.env.as_deref().map(names::read).transpose()?.unwrap_or_default();
    let source = source(import.redis.as_deref(), &settings, &server)?;
    let options = ImportOptions {
        dry_run: import.dry_run,
        secrets_optional: import.trust.secrets_optional,
        registration_tokens: import.trust.keep_registration_tokens,
        refresh_tokens_for: import.trust.refresh_tokens_for,
    };
    source.ping().await.context("the predecessor's Redis")?;
    let (clients, most) = (source.old_keys("client").await?.len(), server.core.config.clients.max);
    ensure!(
        u32::try_from(clients).is_ok_and(|clients| clients <= most),
        "there are {clients} clients, and MAX_CLIENTS is {most}: raise it"
    );
    let report = server.tokens.import(&source, options).await?;
    log::info!(target: "audit", clients = report.clients.imported,
        refresh_tokens = report.refresh_tokens.imported, dry_run = options.dry_run; "import");
    let notes = names::notes(&settings, &server.core.config);
    if import.json { json(&report, &notes) } else { print(&report, &notes, options.dry_run) }
}

/// Its Redis: as it is given, as the file says, or ours.
fn source(
    given: Option<&str>,
    settings: &names::Settings,
    server: &AuthServer,
) -> anyhow::Result<Store> {
    let Some(url) = given.or_else(|| settings.get("REDIS_URL").map(String::as_str)) else {
        return Ok(Store::open(&server.core.config.redis)?);
    };
    let mut url = Url::parse(url).context("the predecessor's Redis")?;
    let password = settings.get("REDIS_PASSWORD").filter(|_| url.password().is_none());
    if let Some(password) = password {
        let set = url.set_password(Some(password));
        ensure!(
            set.is_ok(),
            "REDIS_PASSWORD cannot be put into the URL of the predecessor's Redis"
        );
    }
    // The error of the library may show the URL, and so the password.
    let store = Store::open(&RedisConfig { url: String::from(url).into() }).ok();
    store.context("the URL of the predecessor's Redis cannot be used")
}

fn json(report: &ImportReport, notes: &[String]) -> anyhow::Result<()> {
    let mut value = serde_json::to_value(report)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("settings".to_owned(), notes.into());
    }
    super::say(&value.to_string())
}

fn print(report: &ImportReport, notes: &[String], dry_run: bool) -> anyhow::Result<()> {
    let done = if dry_run { "would be imported" } else { "imported" };
    for (what, counts) in [("clients", report.clients), ("refresh tokens", report.refresh_tokens)] {
        let (new, present) = (counts.imported, counts.present);
        super::say(&format!("{new} {what} {done}, {present} here already"))?;
    }
    if report.dump_is_good_for > 0 {
        super::say(&format!(
            "note: until each client has refreshed once, within {} hours, a dump or backup of the old Redis \
             is as good as the clients themselves: delete them all",
            report.dump_is_good_for.div_ceil(3600)
        ))?;
    }
    for line in &report.left_behind {
        super::say(&format!("left behind: {line}"))?;
    }
    notes.iter().try_for_each(|note| super::say(&format!("setting: {note}")))
}
