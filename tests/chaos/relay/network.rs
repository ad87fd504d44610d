//! The troubles of the network: which links they concern, and what they do.

use std::time::Duration;

use tokio::sync::watch;

use crate::names::Name;

/// A connection, from the program that opened it to the one that listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from: Name,
    pub(super) to: Name,
}

/// A selection of links.
#[derive(Clone, Debug)]
pub enum Links {
    /// Those between a program and each of these, whichever opened them.
    Between(Name, Vec<Name>),
    /// Those between these programs and all others.
    Around(Vec<Name>),
}

impl Links {
    fn include(&self, link: Link) -> bool {
        match self {
            Self::Between(one, others) => {
                link.from == *one && others.contains(&link.to)
                    || link.to == *one && others.contains(&link.from)
            }
            Self::Around(inner) => {
                link.from != Name::Traefik && inner.contains(&link.from) != inner.contains(&link.to)
            }
        }
    }
}

/// A trouble of links.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// Connections end at once, and new ones do not last.
    Cut,
    /// What is sent takes longer.
    Delay(Duration),
    /// What is sent waits until the trouble is over. Nobody is told.
    Blackhole,
}

/// A trouble that is in effect.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    number: u64,
    links: Links,
    trouble: Trouble,
}

/// The rules in effect.
pub(super) type Rules = watch::Receiver<Vec<Rule>>;

/// The network.
pub struct Network(watch::Sender<Vec<Rule>>);

impl Default for Network {
    fn default() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }
}

impl Network {
    pub(super) fn rules(&self) -> Rules {
        self.0.subscribe()
    }

    /// Begins a trouble. Returns its number.
    pub fn impose(&self, links: Links, trouble: Trouble) -> u64 {
        let mut given = 0;
        self.0.send_modify(|rules| {
            given = rules.iter().map(|rule| rule.number).max().unwrap_or(0) + 1;
            rules.push(Rule { number: given, links, trouble });
        });
        given
    }

    /// Ends all troubles.
    pub fn lift_all(&self) {
        self.0.send_modify(Vec::clear);
    }

    /// Ends the trouble with this number.
    pub fn lift(&self, number: u64) {
        self.0.send_modify(|rules| rules.retain(|rule| rule.number != number));
    }
}

pub(super) fn is_cut(rules: &[Rule], link: Link) -> bool {
    troubles(rules, link).any(|trouble| matches!(trouble, Trouble::Cut))
}

pub(super) fn is_swallowed(rules: &[Rule], link: Link) -> bool {
    troubles(rules, link).any(|trouble| matches!(trouble, Trouble::Blackhole))
}

pub(super) fn delay(rules: &[Rule], link: Link) -> Duration {
    let delays = troubles(rules, link).map(|trouble| match trouble {
        Trouble::Delay(time) => time,
        Trouble::Cut | Trouble::Blackhole => Duration::ZERO,
    });
    delays.sum()
}

fn troubles(rules: &[Rule], link: Link) -> impl Iterator<Item = Trouble> {
    rules.iter().filter(move |rule| rule.links.include(link)).map(|rule| rule.trouble)
}
