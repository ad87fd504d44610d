//! Command `provider forget`: frees the name of a login provider.

use clap::Subcommand;

use super::operator;
use crate::{
    model::{Clock, ProviderName, SystemClock},
    store::{Filter, Selection, Store},
};

/// The number of grants that are looked at together.
const PAGE: usize = 250;

/// The subcommands of `provider`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// End all access of the people of a provider, and forget its issuer.
    Forget {
        /// The name of the provider, such as okta.
        name: String,
    },
}

/// Ends the access of all people with a grant, and then forgets the issuer.
pub(super) async fn run(command: Command, store: &Store) -> anyhow::Result<()> {
    let Command::Forget { name } = command;
    let name = if name == "github" { ProviderName::github() } else { ProviderName::parse(&name)? };
    let (prefix, now) = (name.subject(""), SystemClock.now());
    let (mut people, mut cursor) = (0, None);
    loop {
        let page = store.maintenance.grants(&Filter::default(), cursor, (PAGE, now)).await?;
        let mut subjects: Vec<String> = page
            .entries
            .into_iter()
            .map(|entry| entry.grant.user.subject)
            .filter(|subject| subject.starts_with(&prefix))
            .collect();
        subjects.sort_unstable();
        subjects.dedup();
        for subject in subjects {
            let what = Selection::User(subject.clone());
            let entry = operator::revocation(store, &what, now).await?;
            store.maintenance.revoke(&what, now, entry.as_ref()).await?;
            store.people.forget(&subject).await?;
            people += 1;
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    store.people.forget_issuer(name.as_str()).await?;
    super::say(&format!("ended the access of {people} people; the name {name} is free"))
}
