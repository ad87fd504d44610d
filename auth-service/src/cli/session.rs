//! Commands `session list` and `session end`: the sign-ins of a person in browsers.

use clap::{Args, Subcommand};
use gateway_contract::audit::EventKind;
use serde::Serialize;

use super::{
    confirm::Confirmation,
    exit::Stop,
    moment::left,
    operator,
    output::{Json, shown},
    table,
};
use crate::{
    model::{Clock, Fingerprint, SessionRecord, SignInPlace, SystemClock, UnixTime, in_words},
    store::Store,
};

/// The subcommands of `session`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the sign-ins of a person.
    #[command(visible_alias = "ls")]
    List {
        /// The person, by login name or by subject such as `github:583231`.
        #[arg(long)]
        user: String,
        #[command(flatten)]
        json: Json,
    },
    /// End sign-ins. Grants stay; `user sign-out` ends both.
    End(End),
}

/// Arguments of `session end`.
#[derive(Debug, Args)]
pub(super) struct End {
    /// The ids of the sign-ins, as `session list` shows them.
    #[arg(value_name = "ID", allow_hyphen_values = true, required_unless_present = "user")]
    ids: Vec<String>,
    /// All sign-ins of a person, by login name or by subject such as `github:583231`.
    #[arg(long, conflicts_with = "ids")]
    user: Option<String>,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// A sign-in as printed.
#[derive(Serialize)]
struct View {
    id: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<SignInPlace>,
    expires_at: UnixTime,
}

impl View {
    fn of((id, record): (Fingerprint, SessionRecord)) -> Self {
        Self {
            id: id.as_str().to_owned(),
            subject: record.user.subject,
            place: record.place,
            expires_at: record.expires_at,
        }
    }
}

/// Runs a `session` subcommand.
pub(super) async fn run(command: Command, store: &Store) -> anyhow::Result<()> {
    match command {
        Command::List { user, json } => {
            let sessions = of_person(store, &user).await?;
            json.print_all("sessions", &sessions, || print(&sessions))
        }
        Command::End(end) => self::end(end, store).await,
    }
}

async fn of_person(store: &Store, user: &str) -> anyhow::Result<Vec<View>> {
    let now = SystemClock.now();
    let mut subjects: Vec<String> =
        store.people.people_named(user).await?.into_iter().map(|one| one.user.subject).collect();
    if subjects.is_empty() {
        subjects.push(user.to_owned());
    }
    let mut found = Vec::new();
    for subject in subjects {
        let sessions = store.logins.sessions_of(&subject, now).await?;
        found.extend(sessions.into_iter().map(View::of));
    }
    Ok(found)
}

fn print(sessions: &[View]) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let row = |session: &View| {
        let place = session.place.as_ref();
        [
            session.id.clone(),
            shown(&session.subject),
            place.map_or_else(
                || "-".to_owned(),
                |one| format!("{} ago", in_words(one.at.until(now))),
            ),
            place.map_or_else(|| "-".to_owned(), |one| format!("{}, {}", one.program, one.network)),
            left(now, session.expires_at),
        ]
    };
    let rows: Vec<_> = sessions.iter().map(row).collect();
    table::print(["SIGN-IN", "USER", "SINCE", "FROM", "EXPIRES"], &rows)
}

async fn end(end: End, store: &Store) -> anyhow::Result<()> {
    end.confirmation.check()?;
    let now = SystemClock.now();
    let mut sessions = Vec::new();
    match &end.user {
        Some(user) => sessions = of_person(store, user).await?,
        None => {
            for id in &end.ids {
                let id = Fingerprint::parsed(id);
                let record = store.logins.session_at(&id, now).await?;
                sessions.extend(record.map(|record| View::of((id, record))));
            }
        }
    }
    if sessions.is_empty() {
        return Err(Stop::NothingMatched("nothing matched; see `session list`".to_owned()).into());
    }
    if end.confirmation.needs_preview() {
        print(&sessions)?;
    }
    let question = match sessions.len() {
        1 => "End 1 sign-in?".to_owned(),
        count => format!("End {count} sign-ins?"),
    };
    if !end.confirmation.ask(&question)? {
        return Ok(());
    }
    let mut ended = 0_usize;
    for session in &sessions {
        let id = Fingerprint::parsed(&session.id);
        let draft = operator::draft(store, EventKind::LoginEnded).target_named(&session.subject);
        let entry = store.audit.entry(draft);
        ended += usize::from(store.logins.end_session(&id, entry.as_ref()).await?);
    }
    super::say(&format!("{ended} ended"))
}
