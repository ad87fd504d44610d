//! Questions about a person's memberships in organizations and teams.
//!
//! Only those that the access policy names are asked about: lists of all memberships come in pages,
//! and leave out organizations that block the app or require single sign-on.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};

use super::{
    account::Account,
    api::{Api, org_path, team_path},
    blocked_app::BlockedApp,
    membership_answer::{Meaning, meaning},
    rate_limit::Pauses,
};
use crate::{
    config::GithubProvider,
    model::{Clock, Membership, Memberships, WantedFacts},
};

/// The maximum time for all questions about one person. Those without an answer remain unknown.
const TIMEOUT: Duration = Duration::from_secs(8);
/// The maximum number of concurrent questions about one person.
const PER_PERSON: usize = 4;
/// The maximum number of concurrent questions about all people. GitHub permits a hundred.
const IN_ALL: usize = 32;

/// The questions of one client.
pub(super) struct Questions {
    turns: Semaphore,
    pauses: Pauses,
    blocked: BlockedApp,
}

/// The questions about one person.
pub(super) struct Asking<'a> {
    pub(super) questions: &'a Questions,
    pub(super) api: &'a Api<'a>,
    pub(super) account: &'a Account,
    pub(super) clock: &'a dyn Clock,
}

impl Questions {
    pub(super) fn new(provider: &GithubProvider) -> Self {
        Self {
            turns: Semaphore::new(IN_ALL),
            pauses: Pauses::default(),
            blocked: BlockedApp::new(provider),
        }
    }
}

impl Asking<'_> {
    /// Returns the memberships in `wanted`. A question that fails makes its membership unknown.
    pub(super) async fn memberships(&self, wanted: &WantedFacts) -> Memberships {
        let end = Instant::now() + TIMEOUT;
        let questions = wanted.orgs.iter().map(|org| (org.as_str(), self.org(org)));
        let orgs = answers(questions.collect(), end).await;
        let questions = wanted.teams.iter().map(|team| (team.as_str(), self.team(team, &orgs)));
        let teams = answers(questions.collect(), end).await;
        Memberships { orgs, teams }
    }

    async fn org(&self, org: &str) -> Membership {
        self.ask(org_path(org), org).await
    }

    /// Asks about a team, unless the organization has answered for it. One that said nothing about the
    /// person may hide its teams, too.
    async fn team(&self, team: &str, orgs: &BTreeMap<String, Membership>) -> Membership {
        let org = team.split_once('/').map_or("", |(org, _)| org);
        let of_org = orgs.get(org);
        if of_org == Some(&Membership::NotMember) {
            return Membership::NotMember;
        }
        match self.ask(team_path(team, &self.account.login), org).await {
            Membership::NotMember if of_org == Some(&Membership::Unknown) => Membership::Unknown,
            membership => membership,
        }
    }

    async fn ask(&self, path: Option<String>, org: &str) -> Membership {
        let Questions { turns, pauses, blocked } = self.questions;
        let Ok(_turn) = turns.acquire().await else { return Membership::Unknown };
        let (Some(path), false) = (path, pauses.includes(self.account.id, self.clock.now())) else {
            return Membership::Unknown;
        };
        let answer = self.api.get(&path).await;
        let now = self.clock.now();
        let why = match answer.map(|answer| meaning(&answer, now)) {
            Ok(Meaning::Known(membership)) => return membership,
            Ok(Meaning::Limited(until)) => {
                pauses.pause(self.account.id, until);
                "the rate limit is reached".to_owned()
            }
            Ok(Meaning::AppBlocked) => {
                blocked.warn(org, now);
                "the organization blocks this app".to_owned()
            }
            Ok(Meaning::Unclear(why)) => why.to_owned(),
            Err(error) => error.to_string(),
        };
        log::debug!("no answer about a membership in {org:?}: {why}");
        Membership::Unknown
    }
}

/// Returns the answers that arrive until `end`, by name. The other ones are unknown.
async fn answers<F: Future<Output = Membership>>(
    questions: Vec<(&str, F)>,
    end: Instant,
) -> BTreeMap<String, Membership> {
    let mut known = BTreeMap::new();
    let mut asked = Vec::new();
    for (name, question) in questions {
        known.insert(name.to_owned(), Membership::Unknown);
        asked.push(async move { (name, question.await) });
    }
    let answers = stream::iter(asked).buffer_unordered(PER_PERSON);
    let mut answers = pin!(answers.take_until(sleep_until(end)));
    while let Some((name, membership)) = answers.next().await {
        known.insert(name.to_owned(), membership);
    }
    known
}
