//! The client under test with a stand-in for GitHub.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};

use auth_service::{
    config::GithubProvider,
    model::{Clock, Membership, ProviderName, ProviderToken, Sighting, UnixTime, WantedFacts},
    upstream::{GitHub, GithubError, RefreshError},
};
use gateway_tests::github::FakeGitHub;
use url::Url;

pub(crate) const CALLBACK: &str = "https://auth.gw.example/callback";
pub(crate) const ID: &str = "583231";
pub(crate) const NOW: i64 = 1_800_000_000;

/// A clock that a test sets.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixTime {
        UnixTime(self.0.load(SeqCst))
    }
}

/// A stand-in with its client.
pub(crate) struct Setup {
    pub(crate) github: FakeGitHub,
    pub(crate) client: GitHub,
    pub(crate) clock: Arc<TestClock>,
}

impl Setup {
    /// The usual settings, with an operator who vouches for e-mail addresses.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// The same, with changed settings.
    pub(crate) fn with(change: impl FnOnce(&mut GithubProvider)) -> Self {
        let github = FakeGitHub::start();
        let mut provider = GithubProvider {
            client_id: FakeGitHub::CLIENT.0.to_owned(),
            client_secret: FakeGitHub::CLIENT.1.to_owned().into(),
            base_url: Url::parse(&github.url).unwrap(),
            api_url: Url::parse(&format!("{}/api/v3", github.url)).unwrap(),
            trust_email: true,
        };
        change(&mut provider);
        let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
        let name = ProviderName::parse("ghe").unwrap();
        let client = GitHub::new(name, &provider, CALLBACK.to_owned(), clock.clone()).unwrap();
        Self { github, client, clock }
    }

    /// Sends the browser to GitHub, and returns the code and the verifier.
    pub(crate) async fn code(&self, wanted: &WantedFacts) -> (String, String) {
        let (url, verifier) = self.client.authorize_url("state", false, wanted);
        let redirects = reqwest::redirect::Policy::none();
        let browser = reqwest::Client::builder().no_proxy().redirect(redirects).build().unwrap();
        let answer = browser.get(url).send().await.unwrap();
        let back = answer.headers()["location"].to_str().unwrap();
        (query(back)["code"].clone(), verifier)
    }

    pub(crate) async fn log_in(&self, wanted: &WantedFacts) -> Result<Sighting, GithubError> {
        let (code, verifier) = self.code(wanted).await;
        self.client.identify(&code, &verifier, wanted).await
    }

    /// Logs in, and returns the token for later.
    pub(crate) async fn token(&self, wanted: &WantedFacts) -> ProviderToken {
        self.log_in(wanted).await.unwrap().token.unwrap()
    }

    /// Asks again about the person of `token`.
    pub(crate) async fn facts(
        &self,
        token: &ProviderToken,
        wanted: &WantedFacts,
    ) -> Result<Sighting, RefreshError> {
        self.client.facts(token, ID, wanted).await
    }
}

pub(crate) fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

pub(crate) fn wanted(orgs: &[&str], teams: &[&str]) -> WantedFacts {
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    WantedFacts { orgs: set(orgs), teams: set(teams), ..WantedFacts::default() }
}

/// The membership of the person in `org`.
pub(crate) fn org(sighting: &Sighting, org: &str) -> Membership {
    sighting.memberships.orgs[org]
}

/// The membership of the person in `team`.
pub(crate) fn team(sighting: &Sighting, team: &str) -> Membership {
    sighting.memberships.teams[team]
}
