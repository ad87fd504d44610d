//! The tokens of one grant in the hands of a client, which keeps the rules that clients must keep.

use std::time::Duration;

use gateway_tests::chaos::{
    endings::LATE,
    history::{Id, Outcome, Path, Target},
    random::Random,
};
use tokio::time::Instant;

use super::{Gateway, gateway::Issued, vault::Kept};
use crate::names::INSTANCES;

/// The longest time that a client asks again after a lost answer: less than `REFRESH_TOKEN_GRACE`, by the largest
/// shift of a clock.
const PERSISTENCE: Duration = Duration::from_secs(180);

/// The tokens of one grant.
pub(super) struct Held {
    /// The client id.
    pub(super) client: String,
    /// The access tokens, newest last.
    access: Vec<String>,
    refresh: String,
    spent: Vec<String>,
    /// The time from which the refresh token may be used. After a lost answer, a request with its predecessor may
    /// still be on the way. It would be a replay once the successor is used. A client whose access tokens live an
    /// hour waits for longer than this by itself.
    usable_at: Instant,
}

/// The result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    /// There are new tokens.
    Renewed,
    /// The grant has ended.
    Ended,
    /// No answer came.
    Undecided,
}

impl Held {
    pub(super) fn new(client: String, issued: Issued) -> Self {
        let Issued { access, refresh } = issued;
        Self { client, access: vec![access], refresh, spent: Vec::new(), usable_at: Instant::now() }
    }

    /// Returns the tokens for the vault.
    pub(super) fn kept(&self, person: &str) -> Option<Kept> {
        let (person, client) = (person.to_owned(), self.client.clone());
        Some(Kept { person, client, access: self.access.last()?.clone() })
    }

    /// Returns an access token, mostly the newest.
    pub(super) fn access(&self, random: &mut Random) -> Option<&str> {
        let index = if random.chance(80) { self.access.len().checked_sub(1)? } else { 0 };
        self.access.get(index).map(String::as_str)
    }

    /// Returns `true` if the refresh token may be used.
    pub(super) fn is_usable(&self) -> bool {
        Instant::now() >= self.usable_at
    }

    /// Waits until the refresh token may be used.
    pub(super) async fn usable(&self) {
        tokio::time::sleep_until(self.usable_at).await;
    }

    /// Refreshes until an answer comes: sometimes at both instances at the same time, sometimes without waiting for
    /// the first answer.
    pub(super) async fn renew(&mut self, gateway: &Gateway, random: &mut Random) -> Renewal {
        let start = Instant::now();
        let mut lost = None;
        loop {
            let answers = self.ask(gateway, random).await;
            if answers.iter().any(Outcome::is_unknown) {
                lost = Some(Instant::now());
            }
            if let Some(issued) = answers.iter().find_map(Outcome::done) {
                self.take(issued.clone());
                if let Some(lost) = lost {
                    self.usable_at = lost + Duration::from_micros(LATE) + Duration::from_secs(1);
                }
                return Renewal::Renewed;
            }
            if answers.iter().any(Outcome::is_refused) {
                return Renewal::Ended;
            }
            if start.elapsed() > PERSISTENCE {
                return Renewal::Undecided;
            }
            tokio::time::sleep(random.millis(100..800)).await;
        }
    }

    async fn ask(&self, gateway: &Gateway, random: &mut Random) -> Vec<Outcome<Issued>> {
        let own = (self.client.as_str(), self.refresh.as_str());
        match random.weighted(&[(70, 0), (22, 1), (8, 2)]) {
            0 => vec![gateway.patient_refresh(Path::Edge, own).await],
            1 => {
                let at = |number| gateway.patient_refresh(Path::Instance(number), own);
                let (one, other) = tokio::join!(at(0), at(1));
                vec![one, other]
            }
            _ => vec![gateway.refresh(Path::Edge, own, random.millis(1..40)).await],
        }
    }

    fn take(&mut self, issued: Issued) {
        self.access.push(issued.access);
        if self.access.len() > 4 {
            self.access.remove(0);
        }
        self.spent.push(std::mem::replace(&mut self.refresh, issued.refresh));
    }

    /// Presents a refresh token whose successor was used, as a thief would. The grant should have ended then.
    pub(super) async fn replay(&self, gateway: &Gateway) -> bool {
        let Some(old) = self.spent.len().checked_sub(2).and_then(|index| self.spent.get(index))
        else {
            return false;
        };
        gateway.patient_refresh(Path::Edge, (&self.client, old)).await;
        true
    }

    /// Revokes the grant by its refresh token, then uses what should be worth nothing.
    pub(super) async fn give_up(&self, gateway: &Gateway, random: &mut Random) {
        let target = Target::Refresh(Id::of(&self.refresh));
        if gateway.revoke(&self.client, &self.refresh, target).await.done().is_none() {
            return;
        }
        for _ in 0..3 {
            for token in &self.access {
                self.use_everywhere(gateway, token).await;
            }
            tokio::time::sleep(random.millis(20..250)).await;
        }
        gateway.patient_refresh(Path::Edge, (&self.client, &self.refresh)).await;
    }

    /// Revokes the oldest access token alone, and uses it.
    pub(super) async fn give_up_oldest(&mut self, gateway: &Gateway) {
        if self.access.len() < 2 {
            return;
        }
        let token = self.access.remove(0);
        let target = Target::Access(Id::of(&token));
        if gateway.revoke(&self.client, &token, target).await.done().is_some() {
            self.use_everywhere(gateway, &token).await;
            tokio::time::sleep(Duration::from_millis(400)).await;
            self.use_everywhere(gateway, &token).await;
        }
    }

    async fn use_everywhere(&self, gateway: &Gateway, token: &str) {
        for number in 0..INSTANCES {
            gateway.call(Path::Instance(number), token).await;
        }
        gateway.call(Path::Edge, token).await;
    }
}
