//! Commands `audit tail` and `audit search`, over the audit events in Redis.

use std::time::Duration;

use anyhow::{bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use gateway_contract::audit::{Event, Outcome};

use super::moment::moment;
use crate::{
    model::UnixTime,
    store::{AuditFilter, AuditedEvent, Store},
};

/// The interval at which `tail -f` looks for new events.
const POLL: Duration = Duration::from_millis(500);

/// The number of events that are read at once.
const PAGE: usize = 250;

/// The subcommands of `audit`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the latest events, earliest first.
    Tail(Tail),
    /// Search the events that Redis has, latest first. Earlier ones are in the audit files.
    Search(Search),
}

/// Arguments of `audit tail`.
#[derive(Debug, Args)]
pub(super) struct Tail {
    /// Keep running, and print new events as they arrive.
    #[arg(short, long)]
    follow: bool,
    /// The number of earlier events to print.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: u32,
    #[command(flatten)]
    choice: Choice,
}

/// Arguments of `audit search`.
#[derive(Debug, Args)]
pub(super) struct Search {
    /// Only events at this time or later: 2026-11-30T12:00:00Z, 2026-11-30, or a duration before now such as 2h.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<UnixTime>,
    /// Print at most this many events.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    #[command(flatten)]
    choice: Choice,
}

/// The choice of events, and the form in which they are printed.
#[derive(Debug, Args)]
struct Choice {
    /// Only events of this kind, such as `grant.ended` or `tool.*`. May be repeated.
    #[arg(long = "event", value_name = "KIND")]
    kinds: Vec<String>,
    /// Only events of or about a person, by login name or by subject such as `github:583231`.
    #[arg(long)]
    user: Option<String>,
    /// Only events with a client, by its id or its name.
    #[arg(long, allow_hyphen_values = true)]
    client: Option<String>,
    /// Only events with a server, by its name.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// Only events with this outcome.
    #[arg(long)]
    outcome: Option<Result>,
    /// Print JSON, one event per line, as in the audit files.
    #[arg(long)]
    json: bool,
}

/// The outcome of an act.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Result {
    /// The act took place.
    Ok,
    /// A rule did not allow the act.
    Denied,
    /// The act was allowed, and failed.
    Failed,
}

impl Choice {
    fn filter(&self, since: Option<UnixTime>) -> anyhow::Result<AuditFilter> {
        let millis = |time: UnixTime| u64::try_from(time.0).unwrap_or(0).saturating_mul(1_000);
        let filter = AuditFilter {
            since: since.map(millis),
            kinds: self.kinds.clone(),
            user: self.user.clone(),
            client: self.client.clone(),
            server: self.server.clone(),
            outcome: self.outcome.map(|outcome| match outcome {
                Result::Ok => Outcome::Ok,
                Result::Denied => Outcome::Denied,
                Result::Failed => Outcome::Failed,
            }),
        };
        if let Some(unknown) = filter.unknown_kind() {
            bail!("no event is called {unknown}; docs/AUDIT.md lists them");
        }
        Ok(filter)
    }

    fn print(&self, one: &AuditedEvent) -> anyhow::Result<()> {
        super::say(&if self.json { one.line.clone() } else { in_words(&one.event) })
    }
}

/// Prints audit events.
pub(super) async fn run(command: Command, store: &Store) -> anyhow::Result<()> {
    match command {
        Command::Tail(tail) => self::tail(tail, store).await,
        Command::Search(search) => self::search(search, store).await,
    }
}

async fn search(search: Search, store: &Store) -> anyhow::Result<()> {
    let filter = search.choice.filter(search.since)?;
    let mut left = search.limit.and_then(|limit| usize::try_from(limit).ok());
    let (mut before, mut found) = (None::<String>, false);
    while left != Some(0) {
        let limit = left.map_or(PAGE, |left| left.min(PAGE));
        let page = store.audit.page(&filter, before.as_deref(), limit).await?;
        page.events.iter().try_for_each(|one| search.choice.print(one))?;
        found |= !page.events.is_empty();
        left = left.map(|left| left.saturating_sub(page.events.len()));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    ensure!(found, "nothing matched");
    Ok(())
}

async fn tail(tail: Tail, store: &Store) -> anyhow::Result<()> {
    let filter = tail.choice.filter(None)?;
    let lines = usize::try_from(tail.lines).unwrap_or(usize::MAX);
    let (mut events, mut before) = (Vec::new(), None::<String>);
    while events.len() < lines {
        let page = store.audit.page(&filter, before.as_deref(), lines - events.len()).await?;
        events.extend(page.events);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let mut last = match (events.first(), lines) {
        (Some(latest), _) => latest.place.clone(),
        (None, 0) => store.audit.last_place().await?,
        (None, _) => String::new(),
    };
    events.iter().rev().try_for_each(|one| tail.choice.print(one))?;
    if !tail.follow {
        return Ok(());
    }
    loop {
        let (events, place) = store.audit.after(&filter, &last).await?;
        events.iter().try_for_each(|one| tail.choice.print(one))?;
        if place == last || place == "0-0" {
            tokio::time::sleep(POLL).await;
        }
        last = place;
    }
}

/// Returns an event as a line for people: time, kind, outcome, and who, with which client, at which server.
fn in_words(event: &Event<'_>) -> String {
    let person = |one: &gateway_contract::audit::Person<'_>| {
        let name = if one.name.is_empty() { &one.sub } else { &one.name };
        name.to_string()
    };
    let client = |one: &gateway_contract::audit::Client<'_>| {
        let name = if one.name.is_empty() { &one.id } else { &one.name };
        name.to_string()
    };
    let outcome = match event.outcome {
        Outcome::Ok => "ok",
        Outcome::Denied => "denied",
        Outcome::Failed => "failed",
    };
    let mut parts = vec![format!("{} {:18} {outcome:6}", event.time, event.event.as_str())];
    let mut add = |name: &str, value: Option<String>| {
        parts.extend(value.map(|value| format!("{name}={}", shown(&value))));
    };
    add("actor", event.actor.as_ref().map(person));
    add("target", event.target.as_ref().map(person));
    add("client", event.client.as_ref().map(client));
    add("server", event.server.as_ref().map(ToString::to_string));
    add("tool", event.tool.as_ref().map(ToString::to_string));
    add("reason", event.reason.as_ref().map(ToString::to_string));
    add("count", event.count.map(|count| count.to_string()));
    add("ms", event.ms.map(|ms| ms.to_string()));
    add("addr", event.addr.as_ref().map(ToString::to_string));
    add("agent", event.agent.as_ref().map(ToString::to_string));
    add("request", event.request.as_ref().map(ToString::to_string));
    parts.join(" ")
}

/// Returns a value for a terminal. Strangers choose the names of clients, which must not look like other values.
fn shown(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._:@/-+".contains(c);
    if value.chars().all(is_plain) { value.to_owned() } else { format!("{value:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_in_which_no_name_looks_like_another_value() {
        let event = r#"{"v":1,"id":"a","time":"2026-11-30T12:00:00.000Z","event":"grant.ended","outcome":"denied",
            "reason":"policy","target":{"sub":"github:1","name":"octocat"},
            "client":{"id":"c","name":"x request=7\n\u001b[2J"},"by":"auth-service@host"}"#;
        let line = in_words(&serde_json::from_str(event).unwrap());
        assert_eq!(
            line,
            "2026-11-30T12:00:00.000Z grant.ended        denied target=octocat \
             client=\"x request=7\\n\\u{1b}[2J\" reason=policy"
        );
    }
}
