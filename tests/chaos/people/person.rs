//! A person with a browser and some programs that are connected.

use std::{sync::Arc, time::Duration};

use gateway_tests::{
    browser::Browser,
    chaos::{
        history::{Outcome, Path},
        random::Random,
    },
};

use super::{
    Gateway,
    connect::connect,
    stream,
    tokens::{Held, Renewal},
};
use crate::names::INSTANCES;

/// The most programs of a person.
const PROGRAMS: usize = 3;

/// The longest time that the last look at each grant may take.
const LAST_LOOK: Duration = Duration::from_secs(60);

#[derive(Clone, Copy)]
enum Wish {
    Call,
    Verify,
    Renew,
    Connect,
    Stream,
    GiveUp,
    GiveUpOldest,
    Replay,
    NewBrowser,
}

const WISHES: [(u64, Wish); 9] = [
    (40, Wish::Call),
    (15, Wish::Verify),
    (18, Wish::Renew),
    (10, Wish::Connect),
    (6, Wish::Stream),
    (3, Wish::GiveUp),
    (3, Wish::GiveUpOldest),
    (1, Wish::Replay),
    (1, Wish::NewBrowser),
];

/// A person.
pub struct Person {
    name: String,
    gateway: Arc<Gateway>,
    random: Random,
    browser: Browser,
    held: Vec<Held>,
    registrations: usize,
}

impl Person {
    /// The person of this number.
    pub fn new(gateway: Arc<Gateway>, number: usize, seed: u64) -> Self {
        let name = format!("person-{number}");
        let random = Random::of(seed, &name);
        let browser = Browser::new(gateway.edge.clone());
        Self { name, gateway, random, browser, held: Vec::new(), registrations: 0 }
    }

    /// Works until the run is over.
    pub async fn live(mut self) {
        while !self.gateway.is_over() {
            tokio::time::sleep(self.random.millis(10..250)).await;
            let wish = self.random.weighted(&WISHES);
            if self.held.is_empty() || matches!(wish, Wish::Connect) {
                self.connect().await;
            } else {
                self.fulfil(wish).await;
            }
            let kept = self.held.iter().filter_map(|held| held.kept(&self.name)).collect();
            self.gateway.vault.put(&self.name, kept);
        }
        let _late = tokio::time::timeout(LAST_LOOK, self.look_once_more()).await;
    }

    /// Uses each grant once more, when all faults are over.
    async fn look_once_more(&mut self) {
        for mut held in std::mem::take(&mut self.held) {
            held.usable().await;
            if held.renew(&self.gateway, &mut self.random).await != Renewal::Renewed {
                continue;
            }
            for path in [Path::Edge, Path::Instance(0), Path::Instance(1)] {
                if let Some(token) = held.access(&mut self.random) {
                    self.gateway.call(path, token).await;
                }
            }
        }
    }

    /// Connects a program: a new one, or one that is registered already.
    async fn connect(&mut self) {
        if self.held.len() >= PROGRAMS {
            return;
        }
        let known = self.held.first().map(|held| held.client.clone());
        let client = match known.filter(|_| self.random.chance(30)) {
            Some(client) => client,
            None => {
                self.registrations += 1;
                let name = format!("Program {} of {}", self.registrations, self.name);
                let Outcome::Done(client) = self.gateway.register(&name).await else { return };
                client
            }
        };
        let own = (self.name.as_str(), client.as_str());
        let connected = connect(&self.gateway, &mut self.browser, own, &mut self.random).await;
        self.held.extend(connected.map(|issued| Held::new(client, issued)));
    }

    async fn fulfil(&mut self, wish: Wish) {
        let index = self.random.index(self.held.len());
        match wish {
            Wish::Call => self.call(index, Path::Edge).await,
            Wish::Verify => {
                let instance = self.random.index(INSTANCES);
                self.call(index, Path::Instance(instance)).await;
            }
            Wish::Renew => self.renew(index).await,
            Wish::Stream => {
                let life = self.random.millis(3000..60_000);
                if let Some(token) = self.held[index].access(&mut self.random) {
                    tokio::spawn(stream::read(Arc::clone(&self.gateway), token.to_owned(), life));
                }
            }
            Wish::GiveUp => {
                let held = self.held.swap_remove(index);
                held.give_up(&self.gateway, &mut self.random).await;
            }
            Wish::GiveUpOldest => self.held[index].give_up_oldest(&self.gateway).await,
            Wish::Replay => {
                if self.held[index].is_usable() && self.held[index].replay(&self.gateway).await {
                    self.held.swap_remove(index);
                }
            }
            Wish::NewBrowser => self.browser = Browser::new(self.gateway.edge.clone()),
            Wish::Connect => {}
        }
    }

    /// Calls, and refreshes if the token is refused.
    async fn call(&mut self, index: usize, path: Path) {
        let Some(token) = self.held[index].access(&mut self.random) else { return };
        if self.gateway.call(path, token).await.is_refused() {
            self.renew(index).await;
        }
    }

    async fn renew(&mut self, index: usize) {
        if !self.held[index].is_usable() {
            return;
        }
        if self.held[index].renew(&self.gateway, &mut self.random).await != Renewal::Renewed {
            self.held.swap_remove(index);
        }
    }
}
