//! Commands of `user`: people, and login codes.

use std::time::Duration;

use anyhow::ensure;
use clap::{Args, Subcommand};
use gateway_contract::audit::EventKind;

use super::{
    confirm::Confirmation,
    exit::Stop,
    grant, operator,
    output::{Json, shown},
    pages::Span,
    table::Table,
};
use crate::{
    model::{Clock, LoginCode, SystemClock, UnixTime, User, in_words},
    oauth::Blocking,
    store::{Ended, Filter, ListedPerson, Store},
};

/// The lifetime of a login code.
const LIFE: Duration = Duration::from_mins(10);

/// The subcommands of `user`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the people, the latest login first.
    #[command(visible_alias = "ls")]
    List(Span),
    /// Show one person.
    Show {
        /// The login name, or the subject such as `github:583231`.
        user: String,
        #[command(flatten)]
        json: Json,
    },
    /// Block a person: revoke all grants, end all sign-ins, and admit none. Takes effect immediately.
    Block(One),
    /// Unblock a person.
    Unblock {
        /// The login name, or the subject such as `github:583231`.
        user: String,
    },
    /// Revoke all grants and personal tokens of a person and end all sign-ins. The person may log in again.
    SignOut(One),
    /// Mint a login code. NAME can log in with it once, within 10 minutes.
    LoginCode {
        /// The login name; the person becomes `local:NAME`.
        name: String,
    },
}

/// A person, and whether to ask.
#[derive(Debug, Args)]
pub(super) struct One {
    /// The login name, or the subject such as `github:583231`.
    user: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// Runs a `user` subcommand.
pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(span) => list(&super::store()?, span).await,
        Command::Show { user, json } => {
            let (person, now) = (known(&super::store()?, &user).await?, SystemClock.now());
            json.print(&person, || print(&person, now))
        }
        Command::Block(one) => block(one).await,
        Command::Unblock { user } => {
            let subject = subject(&super::store()?, &user).await?;
            let server = super::server().await?;
            if !server.administration.unblock(&subject, &operator::actor()).await? {
                return Err(Stop::NothingMatched(format!("{subject} is not blocked")).into());
            }
            super::say("unblocked")
        }
        Command::SignOut(one) => sign_out(one).await,
        Command::LoginCode { name } => login_code(&name, &super::store()?).await,
    }
}

async fn list(store: &Store, span: Span) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let mut table = Table::new(["USER", "NAME", "LAST LOGIN", "LAST USE", "GRANTS", "BLOCKED"]);
    let mut walk = span.walk("users");
    while let Some((cursor, limit)) = walk.next_page() {
        let page = store.people.people(cursor, limit).await?;
        walk.got(page.entries.len(), page.next);
        if !walk.print_json(&page.entries)? {
            let rows = page.entries.iter().map(|person| row(person, now));
            table.print(&rows.collect::<Vec<_>>())?;
        }
    }
    walk.finish(store.maintenance.is_indexed().await?)
}

fn row(person: &ListedPerson, now: UnixTime) -> [String; 6] {
    let ago = |moment: UnixTime| format!("{} ago", in_words(moment.until(now)));
    let or_never = |moment: Option<UnixTime>| moment.map_or_else(|| "-".to_owned(), ago);
    [
        shown(&person.user.subject),
        shown(&person.user.name),
        ago(person.last_login),
        or_never(person.last_use.as_ref().map(|last| last.at)),
        person.grants.to_string(),
        or_never(person.blocked_since),
    ]
}

fn print(person: &ListedPerson, now: UnixTime) -> anyhow::Result<()> {
    let names = ["user", "name", "last login", "last use", "grants", "blocked"];
    let mut lines: Vec<_> = names.into_iter().zip(row(person, now)).collect();
    if let Some(email) = &person.user.email {
        lines.insert(2, ("email", shown(email)));
    }
    lines.into_iter().try_for_each(|(name, value)| super::say(&format!("{name:10}  {value}")))
}

async fn known(store: &Store, user: &str) -> anyhow::Result<ListedPerson> {
    let mut named = store.people.people_named(user).await?;
    match (named.pop(), named.is_empty()) {
        (Some(person), true) => Ok(person),
        (None, _) => {
            let why = format!("there is no person \"{user}\"; see `user list`");
            Err(Stop::NothingMatched(why).into())
        }
        (Some(last), false) => {
            let all = named.iter().chain([&last]).map(|person| person.user.subject.as_str());
            let why = format!(
                "\"{user}\" is the name of several people; write one of {}",
                all.collect::<Vec<_>>().join(", ")
            );
            Err(Stop::Usage(why).into())
        }
    }
}

/// Returns the subject that `user` means. Somebody who has never logged in is named by a subject.
async fn subject(store: &Store, user: &str) -> anyhow::Result<String> {
    match known(store, user).await {
        Ok(person) => Ok(person.user.subject),
        Err(error) if user.contains(':') && super::exit_code(&error) == 3 => Ok(user.to_owned()),
        Err(error) => Err(error),
    }
}

/// Returns the subject of a person, once the act is confirmed. Returns `None` after a dry run.
async fn confirmed(one: &One) -> anyhow::Result<Option<String>> {
    one.confirmation.check()?;
    let store = super::store()?;
    let subject = subject(&store, &one.user).await?;
    let filter = Filter { user: Some(subject.clone()), ..Filter::default() };
    let goes_on = grant::confirmed(&store, &filter, (one.confirmation, true)).await?;
    Ok(goes_on.then_some(subject))
}

async fn block(one: One) -> anyhow::Result<()> {
    let Some(subject) = confirmed(&one).await? else { return Ok(()) };
    let server = super::server().await?;
    match server.administration.block(&subject, &operator::actor()).await? {
        Blocking::Done(ended) => super::say(&format!("blocked; {}", told(&ended))),
        Blocking::LastAdministrator => {
            let why = format!("{subject} is the last administrator who is not blocked");
            Err(Stop::Refused(why).into())
        }
    }
}

async fn sign_out(one: One) -> anyhow::Result<()> {
    let Some(subject) = confirmed(&one).await? else { return Ok(()) };
    let server = super::server().await?;
    let ended = server.administration.sign_out(&subject, &operator::actor()).await?;
    super::say(&format!("signed out; {}", told(&ended)))
}

fn told(ended: &Ended) -> String {
    let beside = ended.beside;
    format!("{} grants revoked, and {beside} logins, consents, codes and requests", ended.grants)
}

/// Mints a login code and prints only the code.
async fn login_code(name: &str, store: &Store) -> anyhow::Result<()> {
    let user = local(name)?;
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
