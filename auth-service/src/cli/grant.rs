//! Commands `grant list`, `grant show` and `grant revoke`.

use std::collections::HashSet;

use clap::{Args, Subcommand};

use super::{
    confirm::Confirmation,
    exit::Stop,
    filters::GrantFilter,
    moment::left,
    operator,
    output::{Json, shown},
    pages::Span,
    revocation,
    table::Table,
};
use crate::{
    model::{
        AccessRecord, Clock, Fingerprint, Identifier, LastUse, ResourceUri, SystemClock, UnixTime,
        in_words,
    },
    store::{Filter, ListedGrant, Selection, Store},
};

/// The number of grants that are shown before a confirmation.
const SHOWN: usize = 20;
/// The number of grants that are read at once.
const PAGE: usize = 250;

/// The subcommands of `grant`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the grants, newest first.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one grant with its access tokens.
    Show {
        /// The id, as `grant list` shows it.
        #[arg(allow_hyphen_values = true)]
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Revoke grants with all their tokens. Takes effect immediately.
    #[command(visible_alias = "rm")]
    Revoke(Revoke),
}

/// Arguments of `grant list`.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    filter: GrantFilter,
    /// Only the grants that were used at this time or later.
    #[arg(long, value_name = "TIME", value_parser = super::moment::moment)]
    used_since: Option<UnixTime>,
    #[command(flatten)]
    span: Span,
}

/// Arguments of `grant revoke`.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The ids of the grants, as `grant list` shows them.
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    ids: Vec<String>,
    #[command(flatten)]
    filter: GrantFilter,
    /// Revoke all grants.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// Runs a `grant` subcommand.
pub(super) async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::List(list) => {
            let mut filter = list.filter.resolve().await?;
            filter.used_since = list.used_since;
            print_list(&super::store()?, &filter, list.span, false).await
        }
        Command::Show { id, json } => show(&super::store()?, &id, json).await,
        Command::Revoke(what) => revoke(what).await,
    }
}

/// Prints the grants of `filter`, or their access tokens.
pub(super) async fn print_list(
    store: &Store,
    filter: &Filter,
    span: Span,
    of_tokens: bool,
) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let mut tokens = Table::new(["JTI", "USER", "CLIENT", "EXPIRES", "SERVERS"]);
    let mut grants = table();
    let mut walk = span.walk("grants");
    while let Some((cursor, limit)) = walk.next_page() {
        let page = store.maintenance.grants(filter, cursor, (limit, now)).await?;
        walk.got(page.entries.len(), page.next);
        if walk.print_json(&page.entries)? {
            continue;
        }
        if of_tokens {
            let all = page.entries.iter().flat_map(|entry| &entry.tokens);
            tokens.print(&all.map(|token| token_row(token, now)).collect::<Vec<_>>())?;
        } else {
            let all = page.entries.iter().map(|entry| grant_row(entry, now));
            grants.print(&all.collect::<Vec<_>>())?;
        }
    }
    walk.finish(store.maintenance.is_indexed().await?)
}

async fn show(store: &Store, id: &str, json: Json) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let none = || Stop::NothingMatched(format!("there is no grant \"{id}\"; see `grant list`"));
    let grant = store.grants.grant(&Identifier::parsed(id), now).await?.ok_or_else(none)?;
    // The list also knows the tokens and the last use.
    let filter = Filter {
        subject: Some(grant.user.subject.clone()),
        client: Some(grant.client_id.clone()),
        ..Filter::default()
    };
    let mut cursor = None;
    loop {
        let page = store.maintenance.grants(&filter, cursor, (PAGE, now)).await?;
        if let Some(entry) = page.entries.iter().find(|entry| entry.grant.id == grant.id) {
            return json.print(entry, || print(entry, now));
        }
        cursor = page.next;
        if cursor.is_none() {
            return Err(none().into());
        }
    }
}

fn print(entry: &ListedGrant, now: UnixTime) -> anyhow::Result<()> {
    let ListedGrant { grant, tokens, last_use } = entry;
    let age = format!("{} ago", in_words(grant.created_at.until(now)));
    let mut lines = vec![
        ("grant", grant.id.to_string()),
        ("user", format!("{} ({})", grant.user.subject, shown(&grant.user.name))),
        ("client", format!("{} ({})", grant.client_id, shown(&grant.client_name))),
        ("servers", urls(&grant.resources)),
        ("scopes", grant.scopes.to_string()),
        ("made", age),
        ("last use", last_use.as_ref().map_or_else(|| "-".to_owned(), |last| ago(last, now))),
        ("expires", left(now, grant.expires_at)),
    ];
    let token = |token: &AccessRecord| {
        ("token", format!("{} expires {}", token.jti, left(now, token.expires_at)))
    };
    lines.extend(tokens.iter().map(token));
    lines.into_iter().try_for_each(|(name, value)| super::say(&format!("{name:9}  {value}")))
}

async fn revoke(what: Revoke) -> anyhow::Result<()> {
    let selections = [!what.ids.is_empty(), !what.filter.is_empty(), what.all];
    if selections.iter().filter(|one| **one).count() != 1 {
        let why = "select what to revoke: ids, or --user, --client, --server, --older-than and --unused-for, or --all";
        return Err(Stop::Usage(why.to_owned()).into());
    }
    what.confirmation.check()?;
    if !what.ids.is_empty() {
        return revoke_ids(&what).await;
    }
    let filter = what.filter.resolve().await?;
    if !confirmed(&super::store()?, &filter, (what.confirmation, false)).await? {
        return Ok(());
    }
    if let Some(selection) = selection(&filter, what.all) {
        return revocation::revoke(&selection).await;
    }
    let server = super::server().await?;
    let grants = server.administration.revoke_matching(&filter, &operator::actor()).await?;
    said(grants)
}

async fn revoke_ids(what: &Revoke) -> anyhow::Result<()> {
    let ids: Vec<Identifier> = what.ids.iter().map(|id| Identifier::parsed(id)).collect();
    if what.confirmation.needs_preview() {
        let (store, now) = (super::store()?, SystemClock.now());
        let (mut rows, mut people) = (Vec::new(), HashSet::new());
        for id in &ids {
            let Some(grant) = store.grants.grant(id, now).await? else { continue };
            people.insert(grant.user.subject.clone());
            rows.push(ListedGrant { grant, tokens: Vec::new(), last_use: None });
        }
        let rows: Vec<_> = rows.iter().map(|entry| grant_row(entry, now)).collect();
        table().print(&rows)?;
        if !ask(rows.len(), people.len(), what.confirmation)? {
            return Ok(());
        }
    }
    let server = super::server().await?;
    said(server.administration.revoke_grants(&ids, &operator::actor()).await?)
}

fn said(grants: usize) -> anyhow::Result<()> {
    if grants == 0 {
        return Err(Stop::NothingMatched("nothing matched".to_owned()).into());
    }
    super::say(&format!("{grants} revoked"))
}

/// Returns the selection that ends everything of a person, a client or a server at once, logins and consents
/// included, if `filter` is one.
fn selection(filter: &Filter, all: bool) -> Option<Selection> {
    if filter.made_before.is_some() || filter.unused_since.is_some() {
        return None;
    }
    match (filter.user.clone(), filter.client.clone(), filter.server.clone()) {
        (Some(user), Some(client), None) => Some(Selection::UserAtClient(user, client)),
        (Some(user), None, None) => Some(Selection::User(user)),
        (None, Some(client), None) => Some(Selection::Client(client)),
        (None, None, Some(server)) => Some(Selection::Server(server)),
        (None, None, None) if all => Some(Selection::All),
        _ => None,
    }
}

/// Shows the grants of `filter` and asks whether to revoke them, unless that is confirmed already. Returns `false`
/// after a dry run. `with_logins` is `true` if logins and consents end, too, even without any grant.
pub(super) async fn confirmed(
    store: &Store,
    filter: &Filter,
    (confirmation, with_logins): (Confirmation, bool),
) -> anyhow::Result<bool> {
    if !confirmation.needs_preview() {
        return Ok(true);
    }
    let now = SystemClock.now();
    let (mut grants, mut people, mut cursor, mut table) = (0, HashSet::new(), None, table());
    loop {
        let page = store.maintenance.grants(filter, cursor, (PAGE, now)).await?;
        let rows = page.entries.iter().take(SHOWN.saturating_sub(grants));
        table.print(&rows.map(|entry| grant_row(entry, now)).collect::<Vec<_>>())?;
        grants += page.entries.len();
        // A fingerprint is short, whatever the length of a subject.
        let subjects = page.entries.iter().map(|entry| entry.grant.user.subject.as_str());
        people.extend(subjects.map(short));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if grants > SHOWN {
        super::say(&format!("… and {} more", grants - SHOWN))?;
    }
    if grants == 0 && with_logins {
        return confirmation.ask("There are no grants. Revoke logins, consents and codes?");
    }
    ask(grants, people.len(), confirmation)
}

fn ask(grants: usize, people: usize, confirmation: Confirmation) -> anyhow::Result<bool> {
    if grants == 0 {
        return Err(Stop::NothingMatched("nothing matched".to_owned()).into());
    }
    let number = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let what = number(grants, "grant", "grants");
    confirmation.ask(&format!("Revoke {what} of {}?", number(people, "person", "people")))
}

/// Returns eight bytes by which subjects are told apart.
fn short(subject: &str) -> u64 {
    let hash = Fingerprint::of(subject);
    let bytes = hash.as_str().bytes().take(11);
    bytes.fold(0, |number: u64, byte| number.wrapping_mul(64).wrapping_add(u64::from(byte)))
}

fn table() -> Table<'static, 7> {
    Table::new([
        "GRANT",
        "USER",
        "CLIENT NAME",
        "CLIENT",
        "LAST USE",
        "EXPIRES IF UNUSED",
        "SERVERS",
    ])
}

fn token_row(token: &AccessRecord, now: UnixTime) -> [String; 5] {
    [
        token.jti.to_string(),
        token.subject.clone(),
        token.client_id.to_string(),
        left(now, token.expires_at),
        urls(&token.resources),
    ]
}

fn grant_row(ListedGrant { grant, last_use, .. }: &ListedGrant, now: UnixTime) -> [String; 7] {
    [
        grant.id.to_string(),
        grant.user.subject.clone(),
        shown(&grant.client_name),
        grant.client_id.to_string(),
        last_use.as_ref().map_or_else(|| "-".to_owned(), |last| ago(last, now)),
        left(now, grant.expires_at),
        urls(&grant.resources),
    ]
}

fn ago(last: &LastUse, now: UnixTime) -> String {
    format!("{} ago, {}, {}", in_words(last.at.until(now)), last.program, last.network)
}

fn urls(resources: &[ResourceUri]) -> String {
    resources.iter().map(ResourceUri::as_str).collect::<Vec<_>>().join(" ")
}
