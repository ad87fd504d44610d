//! A proxy that reads the feed of ended grants.

use std::time::{Duration, Instant};

use auth_service::{model::Fingerprint, store::Store};

use crate::{
    forger::parts,
    support::{Answer, Gateway, answer},
};

/// A proxy that reads the feed.
pub(crate) struct Reader {
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    pub(crate) after: Option<String>,
}

impl Reader {
    pub(crate) fn at(base: &str, after: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base: base.to_owned(), http, after: after.map(str::to_owned) }
    }

    /// A reader that has read everything up to now.
    pub(crate) async fn current(gateway: &Gateway) -> Self {
        let mut reader = Self::at(&gateway.base, None);
        assert!(reader.read().await.0, "a reader without a position starts again");
        while !reader.read().await.1.is_empty() {}
        reader
    }

    pub(crate) async fn ask(&self) -> Answer {
        let mut url = format!("{}/ended-grants", self.base);
        if let Some(after) = &self.after {
            url.extend(["?after=", after]);
        }
        answer(self.http.get(url)).await
    }

    /// The first good answer: on a busy machine Redis may be read too late for one.
    pub(crate) async fn answer(&self) -> Answer {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.ask().await;
            if answer.status == 200 {
                return answer;
            }
            assert_eq!(answer.error(), (503, "temporarily_unavailable"));
            assert!(Instant::now() < deadline, "no answer");
        }
    }

    /// Whether it has to start again, and what has ended.
    pub(crate) async fn read(&mut self) -> (bool, Vec<String>) {
        let answer = self.answer().await;
        assert_eq!(answer.header("cache-control"), "no-store");
        self.after = Some(answer.text("after"));
        let ended = answer.body["ended"].as_array().unwrap();
        let ended = ended.iter().map(|hash| hash.as_str().unwrap().to_owned()).collect();
        (answer.body["reset"].as_bool().unwrap(), ended)
    }

    /// Reads on until `hash` is told.
    pub(crate) async fn expect(&mut self, what: &str, hash: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let (reset, ended) = self.read().await;
            assert!(!reset, "{what}");
            if ended.iter().any(|one| one == hash) {
                return;
            }
            assert!(Instant::now() < deadline, "{what} is not told");
        }
    }
}

pub(crate) fn hash_of(text: &str) -> String {
    Fingerprint::of(text).as_str().to_owned()
}

/// The hashes of the grant and of the access token itself.
pub(crate) fn hashes(access_token: &str) -> (String, String) {
    let claims = parts(access_token)[1].clone();
    let hash = |name: &str| hash_of(claims[name].as_str().unwrap());
    (hash("grant_id"), hash("jti"))
}

pub(crate) fn operator(gateway: &Gateway) -> Store {
    Store::open(&gateway.config.redis).unwrap()
}
