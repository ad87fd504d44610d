//! The largest inputs that the gateway accepts, found by bisection, so that the flood stays the worst
//! one when a limit changes.

use reqwest::Method;

use super::kit::{Kit, Registration};
use super::shot::{Answer, Shot};
use super::shots::authorize::request;
use super::shots::client::{Method as By, metadata, registration};
use super::source::Sources;

/// Traefik reads heads of up to 64 KiB.
const LONGEST_QUERY: usize = 64_000;
/// auth-service reads bodies of up to 64 KiB.
pub const LARGEST_BODY: usize = 64 << 10;
/// The contacts of a registration, which fill it up.
pub const CONTACTS: usize = 20;

/// Characters of a `state`: as they stand in a query, and how long each is in JSON.
const UNITS: [(&str, usize); 3] = [("%01", 6), ("%22", 2), ("x", 1)];

/// The largest accepted inputs.
#[derive(Clone, Debug, Default)]
pub struct Largest {
    /// `state`, as it stands in a query.
    pub state: String,
    /// Its number of characters.
    pub state_length: usize,
    /// The length of a redirect URI's path.
    pub path: usize,
    /// The length of each contact.
    pub contact: usize,
    /// The bytes of a whole registration.
    pub registration: usize,
}

/// Sends requests one after the other, each from another address.
struct Prober<'a> {
    kit: &'a Kit,
    sources: &'a Sources,
    number: u64,
}

impl Prober<'_> {
    async fn send(&mut self, shot: &Shot) -> Option<Answer> {
        self.number += 1;
        let client = self.sources.client(self.number).ok()?;
        let from = self.sources.address(self.number);
        // A connection that is closed on a request is a refusal, too.
        shot.send(&client, self.kit, self.sources.way(), from).await.ok()
    }

    async fn register(&mut self, largest: &Largest) -> Option<Registration> {
        let document = metadata(self.kit, largest, self.number, By::Public);
        let shot = Shot::json("/register", document.to_string());
        let answer = self.send(&shot).await?;
        registration(&shot, &answer)
    }

    async fn longest_path(&mut self) -> usize {
        let mut found = Bisection::to(4096);
        while let Some(path) = found.next() {
            let fits = self.register(&Largest { path, ..Largest::default() }).await.is_some();
            found.note(fits);
        }
        found.largest()
    }

    async fn longest_contact(&mut self, path: usize) -> usize {
        let mut found = Bisection::to(LARGEST_BODY / CONTACTS);
        while let Some(contact) = found.next() {
            let largest = Largest { path, contact, ..Largest::default() };
            let fits = self.register(&largest).await.is_some();
            found.note(fits);
        }
        found.largest()
    }

    async fn longest_state(&mut self, client: &Registration, unit: &str) -> usize {
        let mut found = Bisection::to(LONGEST_QUERY / unit.len());
        while let Some(length) = found.next() {
            let query = request(self.kit, &client.id, &unit.repeat(length));
            let shot = Shot::new(Method::GET, format!("/authorize?{query}"));
            let fits = self.send(&shot).await.is_some_and(|answer| answer.status == 200);
            found.note(fits);
        }
        found.largest()
    }
}

/// Finds the largest inputs and keeps them in `kit`.
pub async fn measure(kit: &mut Kit, sources: &Sources) -> anyhow::Result<()> {
    let mut prober = Prober { kit, sources, number: 0 };
    let path = prober.longest_path().await;
    let contact = prober.longest_contact(path).await;
    let mut largest = Largest { path, contact, ..Largest::default() };
    let client = prober.register(&largest).await;
    let client = client.ok_or_else(|| anyhow::anyhow!("/register refuses every client"))?;
    largest.registration = client.metadata.to_string().len();
    let mut worst = 0;
    for (unit, stored) in UNITS {
        let length = prober.longest_state(&client, unit).await;
        if length * stored > worst {
            worst = length * stored;
            (largest.state, largest.state_length) = (unit.repeat(length), length);
        }
    }
    anyhow::ensure!(worst > 0, "/authorize shows no page for a client of its own");
    kit.largest = largest;
    Ok(())
}

/// The largest number up to a bound that fits, where what is smaller fits, too.
struct Bisection {
    fits: usize,
    most: usize,
}

impl Bisection {
    const fn to(most: usize) -> Self {
        Self { fits: 0, most }
    }

    /// The number to try next.
    const fn next(&self) -> Option<usize> {
        if self.fits < self.most { Some((self.fits + self.most).div_ceil(2)) } else { None }
    }

    /// Notes whether that number fits.
    const fn note(&mut self, fits: bool) {
        let Some(tried) = self.next() else { return };
        if fits {
            self.fits = tried;
        } else {
            self.most = tried - 1;
        }
    }

    const fn largest(&self) -> usize {
        self.fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_found_exactly() {
        for bound in [0, 1, 2047, 2048, 4095, 4096, 9999] {
            let mut found = Bisection::to(4096);
            while let Some(tried) = found.next() {
                found.note(tried <= bound);
            }
            assert_eq!(found.largest(), bound.min(4096));
        }
    }
}
