//! Command `import-predecessor`: migrates from atrawog/mcp-oauth-gateway (2025) so that its clients stay connected.

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

/// Command-line arguments of `import-predecessor`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The predecessor's `.env`. It names the predecessor's Redis; settings that have changed or have no
    /// effect here are reported.
    #[arg(long, value_name = "FILE")]
    env: Option<PathBuf>,
    /// The URL of the predecessor's Redis, if it is neither that of its `.env` nor that of this gateway.
    /// The password may come from the `.env`.
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Report what would be imported, without writing anything.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    trust: Trust,
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
}

/// The credentials to accept although they are in clear in the predecessor's Redis and its dumps.
#[derive(Debug, Args)]
struct Trust {
    /// Do not require client secrets. The predecessor issued one to each client but never checked it, so
    /// clients that never send it must register again otherwise. With this option, a refresh token from a
    /// dump of the predecessor's Redis is enough to get access.
    #[arg(long)]
    secrets_optional: bool,
    /// The former name of today's default, accepted for existing scripts.
    #[arg(long, hide = true, conflicts_with = "secrets_optional")]
    require_secrets: bool,
    /// Keep registration access tokens valid. A dump has them in clear, and they never change.
    #[arg(long)]
    keep_registration_tokens: bool,
    /// The time within which an imported refresh token must be used for the first time. Until then, a copy
    /// in a dump is valid, too. With 0s none is imported, and people log in again.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = super::moment::duration)]
    refresh_tokens_for: Duration,
}

/// Imports clients and refresh tokens. Idempotent: records that exist already are left unchanged.
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
    source.ping().await.context("cannot reach the predecessor's Redis")?;
    let (clients, most) =
        (source.maintenance.old_keys("client").await?.len(), server.core.config.clients.max);
    ensure!(
        u32::try_from(clients).is_ok_and(|clients| clients <= most),
        "the {clients} clients exceed MAX_CLIENTS, which is {most}; raise it"
    );
    let report = server.tokens.import(&source, options, &super::operator::actor()).await?;
    log::info!(target: "audit", clients = report.clients.imported,
        refresh_tokens = report.refresh_tokens.imported, dry_run = options.dry_run; "import");
    let notes = names::notes(&settings, &server.core.config);
    if import.json { json(&report, &notes) } else { print(&report, &notes, options.dry_run) }
}

/// Opens the predecessor's Redis: that of the option, else that of its `.env`, else that of this gateway.
fn source(
    given: Option<&str>,
    settings: &names::Settings,
    server: &AuthServer,
) -> anyhow::Result<Store> {
    let Some(url) = given.or_else(|| settings.get("REDIS_URL").map(String::as_str)) else {
        return Ok(Store::open(&server.core.config.redis)?);
    };
    let mut url = Url::parse(url).context("invalid URL of the predecessor's Redis")?;
    let password = settings.get("REDIS_PASSWORD").filter(|_| url.password().is_none());
    if let Some(password) = password {
        let set = url.set_password(Some(password));
        ensure!(
            set.is_ok(),
            "REDIS_PASSWORD cannot be added to the URL of the predecessor's Redis"
        );
    }
    // The error of the library may quote the URL, and with it the password.
    let config = RedisConfig::parse(url.as_str()).ok();
    let store = config.and_then(|config| Store::open(&config).ok());
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
        super::say(&format!("{new} {what} {done}, {present} already present"))?;
    }
    if report.dump_is_good_for > 0 {
        super::say(&format!(
            "note: delete all dumps and backups of the old Redis: until each client has refreshed once, for up \
             to {} hours, they have valid refresh tokens",
            report.dump_is_good_for.div_ceil(3600)
        ))?;
    }
    for line in &report.left_behind {
        super::say(&format!("left behind: {line}"))?;
    }
    notes.iter().try_for_each(|note| super::say(&format!("setting: {note}")))
}
