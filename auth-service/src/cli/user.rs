//! Command `user login-code`: mints single-use login codes.

use std::time::Duration;

use anyhow::ensure;
use clap::Subcommand;
use gateway_contract::audit::EventKind;

use super::operator;
use crate::{
    model::{Clock, LoginCode, SystemClock, User},
    store::Store,
};

/// The lifetime of a login code.
const LIFE: Duration = Duration::from_mins(10);

/// The subcommands of `user`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Mint a login code. NAME can log in with it once, within 10 minutes.
    LoginCode {
        /// The login name; the person becomes `local:NAME`.
        name: String,
    },
}

/// Mints a login code and prints only the code.
pub(super) async fn run(command: Command, store: &Store) -> anyhow::Result<()> {
    let Command::LoginCode { name } = command;
    let user = local(&name)?;
    let (code, now) = (LoginCode::for_typing()?, SystemClock.now());
    let created = operator::draft(store, EventKind::LoginCodeCreated).target(&user);
    let entry = store.audit.entry(created);
    store.logins.put_login_code(&code, &user, (now, now.plus(LIFE)), entry.as_ref()).await?;
    log::info!(target: "audit", subject = user.subject; "login code minted");
    super::say(code.reveal())
}

/// Returns the local user `name`. Fails if the name is invalid.
pub(super) fn local(name: &str) -> anyhow::Result<User> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    ensure!(
        (1..=64).contains(&name.len()) && name.bytes().all(plain),
        "invalid name; use 1 to 64 letters, digits, dots, hyphens or underscores"
    );
    let subject = format!("local:{}", name.to_lowercase());
    Ok(User { subject, name: name.to_owned(), email: None })
}
